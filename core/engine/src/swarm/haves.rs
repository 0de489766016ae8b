//! News about chunks: batched, riding in front of other messages, none to an origin in its first pass.

use core::time::Duration;

use samara_model::{ChunkIndex, HaveSummary, PeerMessage};

use super::{LinkKey, Outputs, Swarm, SwarmOutput};

/// Chunks that come here for each message of news, where they come quickly. One for each chunk gained the simulated
/// swarm 0.5 %, and cost 31 real ones 12 % more processor time and 1.3 % more time.
const NEWS_EVERY: u32 = 8;
/// A content of `n` chunks has at least this / `n` batches of news while it comes: a small one can afford them, and
/// there each chunk counts. Simulated with 1,000 peers: 64 chunks took 1.288 times the limit instead of 1.308.
const BATCHES: u32 = 800;

impl Swarm {
    /// Time between batches: about two chunk times, and the longer the more neighbours must be told: where chunks
    /// come quickly, one message for every eight, more of a small content. News also ride in front of every other
    /// message, and late ones cost declined offers, not transfers.
    fn have_interval(&self) -> Duration {
        let (shortest, longest) = self.config.have_interval;
        let neighbours = self.neighbours.len() as u32;
        let crowd = self.config.have_interval_per_neighbour * neighbours;
        let Some(pause) = self.arrivals.mean() else { return crowd.clamp(shortest, longest) };
        let all = self.chunks.as_ref().map_or(0, |chunks| chunks.count());
        let most = (all.saturating_mul(all) / BATCHES).min(NEWS_EVERY * neighbours);
        (pause * 2).max(crowd.min(pause * most)).clamp(shortest, longest)
    }

    /// News ride in front of another message, unless the neighbour was told a moment ago: a ride costs no
    /// packet, but both ends' time.
    pub(super) fn news_ride(&mut self, link: LinkKey, out: &mut Outputs) {
        let pause = self.have_interval() / 3;
        let told_at = self.neighbours.get(&link).map(|one| one.told_at);
        if told_at.is_some_and(|at| self.now.since(at) >= pause) {
            self.tell_haves(link, out);
        }
    }

    /// Starts the clock of the next batch, unless it runs.
    pub(super) fn schedule_haves(&mut self) {
        if self.haves_due.is_none() {
            self.haves_due = Some(self.now + self.have_interval());
        }
    }

    pub(super) fn flush_haves(&mut self, out: &mut Outputs) {
        self.haves_due = None;
        let links: alloc::vec::Vec<LinkKey> = self.neighbours.keys().copied().collect();
        for link in links {
            self.tell_haves(link, out);
        }
    }

    /// Tells one neighbour what came since it was told last.
    pub(super) fn tell_haves(&mut self, link: LinkKey, out: &mut Outputs) {
        let inbound = self.inbound() as u16;
        let (Some(chunks), Some(neighbour)) = (&self.chunks, self.neighbours.get_mut(&link)) else {
            return;
        };
        let listens = neighbour.wants_haves && neighbour.manifest_bytes.is_some();
        if !listens || neighbour.told >= chunks.log.len() || self.withdrawn {
            return;
        }
        neighbour.told_at = self.now;
        let news = &chunks.log[neighbour.told..];
        neighbour.told = chunks.log.len();
        // About three bytes an index in a list, one bit in a set.
        let message = if news.len() * 24 > chunks.count() as usize + 64 {
            let have = match chunks.summary() {
                HaveSummary::Nothing => return,
                have => have,
            };
            PeerMessage::HaveSet { channel: 0, have, inbound }
        } else {
            PeerMessage::Have { channel: 0, chunks: news.to_vec(), inbound }
        };
        self.stats.news += 1;
        out.push(SwarmOutput::Send { link, message });
    }

