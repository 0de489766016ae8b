//! `offers`: what to send next, to whom. Asked when an upload slot is free and somebody could use it.
//!
//! A question costs more than all that follows from an offer, and most offers meet a peer whose slots are
//! taken. So the policy is asked for a few offers more than there are free slots; these stand by for a
//! fraction of a transfer's time, for when an offer is declined or the next slot is free.

use alloc::vec::Vec;

use samara_model::{ChunkIndex, Time};
use samara_policy::{Offer, OffersAnswer, OffersView, Question};

use super::{About, DropReason, For, Hook, bounded, dropped};
use crate::swarm::window::Window;
use crate::swarm::{LinkKey, Outputs, Swarm};

/// Offers that are asked for beyond the free slots. Not in the first pass, where nobody declines.
const SPARE: u32 = 3;

/// Decisions that wait for a slot.
#[derive(Debug, Default)]
pub(in crate::swarm) struct Standby {
    /// The next to be carried out is the last.
    offers: Vec<Spare>,
    until: Time,
}

/// An offer that the policy decided on, and that no slot was free for.
#[derive(Debug)]
struct Spare {
    link: LinkKey,
    chunks: Vec<ChunkIndex>,
    reason: u32,
    reader: For,
}

impl Standby {
    pub(in crate::swarm) fn clear(&mut self) {
        self.offers.clear();
    }
}

impl Swarm {
    pub(in crate::swarm) fn ask_offers(&mut self, out: &mut Outputs) {
        self.offers_wanted = false;
        if !self.policy.hooks.offers {
            return;
        }
        self.offer_spares(out);
        if self.asks.is_open(Hook::Offers) {
            // Asked again as soon as this one is answered.
            self.offers_wanted = true;
            return;
        }
        self.question_offers(For::Active, out);
    }

    /// Makes the offers that stand by, as far as they are still good.
    fn offer_spares(&mut self, out: &mut Outputs) {
        if self.standby.until < self.now {
            self.standby.clear();
        }
        while self.free_upload_slots() > 0 {
            let Some(spare) = self.standby.offers.pop() else { return };
            let busy = self.neighbours.get(&spare.link).is_none_or(|one| one.busy_until > self.now);
            if !busy && self.make_offer(spare.link, &spare.chunks, false, out).is_ok() {
                self.carried_out(Hook::Offers, spare.reason, spare.reader);
                if spare.reader == For::Active {
                    self.policy_decided(Hook::Offers);
                }
            }
        }
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
        self.standby.clear();
        let window = self.sending_window(reader);
        let wanted = free + self.spare();
        let view = OffersView {
            me: self.me_view(self.upload_slots(), wanted, self.per_peer(), reader),
            peers: self.peer_columns(&rows, reader),
            chunks: self.chunk_columns(&window),
            unavailable: self.unavailable(&rows, &window),
            more: self.sites(&rows, &window, reader),
        };
        self.ask(About::Offers { rows, window }, Question::Offers(view), reader, out);
    }

    fn spare(&mut self) -> u32 {
        if self.in_first_pass() { 0 } else { SPARE }
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
        let mut offers = bounded(Hook::Offers, &answer.offers, out).iter();
        while let Some(offer) = offers.next() {
            if self.free_upload_slots() == 0 {
                let rest = core::iter::once(offer).chain(offers);
                self.stand_by(rows, window, rest, reader, out);
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

    /// Keeps what no slot is free for now, as much as was asked for.
    fn stand_by<'a>(
        &mut self,
        rows: &[LinkKey],
        window: &Window,
        mut rest: impl Iterator<Item = &'a Offer>,
        reader: For,
        out: &mut Outputs,
    ) {
        let room = self.spare() as usize;
        let kept = rest.by_ref().take(room).filter(|offer| !offer.push);
        self.standby.offers = kept
            .filter_map(|offer| {
                let (link, chunks) = read(rows, window, offer).ok()?;
                Some(Spare { link, chunks, reason: offer.reason, reader })
            })
            .collect();
        self.standby.offers.reverse();
        let usual = self.send_pace.usual().unwrap_or_default();
        self.standby.until = self.now + usual / 2;
        if rest.next().is_some() {
            dropped(Hook::Offers, DropReason::NoSlot, out);
        }
    }

    fn apply_offer(
        &mut self,
        rows: &[LinkKey],
        window: &Window,
        offer: &Offer,
        out: &mut Outputs,
    ) -> Result<(), DropReason> {
        let (link, chunks) = read(rows, window, offer)?;
        self.make_offer(link, &chunks, offer.push, out)
    }

    fn make_offer(
        &mut self,
        link: LinkKey,
        chunks: &[ChunkIndex],
        push: bool,
        out: &mut Outputs,
    ) -> Result<(), DropReason> {
        let room = self.per_peer() as usize;
        if !self.neighbours.contains_key(&link) || self.under_way.to(link).len() >= room {
            return Err(DropReason::PeerBusy);
        }
        if chunks.is_empty() {
            return Err(DropReason::UnknownChunk);
        }
        let first = self.sendable(link, chunks).first().copied();
        let chunk = first.ok_or(DropReason::NothingToSend)?;
        if push {
            self.serve(link, chunk, out);
        } else {
            self.offer(link, chunks, out);
        }
        Ok(())
    }
}

/// Rows and positions of an offer as links and chunks.
fn read(
    rows: &[LinkKey],
    window: &Window,
    offer: &Offer,
) -> Result<(LinkKey, Vec<ChunkIndex>), DropReason> {
    let link = *rows.get(offer.peer as usize).ok_or(DropReason::UnknownPeer)?;
    let candidates = offer.chunks.iter().take(samara_policy::MAX_CANDIDATES);
    Ok((link, candidates.filter_map(|position| window.chunk(*position)).collect()))
}
