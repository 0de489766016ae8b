//! The receiver's side: picking from offers, reservations, arriving chunks.

use core::time::Duration;

use samara_model::{ChunkIndex, DeclineReason, PeerMessage, Time};

use super::sending::slow_after;
use super::under_way::Incoming;
use super::{LinkKey, Outputs, Swarm, SwarmEvent, SwarmOutput};

/// A second copy of a chunk is taken when the first has been coming for this many mean times ...
const HEDGE_AFTER: u32 = 6;
/// ... and at least this long.
const HEDGE_PATIENCE: Duration = Duration::from_millis(250);

/// The end begins when one chunk in so many is missing: at a sixteenth, offers of one chunk each slowed the
/// last second down more than they spread it better.
const END: u32 = 64;

/// Slots that were empty for four mean pauses between two chunks, and for this long, are filled by asking.
const LEAST_PATIENCE: Duration = Duration::from_millis(20);

impl Swarm {
    /// Neighbours from which something is on its way here or reserved. Slow ones do not count: a slow
    /// uploader must not keep a fast downlink idle.
    pub(super) fn inbound(&self) -> u32 {
        let slow_after = slow_after(&self.receive_pace);
        let at_work = |turn: &Time| self.now.since(*turn) <= slow_after;
        self.under_way.receiving().filter(at_work).count() as u32
    }

    fn inbound_in_all(&self) -> u32 {
        self.under_way.receiving().count() as u32
    }

    /// Download slots that could be filled now.
    pub(super) fn free_download_slots(&self) -> u32 {
        let limit = self.download_slots() * self.config.slow_factor;
        let free = self.download_slots().saturating_sub(self.inbound());
        free.min(limit.saturating_sub(self.inbound_in_all()))
    }

    /// A neighbour could send one of these: takes the first that is missing and not on its way.
    pub(super) fn on_offer(&mut self, link: LinkKey, offered: &[ChunkIndex], out: &mut Outputs) {
        for chunk in offered {
            self.now_has(link, *chunk);
        }
        match self.pick(link, offered) {
            Ok((chunk, hedged)) => {
                self.accept(link, chunk, hedged, out);
                self.accept_more(link, offered, out);
            }
            Err(reason) => {
                let inbound = self.inbound() as u16;
                self.send(link, PeerMessage::Decline { channel: 0, reason, inbound }, out);
            }
        }
    }

    fn accept(&mut self, link: LinkKey, chunk: ChunkIndex, hedged: bool, out: &mut Outputs) {
        self.reserve(link, Some(chunk), hedged);
        let inbound = self.inbound() as u16;
        self.send(link, PeerMessage::Accept { channel: 0, chunk, inbound }, out);
    }

    /// Takes further chunks of the same offer, in the same packet: half of the offers and answers then do,
    /// and each chunk is passed on as soon as it is here all the same. Not near the end, where what one
    /// peer promises another could bring sooner.
    fn accept_more(&mut self, link: LinkKey, offered: &[ChunkIndex], out: &mut Outputs) {
        for _ in 1..self.chunks_per_offer() {
            let Some(chunks) = &self.chunks else { return };
            let waiting = self.under_way.from(link).len() as u32;
            if waiting >= self.chunks_per_offer() || chunks.have.missing() < chunks.count() / END {
                return;
            }
            let idle = |chunk: &ChunkIndex| {
                *chunk < chunks.count()
                    && !chunks.have.contains(*chunk)
                    && chunks.coming[*chunk as usize] == 0
            };
            let Some(chunk) = offered.iter().copied().find(idle) else { return };
            self.accept(link, chunk, false, out);
        }
    }

