//! The uploader's side: slots, offers, transfers out of here.

use alloc::vec::Vec;
use core::time::Duration;

use samara_model::{ChunkIndex, MAX_CANDIDATES, PeerMessage, Time};

use super::under_way::{Outgoing, Sending};
use super::{LinkKey, Outputs, Pace, Swarm, SwarmEvent, SwarmOutput};

/// Offers are answered within a round trip; after this long they are void.
const OFFER_EXPIRES: Duration = Duration::from_secs(1);

/// A slot is free this many mean answer times before its transfer ends.
const ANSWERS_AHEAD: u32 = 3;

/// A neighbour without a slot is left alone for no longer than a third of the time in which one chunk in so
/// many comes.
const BACKOFF_PART: u32 = 15;

impl Swarm {
    /// Whether this is an origin with chunks that nobody else has and that are not being sent.
    pub(super) fn in_first_pass(&mut self) -> bool {
        self.origin && self.chunks.as_mut().is_some_and(|chunks| chunks.has_unsent())
    }

    /// Says when the first pass is over: from then on the origin is a node like any other.
    pub(super) fn end_first_pass(&mut self, out: &mut Outputs) {
        if self.first_pass_over || self.chunks.is_none() || self.in_first_pass() {
            return;
        }
        self.first_pass_over = true;
        self.offers_wanted = true;
        let links: Vec<LinkKey> = self.neighbours.keys().copied().collect();
        for link in links {
            self.send(link, PeerMessage::WantHaves { channel: 0 }, out);
        }
        out.push(SwarmOutput::Report(SwarmEvent::FirstPassDone));
    }

    /// Neighbours that may be offered something now.
    pub(super) fn receivers(&self) -> Vec<LinkKey> {
        let Some(chunks) = &self.chunks else { return Vec::new() };
        if self.withdrawn {
            return Vec::new();
        }
        let per_peer = self.per_peer() as usize;
        let able = self.neighbours.iter().filter(|(link, one)| {
            one.opened
                && one.manifest_bytes.is_some()
                && one.busy_until <= self.now
                && self.under_way.to(**link).len() < per_peer
                && one.has.lacks(&chunks.have) > 0
        });
        able.map(|(link, _)| *link).collect()
    }

    /// When somebody who is backing off may be asked again.
    pub(super) fn next_offer_retry(&self) -> Option<Time> {
        let waiting = self.neighbours.values().filter(|one| one.busy_until > self.now);
        waiting.map(|one| one.busy_until).min()
    }

    /// How long a neighbour without a free slot is left alone: a third of a chunk time, longer when most have no
    /// slot. Then there are more slots to send than to receive, as when hashing is slower than the links, and
    /// offers would only be declined the more often. A small content has no time for that.
    pub(super) fn busy_backoff(&self) -> Duration {
        let chunk_time = self.arrivals.mean().unwrap_or(Duration::from_millis(6));
        let usual = (chunk_time / 3).clamp(Duration::from_micros(50), Duration::from_millis(10));
        let most = self.chunks.as_ref().map_or(0, |chunks| chunks.count() / BACKOFF_PART);
        usual * self.room.odds_against().min(most).max(1)
    }

    /// Offers these chunks, as far as they are still good to offer.
    pub(super) fn offer(
        &mut self,
        link: LinkKey,
        wanted: &[ChunkIndex],
        out: &mut Outputs,
    ) -> bool {
        let chunks = self.sendable(link, wanted);
        if chunks.is_empty() {
            return false;
        }
        let inbound = self.inbound() as u16;
        let what = Sending::Offered(chunks.clone());
        self.under_way.send(Outgoing::new(link, self.now, what));
        self.stats.offers += 1;
        self.send(link, PeerMessage::Offer { channel: 0, chunks, inbound }, out);
        true
    }

    /// Those of `wanted` that are here, that the neighbour lacks, and that are not on their way to it.
    pub(super) fn sendable(&self, link: LinkKey, wanted: &[ChunkIndex]) -> Vec<ChunkIndex> {
        let (Some(chunks), Some(neighbour)) = (&self.chunks, self.neighbours.get(&link)) else {
            return Vec::new();
        };
        let good = |chunk: &ChunkIndex| {
            chunks.have.contains(*chunk)
                && !neighbour.has.contains(*chunk)
                && !self.under_way.is_sent(link, *chunk)
        };
        wanted.iter().copied().filter(good).take(MAX_CANDIDATES).collect()
    }

