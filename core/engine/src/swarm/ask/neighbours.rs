//! `neighbours`: whom to connect to, whom to drop. Asked when somebody came, went or could be tried again.
//! A complete node waits to be dialled, and so is shown only those that it is connected to.

use alloc::vec::Vec;
use core::time::Duration;

use samara_model::{PeerId, PeerMessage, Place};
use samara_policy::{CandidateColumns, Connection, NeighboursAnswer, NeighboursView, Question};

use super::{About, DropReason, For, Hook, bounded, dropped};
use crate::swarm::hints::{Hint, HintState};
use crate::swarm::neighbour::{Neighbour, number_of};
use crate::swarm::place::{label_numbers, relation_between};
use crate::swarm::views::millis;
use crate::swarm::{LinkKey, Outputs, Swarm, SwarmOutput};

/// Most rows of a view. Who is connected is always among them.
const MAX_ROWS: usize = 512;
/// A policy that decided nothing, or a complete node, is asked again after this time at the soonest.
const PAUSE: Duration = Duration::from_secs(1);

impl Swarm {
    pub(in crate::swarm) fn ask_neighbours(&mut self, out: &mut Outputs) {
        let asked_lately = self.neighbours_asked.is_some_and(|at| self.now.since(at) < PAUSE);
        if self.asks.is_open(Hook::Neighbours) || self.is_complete() && asked_lately {
            return;
        }
        self.hints.clear_dirty();
        let reader = if self.policy.hooks.neighbours { For::Active } else { For::BuiltIn };
        self.question_neighbours(reader, out);
    }

    /// Time passed: somebody who may be tried again is a reason to ask, at once while the policy takes up
    /// what it is shown, and in a while when it does not want them.
    pub(in crate::swarm) fn wake_neighbours(&mut self) {
        let asked = self.neighbours_asked.is_some_and(|at| self.now.since(at) < PAUSE);
        if !(self.is_complete() || asked && self.neighbours_content) {
            self.hints.wake(self.now);
        }
    }

    /// Live connections to look for: to everybody, or in a larger swarm to some.
    pub(in crate::swarm) fn target_neighbours(&self) -> u32 {
        let few = self.hints.count() <= self.config.full_mesh as usize;
        if few { self.config.full_mesh } else { self.config.target_neighbours }
    }

    pub(super) fn question_neighbours(&mut self, reader: For, out: &mut Outputs) {
        let complete = self.is_complete();
        let mut candidates = self.hints.candidates(self.now, MAX_ROWS, &mut self.random);
        candidates.retain(|(_, hint)| !complete || hint.state != HintState::Idle);
        if candidates.is_empty() {
            return;
        }
        self.neighbours_asked = Some(self.now);
        let mut peers = CandidateColumns::default();
        let mut live: Vec<&Neighbour> = self.neighbours.values().collect();
        live.sort_unstable_by_key(|one| one.peer);
        for (peer, hint) in &candidates {
            let at = live.binary_search_by_key(peer, |one| one.peer);
            self.push_candidate(peer, hint, at.ok().map(|at| live[at]), reader, &mut peers);
        }
        let view = NeighboursView {
            me: self.me_view(0, 0, 0, reader),
            peers,
            target: self.target_neighbours(),
            more: Vec::new(),
        };
        let rows = candidates.into_iter().map(|(peer, _)| peer).collect();
        self.ask(About::Neighbours(rows), Question::Neighbours(view), reader, out);
    }

    fn push_candidate(
        &self,
        peer: &PeerId,
        hint: &Hint,
        connected: Option<&Neighbour>,
        reader: For,
        table: &mut CandidateColumns,
    ) {
        let live = match hint.state {
            HintState::Connected => connected,
            HintState::Idle | HintState::Connecting => None,
        };
        // What it says of itself is better than what others say.
        let Place { zone, rack, .. } = live.map_or(hint.place, |one| one.place);
        let relation = relation_between(&self.place, &live.map_or(hint.place, |one| one.place));
        table.id.push(number_of(peer));
        table.zone.push(zone);
        table.rack.push(rack);
        table.relation.push(relation);
        if reader == For::Active {
            match live {
                Some(one) => table.labels.extend_from_slice(&one.shown),
                None => table.labels.extend(label_numbers(hint.place, &self.policy.labels)),
            }
        }
        table.connected.push(hint.state != HintState::Idle);
        table.permille.push(live.map_or(u32::from(hint.permille), |one| u32::from(one.permille())));
        table.connected_ms.push(live.map_or(0, |one| millis(self.now.since(one.since))));
        table.failures.push(hint.failures + live.map_or(0, |one| one.failures));
    }

    pub(super) fn apply_neighbours(
        &mut self,
        rows: &[PeerId],
        answer: &NeighboursAnswer,
        reader: For,
        out: &mut Outputs,
    ) -> bool {
        let mut decided = false;
        let drops = bounded(Hook::Neighbours, &answer.drop, out);
        let connects = bounded(Hook::Neighbours, &answer.connect, out);
        for (row, drop) in
            drops.iter().map(|row| (row, true)).chain(connects.iter().map(|row| (row, false)))
        {
            let done = match drop {
                true => self.drop_row(rows, row, out),
                false => self.connect_row(rows, row, out),
            };
            match done {
                Ok(()) => {
                    decided = true;
                    self.carried_out(Hook::Neighbours, row.reason, reader);
                }
                Err(why) => dropped(Hook::Neighbours, why, out),
            }
        }
        self.neighbours_content = !decided;
        decided
    }

    fn drop_row(
        &mut self,
        rows: &[PeerId],
        row: &Connection,
        out: &mut Outputs,
    ) -> Result<(), DropReason> {
        let peer = rows.get(row.peer as usize).ok_or(DropReason::UnknownPeer)?;
        let link = self.link_of(peer).ok_or(DropReason::NotConnected)?;
        self.part_from(link, out);
        self.hints.dropped(peer, self.now);
        Ok(())
    }

    /// Ends the neighbourhood, not the connection: it may carry other contents. What is on its way is called
    /// off first, as nothing may come on a channel that was closed.
    fn part_from(&mut self, link: LinkKey, out: &mut Outputs) {
        self.call_off(link, out);
        out.push(SwarmOutput::Send { link, message: PeerMessage::Close { channel: 0 } });
        self.forget(link, out);
    }

    /// Calls off all transfers with a neighbour that is about to be forgotten.
    pub(in crate::swarm) fn call_off(&self, link: LinkKey, out: &mut Outputs) {
        let leaving = self.under_way.to(link).iter().filter_map(|outgoing| outgoing.chunk());
        out.extend(leaving.map(|chunk| SwarmOutput::CancelServe { link, chunk }));
        let coming = self.under_way.from(link).iter().filter_map(|incoming| incoming.chunk);
        out.extend(coming.map(|chunk| SwarmOutput::DropIncoming { link, chunk }));
    }

    fn connect_row(
        &mut self,
        rows: &[PeerId],
        row: &Connection,
        out: &mut Outputs,
    ) -> Result<(), DropReason> {
        let peer = *rows.get(row.peer as usize).ok_or(DropReason::UnknownPeer)?;
        let address = self.hints.connecting(&peer).ok_or(DropReason::NotConnectable)?;
        out.push(SwarmOutput::Connect { peer, address });
        Ok(())
    }
}