    fn pick(
        &self,
        link: LinkKey,
        offered: &[ChunkIndex],
    ) -> Result<(ChunkIndex, bool), DeclineReason> {
        let neighbour = self.neighbours.get(&link).ok_or(DeclineReason::Parked)?;
        let chunks = self.chunks.as_ref().ok_or(DeclineReason::Parked)?;
        let shunned = !neighbour.is_trusted() || neighbour.refused_until > self.now;
        if self.parked || self.withdrawn || shunned {
            return Err(DeclineReason::Parked);
        }
        // Who sends already needs no further slot: its next chunk begins when this one ends.
        let goes_on = self.under_way.from(link).len() == 1;
        if !goes_on && self.free_download_slots() == 0 {
            return Err(DeclineReason::Busy);
        }
        let missing = |chunk: &ChunkIndex| *chunk < chunks.count() && !chunks.have.contains(*chunk);
        let wanted = offered.iter().copied().filter(missing);
        let idle = wanted.clone().find(|chunk| chunks.coming[*chunk as usize] == 0);
        idle.map(|chunk| (chunk, false))
            .or_else(|| wanted.clone().find(|chunk| self.is_overdue(*chunk)).map(|c| (c, true)))
            .ok_or(DeclineReason::Have)
    }

    /// Whether the one copy of a chunk that is on its way takes so long that a second is worth it.
    fn is_overdue(&self, chunk: ChunkIndex) -> bool {
        let Some(chunks) = &self.chunks else { return false };
        let mean = self.receive_pace.mean().unwrap_or(HEDGE_PATIENCE);
        let after = (mean * HEDGE_AFTER).max(HEDGE_PATIENCE);
        chunks.coming[chunk as usize] == 1
            && self
                .under_way
                .incoming()
                .iter()
                .filter(|incoming| incoming.chunk == Some(chunk))
                .all(|incoming| self.now.since(incoming.since) > after)
    }

    /// Books a transfer that was accepted or asked for.
    pub(super) fn reserve(&mut self, link: LinkKey, chunk: Option<ChunkIndex>, hedged: bool) {
        if !self.neighbours.contains_key(&link) {
            return;
        }
        self.under_way.expect(Incoming { hedged, ..Incoming::new(link, self.now, chunk) });
        if let (Some(chunk), Some(chunks)) = (chunk, &mut self.chunks) {
            chunks.coming[chunk as usize] = chunks.coming[chunk as usize].saturating_add(1);
        }
    }

    /// First bytes: of a reservation, of an "any" request, or pushed unasked.
    pub(super) fn on_chunk_started(&mut self, link: LinkKey, chunk: ChunkIndex, out: &mut Outputs) {
        if !self.chunk_exists(chunk) {
            return;
        }
        if self.chunks.as_ref().is_some_and(|chunks| chunks.have.contains(chunk)) {
            return self.send(link, PeerMessage::Cancel { channel: 0, chunk }, out);
        }
        if let Some(reserved) = self.under_way.reservation(link, Some(chunk)) {
            reserved.started = true;
        } else if let Some(any) = self.under_way.reservation(link, None) {
            any.started = true;
            any.chunk = Some(chunk);
            if let Some(chunks) = &mut self.chunks {
                chunks.coming[chunk as usize] = chunks.coming[chunk as usize].saturating_add(1);
            }
        } else {
            self.reserve(link, Some(chunk), false);
            if let Some(pushed) = self.under_way.reservation(link, Some(chunk)) {
                pushed.started = true;
            }
        }
    }

    pub(super) fn on_chunk_stored(&mut self, link: LinkKey, chunk: ChunkIndex, out: &mut Outputs) {
        self.now_has(link, chunk);
        let reserved = self.under_way.take_incoming(link, chunk);
        if let Some(neighbour) = self.neighbours.get_mut(&link) {
            neighbour.failures = 0;
            neighbour.received += 1;
            if let Some(incoming) = reserved {
                let took = self.now.since(incoming.turn);
                self.under_way.received_from(link, self.now);
                neighbour.receive_pace.record(took);
                self.receive_pace.record(took);
            }
        }
        let Some(chunks) = &mut self.chunks else { return };
        if reserved.is_some() {
            chunks.end_coming(chunk);
        }
        if !chunks.have.insert(chunk) {
            return;
        }
        self.neighbours.values_mut().for_each(|one| one.has.came_here(chunk));
        chunks.log.push(chunk);
        self.download_rate.record(self.now, chunks.chunk_bytes);
        if let Some(last) = self.last_arrival.replace(self.now) {
            self.arrivals.record(self.now.since(last));
        }
        self.idle_since = None;
        self.offers_wanted = true;
        self.requests_wanted = true;
        self.cancel_copies(chunk, out);
        self.schedule_haves();
        self.report_if_complete(out);
    }

