//! How many transfers run at a time.
//!
//! With more slots each transfer takes longer, and so does the way of the first chunks through the swarm; with
//! fewer a link is idle while an offer is answered. What is best differs between real links and the simulator's:
//! see [`super::SwarmConfig`].

use super::sending::slow_after;
use super::{LinkKey, Swarm};

/// A content of fewer chunks than this is spread through fewer slots: the way through the swarm counts more
/// than a link that is idle now and then.
const FEW_CHUNKS: u32 = 128;
/// Slots of such a content, each way.
const FEW_SLOTS: u32 = 3;
/// An offer counts as no less of a transfer than this, in thousandths.
const LEAST_CHANCE: u32 = 500;
/// Slots, each way, while offers are answered at once. Slots bridge the time until an answer comes; what comes at
/// once needs no bridge, and a chunk is passed on the sooner the fewer transfers share a link. Over the limit,
/// simulated with 250 peers and messages that take no time: 1.061 with one slot, 1.054 with two, 1.098 with four.
const QUICK_SLOTS: u32 = 2;
/// Answers come at once when so many take less than the time between two chunks.
const QUICK: u32 = 20;
/// With fewer neighbours than this for each slot a link may be idle because nobody is free.
const QUICK_NEIGHBOURS: u32 = 4;

/// Most that [`Chance::odds_against`] says.
const MOST_ODDS: u32 = 16;

/// Which part of the answers to offers was of some kind lately, in thousandths.
#[derive(Debug)]
pub(super) struct Chance(u32);

impl Default for Chance {
    fn default() -> Self {
        Chance(1000)
    }
}

impl Chance {
    /// One more answer.
    pub(super) fn record(&mut self, is_such: bool) {
        self.0 = (self.0 * 15 + if is_such { 1000 } else { 0 }) / 16;
    }

    /// How many others there are for each of these, rounded down; at most [`MOST_ODDS`].
    pub(super) fn odds_against(&self) -> u32 {
        ((1000 - self.0) / self.0.max(1)).min(MOST_ODDS)
    }

    /// So many of this many offers come to something, rounded.
    fn of(&self, offers: u32) -> u32 {
        (offers * self.0.max(LEAST_CHANCE) + 500) / 1000
    }
}

impl Swarm {
    fn has_few_chunks(&self) -> bool {
        self.chunks.as_ref().is_some_and(|chunks| chunks.count() < FEW_CHUNKS)
    }

    fn slots_of(&self, leased: u32) -> u32 {
        if self.has_few_chunks() { leased.min(FEW_SLOTS) } else { leased }
    }

    /// Whether offers are answered at once, compared with what a chunk takes.
    fn answers_are_quick(&self) -> bool {
        let (Some(answer), Some(pause)) = (self.answer_pace.mean(), self.arrivals.mean()) else {
            return false;
        };
        answer * QUICK < pause && self.neighbours.len() as u32 >= QUICK_SLOTS * QUICK_NEIGHBOURS
    }

    fn adapted(&self, slots: u32) -> u32 {
        if self.answers_are_quick() { slots.min(QUICK_SLOTS) } else { slots }
    }

    /// Uploads at a time. The first pass asks nobody, and its copies must not wait.
    pub(super) fn upload_slots(&self) -> u32 {
        let slots = self.slots_of(self.leased.0);
        if self.origin && !self.first_pass_over { slots } else { self.adapted(slots) }
    }

    /// Downloads at a time.
    pub(super) fn download_slots(&self) -> u32 {
        self.adapted(self.slots_of(self.leased.1))
    }

    /// Chunks that are taken of one offer: of few chunks, not many are promised to one neighbour.
    pub(super) fn chunks_per_offer(&self) -> u32 {
        let all = self.chunks.as_ref().map_or(0, |chunks| chunks.count());
        self.config.chunks_per_offer.min(all / FEW_CHUNKS).max(1)
    }

