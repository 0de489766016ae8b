//! `offers`: what to send next, to whom. Asked when an upload slot is free and somebody could use it.

use alloc::vec::Vec;

use samara_model::ChunkIndex;
use samara_policy::{Offer, OffersAnswer, OffersView, Question};

use super::{About, DropReason, For, Hook, bounded, dropped};
use crate::swarm::window::Window;
use crate::swarm::{LinkKey, Outputs, Swarm};

impl Swarm {
    pub(in crate::swarm) fn ask_offers(&mut self, out: &mut Outputs) {
        self.offers_wanted = false;
        if !self.policy.hooks.offers {
            return;
        }
        if self.asks.is_open(Hook::Offers) {
            // Asked again as soon as this one is answered.
            self.offers_wanted = true;
            return;
        }
        self.question_offers(For::Active, out);
    }

    pub(super) fn question_offers(&mut self, reader: For, out: &mut Outputs) {
        let free = self.free_upload_slots();
        if free == 0 {
            return;
        }
        let rows = self.receivers();
        if rows.is_empty() {
            return;
        }
        let window = self.sending_window(reader);
        let view = OffersView {
            me: self.me_view(self.upload_slots, free, self.per_peer(), reader),
            peers: self.peer_columns(&rows, reader),
            chunks: self.chunk_columns(&window),
            unavailable: self.unavailable(&rows, &window),
            more: Vec::new(),
        };
        self.ask(About::Offers { rows, window }, Question::Offers(view), reader, out);
    }

    pub(super) fn apply_offers(
        &mut self,
        rows: &[LinkKey],
        window: &Window,
        answer: &OffersAnswer,
        reader: For,
        out: &mut Outputs,
    ) -> bool {
        let mut decided = false;
        for offer in bounded(Hook::Offers, &answer.offers, out) {
            if self.free_upload_slots() == 0 {
                dropped(Hook::Offers, DropReason::NoSlot, out);
                break;
            }
            match self.apply_offer(rows, window, offer, out) {
                Ok(()) => {
                    decided = true;
                    self.carried_out(Hook::Offers, offer.reason, reader);
                }
                Err(why) => dropped(Hook::Offers, why, out),
            }
        }
        decided
    }

    fn apply_offer(
        &mut self,
        rows: &[LinkKey],
        window: &Window,
        offer: &Offer,
        out: &mut Outputs,
    ) -> Result<(), DropReason> {
        let link = *rows.get(offer.peer as usize).ok_or(DropReason::UnknownPeer)?;
        let room = self.per_peer() as usize;
        if !self.neighbours.contains_key(&link) || self.under_way.to(link).len() >= room {
            return Err(DropReason::PeerBusy);
        }
        let candidates = offer.chunks.iter().take(samara_policy::MAX_CANDIDATES);
        let chunks: Vec<ChunkIndex> =
            candidates.filter_map(|position| window.chunk(*position)).collect();
        if chunks.is_empty() {
            return Err(DropReason::UnknownChunk);
        }
        let first = self.sendable(link, &chunks).first().copied();
        let chunk = first.ok_or(DropReason::NothingToSend)?;
        if offer.push {
            self.serve(link, chunk, out);
        } else {
            self.offer(link, &chunks, out);
        }
        Ok(())
    }
}