    /// Tells everybody else who is sending this chunk to stop.
    fn cancel_copies(&mut self, chunk: ChunkIndex, out: &mut Outputs) {
        if self.chunks.as_ref().is_none_or(|chunks| chunks.coming[chunk as usize] == 0) {
            return;
        }
        for copy in self.under_way.end_incoming_where(|one| one.chunk == Some(chunk)) {
            out.push(SwarmOutput::DropIncoming { link: copy.link, chunk });
            self.send(copy.link, PeerMessage::Cancel { channel: 0, chunk }, out);
        }
        if let Some(chunks) = &mut self.chunks {
            chunks.coming[chunk as usize] = 0;
        }
    }

    pub(super) fn report_if_complete(&mut self, out: &mut Outputs) {
        if self.is_complete() {
            self.flush_haves(out);
            out.push(SwarmOutput::Report(SwarmEvent::Completed));
        }
    }

    /// Takes a transfer out of the books that ended without a chunk.
    pub(super) fn end_incoming(&mut self, link: LinkKey, chunk: ChunkIndex) {
        self.requests_wanted = true;
        let taken = self.under_way.take_incoming(link, chunk);
        if let (Some(_), Some(chunks)) = (taken, &mut self.chunks) {
            chunks.end_coming(chunk);
        }
    }

    /// The source cannot serve it.
    pub(super) fn on_refuse(&mut self, link: LinkKey, chunk: Option<ChunkIndex>) {
        // Who refuses has no slot, either. 1,000 peers whose hashing is slower than their links took 1.17 times
        // the limit instead of 1.07 when this pause did not grow with the declined offers.
        let until = self.now + self.busy_backoff() * 4;
        let Some(neighbour) = self.neighbours.get_mut(&link) else { return };
        neighbour.refused_until = neighbour.refused_until.max(until);
        match chunk {
            Some(chunk) => self.end_incoming(link, chunk),
            None => {
                let any = |one: &Incoming| one.link == link && one.chunk.is_none();
                self.under_way.end_incoming_where(any);
            }
        }
        self.requests_wanted = true;
    }

    pub(super) fn on_store_failed(&mut self, link: LinkKey, chunk: ChunkIndex, out: &mut Outputs) {
        self.end_incoming(link, chunk);
        if !self.parked {
            self.parked = true;
            out.push(SwarmOutput::Report(SwarmEvent::Parked));
        }
    }

    /// A reservation without a first byte ends, and its source is left alone for a while, longer each time.
    pub(super) fn expire_reservations(&mut self, out: &mut Outputs) {
        let patience = self.reservation_patience();
        let now = self.now;
        let Some(chunks) = &mut self.chunks else { return };
        let late = |one: &Incoming| !one.started && now.since(one.since) > patience;
        let late = self.under_way.end_incoming_where(late);
        for of_one in late.chunk_by(|one, next| one.link == next.link) {
            let link = of_one[0].link;
            let Some(neighbour) = self.neighbours.get_mut(&link) else { continue };
            self.stats.expired += 1;
            neighbour.failures += 1;
            let pause = Duration::from_millis(500) * 2u32.pow(neighbour.failures.min(8));
            neighbour.refused_until = now + pause;
            for chunk in of_one.iter().filter_map(|one| one.chunk) {
                chunks.end_coming(chunk);
                let message = PeerMessage::Cancel { channel: 0, chunk };
                out.push(SwarmOutput::Send { link, message });
            }
            let peer = neighbour.peer;
            out.push(SwarmOutput::Report(SwarmEvent::ReservationExpired { peer }));
        }
    }

    fn reservation_patience(&self) -> Duration {
        let mean = self.receive_pace.mean().unwrap_or_default();
        (mean * 16).max(self.config.reservation)
    }

    /// Whether slots have stayed empty for so long that it is time to ask.
    pub(super) fn is_idle(&mut self) -> bool {
        let wants = self.chunks.as_ref().is_some_and(|chunks| !chunks.have.is_full());
        if !wants || self.parked || self.withdrawn || self.inbound() > 0 {
            self.idle_since = None;
            return false;
        }
        let since: Time = *self.idle_since.get_or_insert(self.now);
        let patience = self.arrivals.mean().unwrap_or_default() * 4;
        self.now.since(since) >= patience.max(LEAST_PATIENCE)
    }
}
