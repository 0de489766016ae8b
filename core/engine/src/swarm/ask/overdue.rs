//! `overdue`: what to do about transfers that take longer than they should.

use alloc::vec::Vec;
use core::time::Duration;

use samara_model::{ChunkIndex, PeerMessage};
use samara_policy::{
    InboundColumns, OverdueAction, OverdueAnswer, OverdueDecision, OverdueView, Question,
};

use super::{About, DropReason, For, Hook, bounded, dropped};
use crate::swarm::{LinkKey, Outputs, Swarm, SwarmOutput};

/// Transfers are looked at by the policy from this age on, in mean download times.
const OVERDUE_AFTER: u32 = 3;
/// Most transfers in one question.
const MAX_OVERDUE: usize = 64;

impl Swarm {
    pub(in crate::swarm) fn ask_overdue(&mut self, out: &mut Outputs) {
        let reader = if self.stands_in() { For::BuiltIn } else { For::Active };
        if reader == For::Active && !self.policy.hooks.overdue || self.asks.is_open(Hook::Overdue) {
            return;
        }
        self.question_overdue(reader, out);
    }

    pub(super) fn question_overdue(&mut self, reader: For, out: &mut Outputs) {
        let Some(mean) = self.receive_pace.mean() else { return };
        let after = (mean * OVERDUE_AFTER).max(Duration::from_millis(100));
        let (inbound, transfers) = self.transfers_older_than(after);
        if transfers.is_empty() {
            return;
        }
        let rows: Vec<LinkKey> = self.neighbours.keys().copied().collect();
        let free = self.free_download_slots();
        let view = OverdueView {
            me: self.me_view(self.download_slots(), free, self.per_peer(), reader),
            peers: self.peer_columns(&rows, reader),
            inbound,
            alternatives: self.alternatives(&rows, &transfers),
            more: Vec::new(),
        };
        self.ask(About::Overdue { rows, transfers }, Question::Overdue(view), reader, out);
    }

    /// Rows of `peer` are positions among all neighbours.
    fn transfers_older_than(
        &self,
        after: Duration,
    ) -> (InboundColumns, Vec<(LinkKey, ChunkIndex)>) {
        let (mut inbound, mut transfers) = (InboundColumns::default(), Vec::new());
        for (row, link) in self.neighbours.keys().enumerate() {
            for incoming in self.under_way.from(*link) {
                let age = self.now.since(incoming.since);
                let Some(chunk) = incoming.chunk else { continue };
                if age < after || incoming.hedged || transfers.len() >= MAX_OVERDUE {
                    continue;
                }
                inbound.peer.push(row as u32);
                inbound.chunk.push(chunk);
                inbound.age_us.push(age.as_micros() as u64);
                inbound.started.push(incoming.started);
                transfers.push((*link, chunk));
            }
        }
        (inbound, transfers)
    }

    pub(super) fn apply_overdue(
        &mut self,
        rows: &[LinkKey],
        transfers: &[(LinkKey, ChunkIndex)],
        answer: &OverdueAnswer,
        reader: For,
        out: &mut Outputs,
    ) -> bool {
        let mut decided = false;
        for decision in bounded(Hook::Overdue, &answer.decisions, out) {
            match self.apply_decision(rows, transfers, decision, out) {
                Ok(acted) => {
                    decided |= acted;
                    self.carried_out(Hook::Overdue, decision.reason, reader);
                }
                Err(why) => dropped(Hook::Overdue, why, out),
            }
        }
        decided
    }

    fn apply_decision(
        &mut self,
        rows: &[LinkKey],
        transfers: &[(LinkKey, ChunkIndex)],
        decision: &OverdueDecision,
        out: &mut Outputs,
    ) -> Result<bool, DropReason> {
        let at = decision.transfer as usize;
        let (link, chunk) = *transfers.get(at).ok_or(DropReason::UnknownTransfer)?;
        match decision.action {
            OverdueAction::Wait => Ok(false),
            OverdueAction::Cancel => self.give_up(link, chunk, out).map(|()| true),
            OverdueAction::Duplicate(row) => {
                let other = *rows.get(row as usize).ok_or(DropReason::UnknownPeer)?;
                self.hedge(link, chunk, other, out).map(|()| true)
            }
        }
    }

    fn give_up(
        &mut self,
        link: LinkKey,
        chunk: ChunkIndex,
        out: &mut Outputs,
    ) -> Result<(), DropReason> {
        if self.under_way.reservation(link, Some(chunk)).is_none() {
            return Err(DropReason::TransferOver);
        }
        self.end_incoming(link, chunk);
        out.push(SwarmOutput::DropIncoming { link, chunk });
        self.send(link, PeerMessage::Cancel { channel: 0, chunk }, out);
        Ok(())
    }

    fn hedge(
        &mut self,
        link: LinkKey,
        chunk: ChunkIndex,
        other: LinkKey,
        out: &mut Outputs,
    ) -> Result<(), DropReason> {
        if other == link {
            return Err(DropReason::HereOrComing);
        }
        let slow = self.under_way.reservation(link, Some(chunk));
        let incoming = slow.ok_or(DropReason::TransferOver)?;
        incoming.hedged = true;
        self.request(other, Some(chunk), true, out)
    }
}
