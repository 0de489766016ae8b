//! Where a content has its gaps, for people: the chunks in so many stretches of equal length.

use alloc::vec::Vec;

use super::Swarm;

/// One stretch of a content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Chunks in it.
    pub chunks: u32,
    /// Of these, chunks that are here.
    pub here: u32,
    /// Of these, chunks that are reserved or on their way to here.
    pub coming: u32,
    /// Neighbours that have the rarest of its chunks.
    pub least_holders: u16,
}

impl Swarm {
    /// The content in at most `stretches`; nothing before the manifest is known.
    pub fn chunk_map(&self, stretches: u32) -> Vec<Stretch> {
        let Some(chunks) = &self.chunks else { return Vec::new() };
        let count = chunks.count();
        let stretches = stretches.min(count);
        let bound = |at: u32| (u64::from(at) * u64::from(count) / u64::from(stretches)) as u32;
        let stretch = |at: u32| {
            let range = bound(at)..bound(at + 1);
            let mut one = Stretch {
                chunks: range.len() as u32,
                least_holders: u16::MAX,
                ..Stretch::default()
            };
            for chunk in range {
                let place = chunk as usize;
                one.here += u32::from(chunks.have.contains(chunk));
                one.coming += u32::from(chunks.coming[place] > 0 && !chunks.have.contains(chunk));
                one.least_holders = one.least_holders.min(chunks.holders[place]);
            }
            one
        };
        (0..stretches).map(stretch).collect()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use samara_model::{ChunkSet, ContentId, PeerId, Time};

    use super::*;
    use crate::swarm::{ManifestFacts, SwarmConfig, SwarmInput};

    #[test]
    fn every_chunk_is_in_one_stretch() {
        let mut swarm =
            Swarm::new(SwarmConfig::default(), PeerId([1; 32]), ContentId([9; 32]), false, 3);
        assert_eq!(swarm.chunk_map(4), []);
        let mut have = ChunkSet::empty(10);
        for chunk in 0..4 {
            have.insert(chunk);
        }
        let facts = ManifestFacts { bytes: vec![1].into(), chunk_bytes: 65536, have };
        swarm.handle(Time::ZERO, SwarmInput::ManifestLoaded(facts), &mut Vec::new());
        for stretches in [1, 3, 10, 1000] {
            let map = swarm.chunk_map(stretches);
            assert_eq!(map.len(), stretches.min(10) as usize);
            assert_eq!(map.iter().map(|one| one.chunks).sum::<u32>(), 10, "{stretches}");
            assert_eq!(map.iter().map(|one| one.here).sum::<u32>(), 4, "{stretches}");
        }
        let map = swarm.chunk_map(3);
        assert_eq!(map.iter().map(|one| one.here).collect::<Vec<_>>(), [3, 1, 0]);
        assert_eq!(swarm.chunk_map(0), []);
    }
}