    /// How long before its end a transfer should free its slot, so that the next one begins when it ends: an
    /// offer must be answered, the first bytes come, and one in four offers is declined. The first pass asks
    /// nobody.
    fn ahead(&mut self) -> Duration {
        if self.in_first_pass() {
            return Duration::ZERO;
        }
        let ahead = self.answer_pace.mean().map_or(Duration::ZERO, |mean| mean * ANSWERS_AHEAD);
        ahead.min(self.config.most_ahead)
    }

    /// Starts sending a chunk.
    pub(super) fn serve(&mut self, link: LinkKey, chunk: ChunkIndex, out: &mut Outputs) {
        let Some(chunks) = &mut self.chunks else { return };
        if !self.neighbours.contains_key(&link) {
            return;
        }
        chunks.sending[chunk as usize] = chunks.sending[chunk as usize].saturating_add(1);
        self.under_way.send(Outgoing::new(link, self.now, Sending::Chunk(chunk)));
        self.stats.served += 1;
        out.push(SwarmOutput::ServeChunk { link, chunk, ahead: self.ahead() });
    }

    /// The neighbour picked a chunk of an offer. An offer that expired meanwhile counts as a request.
    pub(super) fn on_accept(&mut self, link: LinkKey, chunk: ChunkIndex, out: &mut Outputs) {
        let Some(offered) = self.under_way.take_offer(link, Some(chunk)) else {
            return self.on_request(link, Some(chunk), out);
        };
        self.answer_pace.record(self.now.since(offered.since));
        self.chance.record(true);
        self.room.record(true);
        if self.sendable(link, &[chunk]).is_empty() {
            return self.refuse(link, Some(chunk), out);
        }
        self.serve(link, chunk, out);
    }

    /// A neighbour asks for a chunk, or for any: served when there is room, otherwise refused.
    pub(super) fn on_request(
        &mut self,
        link: LinkKey,
        chunk: Option<ChunkIndex>,
        out: &mut Outputs,
    ) {
        let chunk_or_any = match chunk {
            // Whoever asks for a chunk does not have it, whatever was believed.
            Some(chunk) => {
                self.now_lacks(link, chunk);
                self.sendable(link, &[chunk]).first().copied()
            }
            None => self.rarest_for(link),
        };
        let running = self.under_way.outgoing().len();
        let to_it = self.under_way.to(link).len();
        let room = running < (self.upload_slots() * self.config.slow_factor) as usize
            && to_it <= self.per_peer() as usize;
        match chunk_or_any {
            Some(chunk) if room && !self.withdrawn => self.serve(link, chunk, out),
            _ => self.refuse(link, chunk, out),
        }
    }

    fn now_lacks(&mut self, link: LinkKey, chunk: ChunkIndex) {
        if let (Some(chunks), Some(one)) = (&mut self.chunks, self.neighbours.get_mut(&link))
            && one.has.remove(chunk, &chunks.have)
        {
            chunks.holders[chunk as usize] = chunks.holders[chunk as usize].saturating_sub(1);
        }
    }

    fn rarest_for(&self, link: LinkKey) -> Option<ChunkIndex> {
        let (chunks, neighbour) = (self.chunks.as_ref()?, self.neighbours.get(&link)?);
        let lacked = chunks.have.iter().filter(|chunk| !neighbour.has.contains(*chunk));
        lacked
            .filter(|chunk| !self.under_way.is_sent(link, *chunk))
            .min_by_key(|chunk| (chunks.holders[*chunk as usize], chunks.sending[*chunk as usize]))
    }

    fn refuse(&mut self, link: LinkKey, chunk: Option<ChunkIndex>, out: &mut Outputs) {
        self.send(link, PeerMessage::Refuse { channel: 0, chunk }, out);
    }