    pub(super) fn on_have(&mut self, link: LinkKey, news: &[ChunkIndex]) {
        for chunk in news {
            self.now_has(link, *chunk);
        }
        let Some(neighbour) = self.neighbours.get_mut(&link) else { return };
        // A peer that vouches for a chunk whose bytes came wrong gets another chance, three times.
        if neighbour.rejected <= 3 {
            neighbour.bad.open.retain(|chunk| !news.contains(chunk));
            if neighbour.bad.open.is_empty() {
                neighbour.bad.cleared();
            }
        }
    }

    /// Notes that a neighbour has a chunk.
    pub(super) fn now_has(&mut self, link: LinkKey, chunk: ChunkIndex) {
        let (Some(chunks), Some(neighbour)) = (&mut self.chunks, self.neighbours.get_mut(&link))
        else {
            return;
        };
        if neighbour.has.insert(chunk, &chunks.have) {
            self.requests_wanted = true;
            let holders = &mut chunks.holders[chunk as usize];
            *holders = holders.saturating_add(1);
        }
    }

    pub(super) fn on_have_set(&mut self, link: LinkKey, have: &HaveSummary) {
        let (Some(chunks), Some(neighbour)) = (&mut self.chunks, self.neighbours.get_mut(&link))
        else {
            return;
        };
        let Some(has) = chunks.read_summary(have) else { return };
        chunks.remove_holder(&neighbour.has);
        chunks.add_holder(&has);
        neighbour.has.replace(has, &chunks.have);
        self.requests_wanted = true;
    }

    pub(super) fn on_want_haves(&mut self, link: LinkKey, out: &mut Outputs) {
        if let Some(neighbour) = self.neighbours.get_mut(&link) {
            neighbour.wants_haves = true;
        }
        self.tell_haves(link, out);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use samara_model::{ChunkSet, ContentId, PeerId, Time};

    use super::*;
    use crate::swarm::world::connected;
    use crate::swarm::{ManifestFacts, SwarmConfig, SwarmInput};

    #[test]
    fn news_of_quick_chunks_are_quick_and_those_of_slow_ones_do_not_flood() {
        let config = SwarmConfig::default();
        let mut swarm = Swarm::new(config, PeerId([200; 32]), ContentId([9; 32]), false, 3);
        (1..=20).for_each(|node| swarm.handle(Time::ZERO, connected(node), &mut Vec::new()));
        load(&mut swarm, 1_000);
        let each = config.have_interval_per_neighbour;
        assert_eq!(swarm.have_interval(), each * 20, "before the first chunk");
        swarm.arrivals.record(Duration::from_millis(1));
        assert_eq!(swarm.have_interval(), Duration::from_millis(20) * NEWS_EVERY);
        (0..64).for_each(|_| swarm.arrivals.record(Duration::from_secs(1)));
        assert!(swarm.have_interval() >= each * 20);
        assert!(swarm.have_interval() <= config.have_interval.1);
    }

    fn load(swarm: &mut Swarm, chunks: u32) {
        let have = ChunkSet::empty(chunks);
        let facts = ManifestFacts { bytes: alloc::vec![1].into(), chunk_bytes: 65536, have };
        swarm.handle(Time::ZERO, SwarmInput::ManifestLoaded(facts), &mut Vec::new());
    }

    #[test]
    fn of_a_small_content_news_are_quicker() {
        let interval = |chunks| {
            let mut swarm =
                Swarm::new(SwarmConfig::default(), PeerId([200; 32]), ContentId([9; 32]), false, 3);
            (1..=20).for_each(|node| swarm.handle(Time::ZERO, connected(node), &mut Vec::new()));
            load(&mut swarm, chunks);
            swarm.arrivals.record(Duration::from_millis(5));
            swarm.have_interval().as_millis()
        };
        assert_eq!([64, 200, 400, 1_000].map(interval), [25, 250, 800, 800]);
        assert_eq!(interval(u32::from(u16::MAX) * 4), 800, "no overflow");
    }
}