    /// Uploads that may run now. A content of few chunks begins with one at a time: while little comes in,
    /// the links into the others are as empty as the one in here, and one transfer fills the link out of it.
    fn usable_slots(&mut self) -> u32 {
        let slots = self.upload_slots();
        if self.in_first_pass() {
            // The first copies go out one by one: they are passed on the sooner.
            let slots = slots.min(self.config.first_pass_slots);
            match self.stats.served.checked_div(u64::from(self.config.first_pass_ramp)) {
                Some(begun) => slots.min(1 + u32::try_from(begun).unwrap_or(u32::MAX - 1)),
                None => slots,
            }
        } else if self.has_few_chunks() && !self.origin && !self.is_complete() {
            slots.min(self.inbound() + 1)
        } else {
            slots
        }
    }

    /// Upload slots that could be filled now. A slot is a neighbour that something is on its way to: chunks
    /// that wait behind another on one link take no further slot. A transfer that takes much longer than usual
    /// does not count: a slow receiver must not keep a fast uplink idle. Nor does an offer count fully, with few
    /// chunks, when most are declined.
    pub(super) fn free_upload_slots(&mut self) -> u32 {
        let slots = self.usable_slots();
        let slow_after = slow_after(&self.send_pace);
        let few = self.has_few_chunks();
        let is_offer =
            |link: LinkKey| few && self.under_way.to(link).iter().all(|one| one.chunk().is_none());
        let (mut all, mut transfers, mut offers) = (0, 0, 0);
        for (link, turn) in self.under_way.sending() {
            all += 1;
            if self.now.since(turn) <= slow_after {
                *(if is_offer(link) { &mut offers } else { &mut transfers }) += 1;
            }
        }
        let limit = self.upload_slots() * self.config.slow_factor;
        let taken = transfers + self.chance.of(offers);
        slots.saturating_sub(taken).min(limit.saturating_sub(all))
    }

    /// Most offers and transfers to one neighbour: one, more where there are fewer neighbours than slots.
    pub(super) fn per_peer(&self) -> u32 {
        let slots = self.upload_slots();
        let lacking = self.neighbours.values().filter(|one| one.manifest_bytes.is_some());
        let lacking = lacking.filter(|one| !one.has.is_full());
        // With as many as slots it is one: no need to count on.
        let receivers = lacking.take(slots as usize).count() as u32;
        slots.div_ceil(receivers.max(1)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::time::Duration;

    use samara_model::{ChunkSet, ContentId, PeerId, Time};

    use super::*;
    use crate::swarm::world::connected;
    use crate::swarm::{ManifestFacts, SwarmConfig, SwarmInput};

    #[test]
    fn offers_that_are_mostly_declined_count_as_half_a_transfer() {
        let mut chance = Chance::default();
        assert_eq!(chance.of(4), 4);
        (0..64).for_each(|_| chance.record(false));
        assert_eq!((chance.of(1), chance.of(4)), (1, 2));
        (0..64).for_each(|_| chance.record(true));
        assert_eq!(chance.of(4), 4);
    }

    /// A node with all of 500 chunks that come every 10 ms, so many neighbours, and offers answered in `answer`.
    fn with(neighbours: usize, origin: bool, answer: Duration) -> Swarm {
        let (me, content) = (PeerId([200; 32]), ContentId([9; 32]));
        let mut swarm = Swarm::new(SwarmConfig::default(), me, content, origin, 3);
        let have = ChunkSet::full(500);
        let facts = ManifestFacts { bytes: alloc::vec![1].into(), chunk_bytes: 65536, have };
        let mut out = Vec::new();
        swarm.handle(Time::ZERO, SwarmInput::ManifestLoaded(facts), &mut out);
        (1..=neighbours).for_each(|node| swarm.handle(Time::ZERO, connected(node), &mut out));
        swarm.arrivals.record(Duration::from_millis(10));
        swarm.answer_pace.record(answer);
        swarm
    }

    #[test]
    fn answers_that_come_at_once_need_few_slots() {
        let slots = |swarm: &Swarm| (swarm.upload_slots(), swarm.download_slots());
        let quick = Duration::from_micros(499);
        assert_eq!(slots(&with(20, false, Duration::from_micros(500))), (4, 6));
        assert_eq!(slots(&with(20, false, quick)), (2, 2));
        assert_eq!(slots(&with(7, false, quick)), (4, 6), "few neighbours");
        let mut origin = with(20, true, quick);
        assert!(origin.in_first_pass());
        assert_eq!(origin.usable_slots(), 3, "the first pass asks nobody");
    }
}