    /// The bytes are acknowledged: the slot is free, and the neighbour has the chunk.
    pub(super) fn on_chunk_sent(&mut self, link: LinkKey, chunk: ChunkIndex) {
        self.offers_wanted = true;
        let (Some(chunks), Some(neighbour)) = (&mut self.chunks, self.neighbours.get_mut(&link))
        else {
            return;
        };
        let Some(sent) = self.under_way.take_sending(link, chunk) else { return };
        let took = self.now.since(sent.turn);
        self.under_way.sent_to(link, self.now);
        neighbour.sent += 1;
        neighbour.inbound.0 = neighbour.inbound.0.saturating_sub(1);
        chunks.sent[chunk as usize] = chunks.sent[chunk as usize].saturating_add(1);
        self.upload_rate.record(self.now, chunks.chunk_bytes);
        neighbour.send_pace.record(took);
        self.send_pace.record(took);
        if neighbour.has.insert(chunk, &chunks.have) {
            let holders = &mut chunks.holders[chunk as usize];
            *holders = holders.saturating_add(1);
        }
        chunks.end_sending(chunk);
    }

    pub(super) fn on_serve_failed(&mut self, link: LinkKey, chunk: ChunkIndex, out: &mut Outputs) {
        self.stop_sending(link, chunk);
        self.refuse(link, Some(chunk), out);
    }

    pub(super) fn on_cancel(&mut self, link: LinkKey, chunk: ChunkIndex, out: &mut Outputs) {
        if !self.chunk_exists(chunk) {
            return;
        }
        if self.stop_sending(link, chunk) {
            out.push(SwarmOutput::CancelServe { link, chunk });
        }
        self.now_has(link, chunk);
    }

    fn stop_sending(&mut self, link: LinkKey, chunk: ChunkIndex) -> bool {
        self.offers_wanted = true;
        let was_sent = self.under_way.take_sending(link, chunk).is_some();
        if let (true, Some(chunks)) = (was_sent, &mut self.chunks) {
            chunks.end_sending(chunk);
        }
        was_sent
    }

    pub(super) fn expire_offers(&mut self) {
        let now = self.now;
        // Before the usual time is known there is no reason to wait longer either.
        let usual = self.send_pace.usual().unwrap_or_default();
        let after = (usual * 8).max(OFFER_EXPIRES);
        let late = |one: &Outgoing| one.chunk().is_none() && now.since(one.since) >= after;
        for of_one in
            self.under_way.end_outgoing_where(late).chunk_by(|one, next| one.link == next.link)
        {
            let Some(neighbour) = self.neighbours.get_mut(&of_one[0].link) else { continue };
            self.stats.expired += 1;
            neighbour.failures += 1;
            neighbour.busy_until = now + OFFER_EXPIRES;
            self.offers_wanted = true;
        }
    }
}

/// From which age on a transfer counts as slow.
pub(super) fn slow_after(pace: &Pace) -> Duration {
    match pace.usual() {
        Some(usual) => (usual * 2).max(Duration::from_millis(5)),
        None => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use samara_model::DeclineReason;

    use super::*;
    use crate::swarm::SwarmConfig;
    use crate::swarm::bench::{Bench, ONE};

    #[test]
    fn who_has_no_slot_is_left_alone_the_longer_the_fewer_have_one() {
        let mut bench = Bench::new(SwarmConfig::default(), 640, &[0, 1, 2, 3]);
        bench.connect(ONE, &[], false, &[]);
        let usual = bench.swarm.busy_backoff();
        let mut answers = |count: u32, reason| {
            for _ in 0..count {
                // What was declined counts as held for a while.
                bench.wait(3000);
                bench.ask_again();
                let out = &mut Vec::new();
                bench.swarm.offer(ONE, &[0], out);
                assert!(!out.is_empty(), "an offer");
                bench.say(ONE, PeerMessage::Decline { channel: 0, reason, inbound: 9 });
            }
            bench.swarm.busy_backoff()
        };
        assert_eq!(answers(8, DeclineReason::Have), usual, "it has a slot");
        let longer = answers(32, DeclineReason::Busy);
        assert!(longer > usual * 4 && longer <= usual * 16, "{longer:?}");
        assert_eq!(answers(64, DeclineReason::Have), usual);
    }
}
