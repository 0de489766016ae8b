//! Which chunks are here: bits that the data plane reads and sets without a lock.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use samara_model::{ChunkIndex, ChunkSet};

/// A [`ChunkSet`] that many threads may read and grow at once.
#[derive(Debug)]
pub(crate) struct Have {
    universe: u32,
    count: AtomicU32,
    words: Vec<AtomicU64>,
}

impl Have {
    pub fn new(set: &ChunkSet) -> Self {
        Have {
            universe: set.universe(),
            count: AtomicU32::new(set.count()),
            words: set.words().iter().map(|word| AtomicU64::new(*word)).collect(),
        }
    }

    pub fn contains(&self, chunk: ChunkIndex) -> bool {
        chunk < self.universe && self.word(chunk).load(Ordering::Acquire) & bit(chunk) != 0
    }

    /// Adds `chunk`; true when it was not there. Whoever sees the bit sees the bytes written before.
    pub fn insert(&self, chunk: ChunkIndex) -> bool {
        if chunk >= self.universe {
            return false;
        }
        let new = self.word(chunk).fetch_or(bit(chunk), Ordering::AcqRel) & bit(chunk) == 0;
        if new {
            self.count.fetch_add(1, Ordering::AcqRel);
        }
        new
    }

    pub fn missing(&self) -> u32 {
        self.universe - self.count.load(Ordering::Acquire)
    }

    pub fn snapshot(&self) -> ChunkSet {
        let words = self.words.iter().map(|word| word.load(Ordering::Acquire));
        let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        bytes.truncate((self.universe as usize).div_ceil(8));
        ChunkSet::from_bytes(self.universe, &bytes).expect("only bits below the universe are set")
    }

    /// The byte of [`ChunkSet::to_bytes`] that holds `chunk`, and its place.
    pub fn byte_of(&self, chunk: ChunkIndex) -> (u64, u8) {
        let byte = chunk / 8;
        (u64::from(byte), self.word(chunk).load(Ordering::Acquire).to_le_bytes()[byte as usize % 8])
    }

    fn word(&self, chunk: ChunkIndex) -> &AtomicU64 {
        &self.words[chunk as usize / 64]
    }
}

fn bit(chunk: ChunkIndex) -> u64 {
    1 << (chunk % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_what_was_inserted() {
        let have = Have::new(&ChunkSet::empty(130));
        for chunk in [0, 7, 8, 63, 64, 129] {
            assert!(have.insert(chunk));
            assert!(!have.insert(chunk));
        }
        assert!(!have.insert(130) && !have.contains(130) && !have.contains(1));
        assert_eq!(have.snapshot().iter().collect::<Vec<_>>(), [0, 7, 8, 63, 64, 129]);
        assert_eq!(have.missing(), 124);
        assert_eq!(have.byte_of(129), (16, 0b10));
        assert_eq!(have.byte_of(1), (0, 0b1000_0001));
    }
}
