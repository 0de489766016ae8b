//! Chunks that neighbours said they have or get, without saying which they have: they are not offered again
//! for a while. One short list for all neighbours, because every decision looks at all of it.

use alloc::vec::Vec;

use samara_model::{ChunkIndex, Time};

use super::LinkKey;

/// In the order in which it was said.
#[derive(Debug, Default)]
pub struct Assumed(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    link: LinkKey,
    chunk: ChunkIndex,
    until: Time,
}

impl Assumed {
    /// A neighbour declined these as held; what was said before and is over is forgotten.
    pub fn add(&mut self, link: LinkKey, chunks: Vec<ChunkIndex>, now: Time, until: Time) {
        self.0.retain(|entry| entry.until > now);
        self.0.extend(chunks.into_iter().map(|chunk| Entry { link, chunk, until }));
    }

    /// What one neighbour said is worth nothing any more.
    pub fn forget(&mut self, link: LinkKey) {
        self.0.retain(|entry| entry.link != link);
    }

    /// What is still assumed, of all neighbours.
    pub fn iter(&self, now: Time) -> impl Iterator<Item = (LinkKey, ChunkIndex)> + '_ {
        let still = self.0.iter().filter(move |entry| entry.until > now);
        still.map(|entry| (entry.link, entry.chunk))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn what_is_assumed_ends_with_its_time_or_its_neighbour() {
        let (one, two) = (LinkKey(1), LinkKey(2));
        let mut assumed = Assumed::default();
        assumed.add(one, vec![3, 4], Time(0), Time(10));
        assumed.add(two, vec![3], Time(5), Time(15));
        assert_eq!(assumed.iter(Time(9)).collect::<Vec<_>>(), [(one, 3), (one, 4), (two, 3)]);
        assert_eq!(assumed.iter(Time(10)).collect::<Vec<_>>(), [(two, 3)]);
        assumed.add(one, vec![7], Time(12), Time(20));
        assert_eq!(assumed.0.len(), 2, "what is over takes no room");
        assumed.forget(two);
        assert_eq!(assumed.iter(Time(12)).collect::<Vec<_>>(), [(one, 7)]);
    }
}
