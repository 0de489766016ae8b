//! The rarest chunks.

use alloc::vec;
use alloc::vec::Vec;

use crate::{ChunkColumns, Random};

/// Chunks of a window by rarity: known holders and copies under way. Made once for an answer, so that each
/// receiver costs a look at the rarest chunks only, not at the whole window.
#[derive(Debug, Clone)]
pub struct Rarest {
    /// Rarity of each position.
    rarity: Vec<u32>,
    /// One bitmap of the window per rarity from the lowest on: its positions; the last has all that are above.
    levels: Vec<u64>,
    words: usize,
    /// The rarity of the first level.
    lowest: u32,
}

/// So many are handled in one turn of a loop: in a module every turn pays for the meters.
const GROUP: usize = 8;

/// Rarities above this are told apart one by one. Neighbours are a few dozen.
const MAX_LEVEL: u32 = 255;

impl Rarest {
    /// Sorts the window into levels.
    pub fn new(chunks: &ChunkColumns) -> Rarest {
        let (holders, in_flight) = (&chunks.holders, &chunks.in_flight);
        let mut rarity = holders.clone();
        for (rarity, in_flight) in rarity.iter_mut().zip(in_flight) {
            *rarity = rarity.saturating_add(*in_flight);
        }
        let words = rarity.len().div_ceil(64);
        let highest = rarity.iter().copied().max().unwrap_or(0).min(MAX_LEVEL - 1);
        let lowest = rarity.iter().copied().min().unwrap_or(0).min(highest);
        // One level more, for what becomes less rare within the answer.
        let last = highest + 1;
        let mut levels = vec![0u64; (last - lowest + 1) as usize * words];
        for (word, group) in rarity.chunks(64).enumerate() {
            let mut place = |bit: usize, rarity: u32| {
                levels[(rarity.min(last) - lowest) as usize * words + word] |= 1 << bit;
            };
            let (several, rest) = group.as_chunks::<GROUP>();
            for (at, rarities) in several.iter().enumerate() {
                for (bit, rarity) in rarities.iter().enumerate() {
                    place(at * GROUP + bit, *rarity);
                }
            }
            for (bit, rarity) in rest.iter().enumerate() {
                place(several.len() * GROUP + bit, *rarity);
            }
        }
        Rarest { rarity, levels, words, lowest }
    }

    /// Up to `wanted` positions whose bit in `excluded` is not set and that `keep` lets through: rarest first,
    /// ties at random.
    pub fn choose(
        &self,
        excluded: &[u64],
        wanted: usize,
        random: &mut Random,
        keep: impl Fn(u32) -> bool,
    ) -> Vec<u32> {
        let salt = random.next_u64();
        // The lowest `wanted` keys so far, in order. The key is rarity and then a random number.
        let mut best: Vec<(u64, u32)> = Vec::with_capacity(wanted + 1);
        let mut bound = u64::MAX;
        for level in self.levels.chunks_exact(self.words.max(1)) {
            let groups = level.chunks(GROUP).zip(excluded.chunks(GROUP));
            for (at, (level, excluded)) in groups.enumerate() {
                let free = free_words(level, excluded);
                if free.iter().fold(0, |any, free| any | free) == 0 {
                    continue;
                }
                for (word, mut free) in free.into_iter().enumerate() {
                    // Written out: as an iterator it takes twice as long.
                    while free != 0 {
                        let position = (at * GROUP + word) as u32 * 64 + free.trailing_zeros();
                        free &= free.wrapping_sub(1);
                        let rarity = u64::from(self.rarity[position as usize]);
                        let key = rarity << 32 | mix(salt, position);
                        if key >= bound || !keep(position) {
                            continue;
                        }
                        let place = best.partition_point(|(other, _)| *other < key);
                        best.insert(place, (key, position));
                        best.truncate(wanted);
                        if best.len() == wanted {
                            bound = best.last().map_or(0, |(key, _)| *key);
                        }
                    }
                }
            }
            if best.len() >= wanted {
                break;
            }
        }
        best.into_iter().map(|(_, position)| position).collect()
    }

    /// The lowest position that nobody has, that is not on its way, and whose bit in `excluded` is not set.
    pub fn first_unsent(&self, excluded: &[u64]) -> Option<u32> {
        let level = self.levels.get(..self.words).filter(|_| self.lowest == 0)?;
        let mut words = level.iter().zip(excluded).map(|(level, excluded)| level & !excluded);
        let at = words.position(|free| free != 0)?;
        Some(at as u32 * 64 + (level[at] & !excluded[at]).trailing_zeros())
    }

    /// The chunk was given to one more peer within this answer.
    pub fn gave(&mut self, position: u32) {
        let Some(rarity) = self.rarity.get_mut(position as usize) else { return };
        let (last, lowest) = (self.levels.len() / self.words.max(1) - 1, self.lowest);
        let row = |rarity: u32| (rarity.saturating_sub(lowest) as usize).min(last);
        let (word, bit) = (position as usize / 64, 1 << (position % 64));
        self.levels[row(*rarity) * self.words + word] &= !bit;
        *rarity = rarity.saturating_add(1);
        self.levels[row(*rarity) * self.words + word] |= bit;
    }
}

/// Positions of a level that are not excluded, of up to [`GROUP`] words; the others are 0.
#[inline]
fn free_words(level: &[u64], excluded: &[u64]) -> [u64; GROUP] {
    if let (Some(level), Some(excluded)) = (level.first_chunk(), excluded.first_chunk::<GROUP>()) {
        let level: &[u64; GROUP] = level;
        return core::array::from_fn(|word| level[word] & !excluded[word]);
    }
    let mut free = [0; GROUP];
    for (free, (level, excluded)) in free.iter_mut().zip(level.iter().zip(excluded)) {
        *free = level & !excluded;
    }
    free
}

/// 32 bits that differ for each salt.
fn mix(salt: u64, position: u32) -> u64 {
    (salt ^ u64::from(position)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

/// All positions of a window, those with the fewest known holders first, ties in a random order.
pub fn rarest_order(chunks: &ChunkColumns, random: &mut Random) -> Vec<u32> {
    let mut order: Vec<u32> = (0..chunks.index.len() as u32).collect();
    random.shuffle(&mut order);
    let rarity = |position: &u32| super::at(&chunks.holders, *position);
    let highest = chunks.holders.iter().copied().max().unwrap_or(0);
    if highest > MAX_LEVEL {
        order.sort_by_key(rarity);
        return order;
    }
    // A counting sort: it is stable, and a comparing one takes several times as long.
    let mut starts = [0u32; MAX_LEVEL as usize + 2];
    for position in &order {
        starts[rarity(position) as usize + 1] += 1;
    }
    for level in 1..starts.len() {
        starts[level] += starts[level - 1];
    }
    let mut sorted = vec![0; order.len()];
    for position in &order {
        let start = &mut starts[rarity(position) as usize];
        sorted[*start as usize] = *position;
        *start += 1;
    }
    sorted
}
