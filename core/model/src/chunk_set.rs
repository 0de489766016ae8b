//! A set of chunk indexes with a fixed universe.

use alloc::vec;
use alloc::vec::Vec;

/// Bytes that do not describe a set of the expected size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkSetError {
    /// The number of bytes does not fit the number of chunks.
    #[error("a set of {chunks} chunks takes {expected} bytes, got {got}")]
    WrongLength {
        /// Chunks in the universe.
        chunks: u32,
        /// Bytes that such a set takes.
        expected: usize,
        /// Bytes that were given.
        got: usize,
    },
    /// A bit beyond the last chunk is set.
    #[error("the set names a chunk beyond the last of {chunks}")]
    BeyondLast {
        /// Chunks in the universe.
        chunks: u32,
    },
}

/// Which of `0 .. universe` are in the set: one bit each, and a count that is kept up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkSet {
    universe: u32,
    count: u32,
    words: Vec<u64>,
}

impl ChunkSet {
    /// The empty set over `universe` chunks.
    pub fn empty(universe: u32) -> Self {
        ChunkSet { universe, count: 0, words: vec![0; words_for(universe)] }
    }

    /// The set of all chunks.
    pub fn full(universe: u32) -> Self {
        let mut words = vec![u64::MAX; words_for(universe)];
        if let (Some(last), rest @ 1..) = (words.last_mut(), universe % 64) {
            *last = (1 << rest) - 1;
        }
        ChunkSet { universe, count: universe, words }
    }

    /// Rebuilds a set from [`ChunkSet::to_bytes`].
    ///
    /// # Errors
    /// When the length or the padding bits do not fit `universe`.
    pub fn from_bytes(universe: u32, bytes: &[u8]) -> Result<Self, ChunkSetError> {
        let expected = (universe as usize).div_ceil(8);
        if bytes.len() != expected {
            return Err(ChunkSetError::WrongLength {
                chunks: universe,
                expected,
                got: bytes.len(),
            });
        }
        let mut words = vec![0u64; words_for(universe)];
        for (index, byte) in bytes.iter().enumerate() {
            words[index / 8] |= u64::from(*byte) << (index % 8 * 8);
        }
        let set = ChunkSet { universe, count: words.iter().map(|w| w.count_ones()).sum(), words };
        let within = ChunkSet::full(universe);
        if set.words.iter().zip(&within.words).any(|(given, all)| given & !all != 0) {
            return Err(ChunkSetError::BeyondLast { chunks: universe });
        }
        Ok(set)
    }

    /// Little-endian bits, `ceil(universe / 8)` bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate((self.universe as usize).div_ceil(8));
        bytes
    }

    /// Number of chunks that could be in the set.
    pub fn universe(&self) -> u32 {
        self.universe
    }

    /// Number of chunks in the set.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Number of chunks not in the set.
    pub fn missing(&self) -> u32 {
        self.universe - self.count
    }

    /// Whether nothing is missing.
    pub fn is_full(&self) -> bool {
        self.count == self.universe
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether `index` is in the set; false for an index outside the universe.
    pub fn contains(&self, index: u32) -> bool {
        index < self.universe && self.words[index as usize / 64] >> (index % 64) & 1 == 1
    }

    /// Adds `index`; true when it was not there and lies in the universe.
    pub fn insert(&mut self, index: u32) -> bool {
        if index >= self.universe || self.contains(index) {
            return false;
        }
        self.words[index as usize / 64] |= 1 << (index % 64);
        self.count += 1;
        true
    }

    /// Removes `index`; true when it was there.
    pub fn remove(&mut self, index: u32) -> bool {
        if !self.contains(index) {
            return false;
        }
        self.words[index as usize / 64] &= !(1 << (index % 64));
        self.count -= 1;
        true
    }

    /// The chunks in the set, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| bits(at, *word))
    }

    /// The chunks not in the set, in order.
    pub fn iter_missing(&self) -> impl Iterator<Item = u32> + '_ {
        let last = self.universe;
        self.words
            .iter()
            .enumerate()
            .flat_map(|(at, word)| bits(at, !*word))
            .take_while(move |index| *index < last)
    }

    /// How many chunks are in this set and not in `other`. Sets of different universes share only the
    /// smaller one.
    pub fn count_not_in(&self, other: &ChunkSet) -> u32 {
        let theirs = other.words.iter().copied().chain(core::iter::repeat(0));
        self.words.iter().zip(theirs).map(|(mine, theirs)| (mine & !theirs).count_ones()).sum()
    }

    /// How many chunks are in both sets.
    pub fn count_in(&self, other: &ChunkSet) -> u32 {
        self.words.iter().zip(&other.words).map(|(mine, theirs)| (mine & theirs).count_ones()).sum()
    }

    /// Whether this set has a chunk that `other` lacks.
    pub fn has_any_not_in(&self, other: &ChunkSet) -> bool {
        let theirs = other.words.iter().copied().chain(core::iter::repeat(0));
        self.words.iter().zip(theirs).any(|(mine, theirs)| mine & !theirs != 0)
    }

    /// The bits, 64 chunks a word, lowest chunk in the lowest bit.
    pub fn words(&self) -> &[u64] {
        &self.words
    }
}

fn words_for(universe: u32) -> usize {
    (universe as usize).div_ceil(64)
}

fn bits(word_index: usize, word: u64) -> impl Iterator<Item = u32> {
    let mut rest = word;
    core::iter::from_fn(move || {
        if rest == 0 {
            return None;
        }
        let bit = rest.trailing_zeros();
        rest &= rest - 1;
        Some(word_index as u32 * 64 + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_like_a_set_of_integers(
            universe in 0u32..300,
            steps in proptest::collection::vec((any::<bool>(), 0u32..320), 0..200),
        ) {
            let mut set = ChunkSet::empty(universe);
            let mut model = BTreeSet::new();
            for (add, index) in steps {
                if add {
                    prop_assert_eq!(set.insert(index), index < universe && model.insert(index));
                } else {
                    prop_assert_eq!(set.remove(index), model.remove(&index));
                }
            }
            prop_assert_eq!(set.count() as usize, model.len());
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            let missing: Vec<u32> = (0..universe).filter(|i| !model.contains(i)).collect();
            prop_assert_eq!(set.iter_missing().collect::<Vec<_>>(), missing);
            prop_assert_eq!(ChunkSet::from_bytes(universe, &set.to_bytes()), Ok(set.clone()));
            let even: Vec<u32> = (0..universe).filter(|index| index % 2 == 0).collect();
            let mut evens = ChunkSet::empty(universe);
            even.iter().for_each(|index| { evens.insert(*index); });
            let both = even.iter().filter(|index| model.contains(index)).count() as u32;
            prop_assert_eq!(set.count_in(&evens), both);
            prop_assert_eq!(set.count_not_in(&evens), set.count() - both);
        }

        #[test]
        fn any_bytes_give_a_set_or_an_error(universe in 0u32..200, bytes: Vec<u8>) {
            if let Ok(set) = ChunkSet::from_bytes(universe, &bytes) {
                prop_assert_eq!(set.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn a_full_set_lacks_nothing() {
        for universe in [0, 1, 63, 64, 65, 128] {
            let set = ChunkSet::full(universe);
            assert!(set.is_full());
            assert_eq!(set.iter().count(), universe as usize);
            assert_eq!(set.iter_missing().count(), 0);
        }
    }
}
