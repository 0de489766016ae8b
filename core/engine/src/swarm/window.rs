//! The chunks that a view shows, and sets of chunks as bits over them.

use alloc::vec::Vec;

use samara_model::{ChunkIndex, ChunkSet};
use samara_policy::MAX_WINDOW;

/// The chunks of a view, by position. A content that fits whole is shown whole where that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// Position = index.
    Whole(u32),
    /// These, ordered by index.
    Some(Vec<ChunkIndex>),
}

impl Window {
    /// The chunk at a position.
    pub fn chunk(&self, position: u32) -> Option<ChunkIndex> {
        match self {
            Window::Whole(count) => (position < *count).then_some(position),
            Window::Some(chunks) => chunks.get(position as usize).copied(),
        }
    }

    /// The position of a chunk.
    pub fn position(&self, chunk: ChunkIndex) -> Option<usize> {
        match self {
            Window::Whole(count) => (chunk < *count).then_some(chunk as usize),
            Window::Some(list) => list.binary_search(&chunk).ok(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        match self {
            Window::Whole(count) => *count as usize,
            Window::Some(chunks) => chunks.len(),
        }
    }

    /// Words that a row of bits takes.
    pub fn words(&self) -> usize {
        self.len().div_ceil(64)
    }

    /// Of `wanted`, those with the lowest keys, at most [`MAX_WINDOW`].
    pub fn lowest(mut wanted: Vec<ChunkIndex>, key: impl Fn(ChunkIndex) -> (u32, u32)) -> Window {
        if wanted.len() > MAX_WINDOW {
            wanted.select_nth_unstable_by_key(MAX_WINDOW, |chunk| key(*chunk));
            wanted.truncate(MAX_WINDOW);
            wanted.sort_unstable();
        }
        Window::Some(wanted)
    }

    /// The first of `wanted`, which come in order.
    pub fn first(wanted: impl Iterator<Item = ChunkIndex>) -> Window {
        Window::Some(wanted.take(MAX_WINDOW).collect())
    }
}

/// Takes the bits of a window out of the bits of all chunks, for one set after another. What does not
/// depend on the set is worked out once: 64 neighbours are asked for the same 1,024 chunks.
pub struct Packer(Vec<Group>);

/// The chunks of a window that lie in one word of a set.
struct Group {
    word: usize,
    mask: u64,
    moves: [u64; 6],
}

impl Packer {
    /// For the chunks of `list`, which is ordered.
    pub fn new(list: &[ChunkIndex]) -> Packer {
        let mut groups: Vec<Group> = Vec::with_capacity(list.len().min(64));
        for chunk in list {
            let (word, bit) = (*chunk as usize / 64, 1u64 << (chunk % 64));
            match groups.last_mut() {
                Some(last) if last.word == word => last.mask |= bit,
                _ => groups.push(Group { word, mask: bit, moves: [0; 6] }),
            }
        }
        for group in &mut groups {
            group.moves = moves_of(group.mask);
        }
        Packer(groups)
    }

    /// Appends one row: the bits that `bits` gives for each word of a set, closed up.
    pub fn pack(&self, row: &mut Vec<u64>, bits: impl Fn(usize) -> u64) {
        let (mut word, mut filled) = (0u64, 0u32);
        for group in &self.0 {
            let packed = compress(bits(group.word), group.mask, &group.moves);
            let count = group.mask.count_ones();
            word |= packed << filled;
            filled += count;
            if filled >= 64 {
                row.push(word);
                filled -= 64;
                word = packed.checked_shr(count - filled).unwrap_or(0);
            }
        }
        if filled > 0 {
            row.push(word);
        }
    }
}

/// The bits of a set by word, for [`Packer::pack`]; nothing beyond its end.
pub fn word_of(set: &ChunkSet, at: usize) -> u64 {
    set.words().get(at).copied().unwrap_or(0)
}

/// Moves the bits of `mask` together at the low end (Warren, Hacker's Delight, 7-4).
fn compress(bits: u64, mask: u64, moves: &[u64; 6]) -> u64 {
    let mut bits = bits & mask;
    for (step, moved) in moves.iter().enumerate() {
        let moving = bits & moved;
        bits = (bits ^ moving) | (moving >> (1 << step));
    }
    bits
}

/// Which bits move by 1, 2, 4 ... 32 places.
fn moves_of(mut mask: u64) -> [u64; 6] {
    let mut moves = [0; 6];
    // Bits to the right of which an odd number of zeros lies, then half of the rest, and so on.
    let mut gaps = !mask << 1;
    for (step, moved) in moves.iter_mut().enumerate() {
        let mut parity = gaps;
        for shift in [1, 2, 4, 8, 16, 32] {
            parity ^= parity << shift;
        }
        *moved = parity & mask;
        mask = (mask ^ *moved) | (*moved >> (1 << step));
        gaps &= !parity;
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packed_bits_are_those_of_the_chunks_one_by_one(
            list in proptest::collection::btree_set(0u32..400, 0..300),
            held in proptest::collection::btree_set(0u32..350, 0..300),
        ) {
            let mut set = ChunkSet::empty(350);
            held.iter().for_each(|chunk| { set.insert(*chunk); });
            let list: Vec<u32> = list.into_iter().collect();
            let mut row = Vec::new();
            Packer::new(&list).pack(&mut row, |at| word_of(&set, at));
            prop_assert_eq!(row.len(), list.len().div_ceil(64));
            for (position, chunk) in list.iter().enumerate() {
                let bit = row[position / 64] >> (position % 64) & 1 == 1;
                prop_assert_eq!(bit, held.contains(chunk), "{}", chunk);
            }
            let beyond = list.len() % 64;
            prop_assert!(beyond == 0 || row.last().is_none_or(|last| last >> beyond == 0));
        }
    }

    #[test]
    fn a_window_holds_the_lowest_keys_in_order_of_index() {
        let all: Vec<u32> = (0..3000).collect();
        let window = Window::lowest(all, |chunk| (chunk % 3, chunk));
        let Window::Some(list) = &window else { panic!("a list") };
        assert_eq!(list.len(), MAX_WINDOW);
        assert!(list.is_sorted());
        let kept: BTreeSet<u32> = list.iter().copied().collect();
        assert!((0..1000).all(|n| kept.contains(&(n * 3))));
        assert_eq!(window.chunk(5), Some(list[5]));
        assert_eq!(window.position(list[5]), Some(5));
        assert_eq!(window.position(2999), None);
    }
}
