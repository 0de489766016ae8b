//! The rarest chunks.

use alloc::vec;
use alloc::vec::Vec;

use crate::{ChunkColumns, Random};

/// Chunks of a window by rarity: known holders and copies under way. Made once for an answer, so that each
/// receiver costs a look at the rarest chunks only, not at the whole window.
#[derive(Debug, Clone)]
pub struct Rarest {
    /// How much less rare than the rarest each position is; the last level has all that are above.
    level: Vec<u8>,
    /// One bitmap of the window per level; those of the first few are sorted out.
    bitmaps: Vec<u64>,
    sorted: usize,
    words: usize,
    /// Nobody has those of the first level.
    unsent: bool,
}

/// Rarities so far above the lowest are told apart one by one. Neighbours are a few dozen.
const MAX_LEVEL: u32 = 255;

impl Rarest {
    /// Sorts the window into levels.
    pub fn new(chunks: &ChunkColumns) -> Rarest {
        let (rarity, lowest, highest) = rarities(chunks);
        // One level more, for what becomes less rare within the answer.
        let last = (highest - lowest).saturating_add(1).min(MAX_LEVEL);
        let mut level = vec![0; rarity.len()];
        let (several, rest) = rarity.as_chunks::<TOGETHER>();
        let (several_to, rest_to) = level.as_chunks_mut::<TOGETHER>();
        let into = |rarity: u32| (rarity - lowest).min(last) as u8;
        for (to, rarity) in several_to.iter_mut().zip(several) {
            *to = rarity.map(into);
        }
        for (to, rarity) in rest_to.iter_mut().zip(rest) {
            *to = into(*rarity);
        }
        let words = level.len().div_ceil(64);
        let bitmaps = vec![0; (last as usize + 1) * words];
        Rarest { level, bitmaps, sorted: 0, words, unsent: lowest == 0 }
    }

    /// The bitmap of a level; `None` behind the last.
    fn bitmap(&mut self, level: usize) -> Option<&[u64]> {
        let (first, words) = (level * self.words, self.words);
        if first >= self.bitmaps.len() {
            return None;
        }
        if level >= self.sorted {
            let from = self.sorted;
            let until = (from + SORTED_AT_ONCE).min(self.bitmaps.len() / words);
            let bitmaps = &mut self.bitmaps[from * words..until * words];
            for (word, levels) in self.level.chunks(64).enumerate() {
                sort(levels, from, &mut bitmaps[word..], words);
            }
            self.sorted = until;
        }
        self.bitmaps.get(first..first + words)
    }

    /// Up to `wanted` positions whose bit in `excluded` is not set and that `keep` lets through: rarest first,
    /// ties at random.
    pub fn choose(
        &mut self,
        excluded: &[u64],
        wanted: usize,
        random: &mut Random,
        keep: impl Fn(u32) -> bool,
    ) -> Vec<u32> {
        let salt = random.next_u64();
        let mut best = Best { keys: Vec::with_capacity(wanted), earlier: 0, wanted };
        let mut levels = 0..;
        while let Some(bitmap) = levels.next().and_then(|level| self.bitmap(level)) {
            for (word, (bits, excluded)) in bitmap.iter().zip(excluded).enumerate() {
                let mut free = bits & !excluded;
                // Written out: as an iterator it takes twice as long.
                while free != 0 {
                    let position = word as u32 * 64 + free.trailing_zeros();
                    free &= free.wrapping_sub(1);
                    let key = u64::from(mix(salt, position)) << 32 | u64::from(position);
                    if best.is_worth(key) && keep(position) {
                        best.take(key);
                    }
                }
            }
            best.earlier = best.keys.len();
            if best.keys.len() >= wanted {
                break;
            }
        }
        best.keys.into_iter().map(|key| key as u32).collect()
    }

    /// The lowest position that nobody has, that is not on its way, and whose bit in `excluded` is not set.
    pub fn first_unsent(&mut self, excluded: &[u64]) -> Option<u32> {
        let unsent = self.unsent;
        let bitmap = self.bitmap(0).filter(|_| unsent)?;
        let mut words = bitmap.iter().zip(excluded).map(|(bits, excluded)| bits & !excluded);
        let at = words.position(|free| free != 0)?;
        Some(at as u32 * 64 + (bitmap[at] & !excluded[at]).trailing_zeros())
    }

    /// The chunk was given to one more peer within this answer.
    pub fn gave(&mut self, position: u32) {
        let Some(level) = self.level.get_mut(position as usize) else { return };
        let (word, bit) = (position as usize / 64, 1 << (position % 64));
        let next = usize::from(*level) + 1;
        if next * self.words >= self.bitmaps.len() {
            return;
        }
        *level += 1;
        // What is not sorted yet will be by the new level.
        if next <= self.sorted {
            self.bitmaps[(next - 1) * self.words + word] &= !bit;
        }
        if next < self.sorted {
            self.bitmaps[next * self.words + word] |= bit;
        }
    }
}

/// So many numbers are handled in one turn of a loop: in a module every turn pays for the meters.
const TOGETHER: usize = 16;

/// Rarity of each position, the lowest and the highest; zeros without any.
fn rarities(chunks: &ChunkColumns) -> (Vec<u32>, u32, u32) {
    let mut rarity = chunks.holders.clone();
    let known = rarity.len().min(chunks.in_flight.len());
    let (several, rest) = rarity[..known].as_chunks_mut::<TOGETHER>();
    let (several_more, rest_more) = chunks.in_flight[..known].as_chunks::<TOGETHER>();
    for (rarity, more) in several.iter_mut().zip(several_more) {
        for (rarity, more) in rarity.iter_mut().zip(more) {
            *rarity = rarity.saturating_add(*more);
        }
    }
    for (rarity, more) in rest.iter_mut().zip(rest_more) {
        *rarity = rarity.saturating_add(*more);
    }
    let (several, rest) = rarity.as_chunks::<TOGETHER>();
    let (mut low, mut high) = ([u32::MAX; TOGETHER], [0; TOGETHER]);
    for rarity in several {
        for (at, rarity) in rarity.iter().enumerate() {
            low[at] = low[at].min(*rarity);
            high[at] = high[at].max(*rarity);
        }
    }
    let lowest = low.into_iter().chain(rest.iter().copied()).min().unwrap_or(0);
    let highest = high.into_iter().chain(rest.iter().copied()).max().unwrap_or(0);
    (rarity, lowest.min(highest), highest)
}

/// Levels that are sorted out at once: all of them.
#[cfg(not(target_feature = "simd128"))]
const SORTED_AT_ONCE: usize = MAX_LEVEL as usize + 1;

/// Sets the bit of each of up to 64 positions in the bitmap of its level, of which the first is that of `from`;
/// from one level's word to the next level's are `words`.
#[cfg(not(target_feature = "simd128"))]
fn sort(levels: &[u8], from: usize, bitmaps: &mut [u64], words: usize) {
    for (bit, level) in levels.iter().enumerate() {
        let row = usize::from(*level).wrapping_sub(from);
        if let Some(bits) = bitmaps.get_mut(row.wrapping_mul(words)) {
            *bits |= 1 << bit;
        }
    }
}

/// Levels that are sorted out at once: more than most answers look at.
#[cfg(target_feature = "simd128")]
const SORTED_AT_ONCE: usize = 8;

/// The same in a module, where a step for each position costs three times as much as outside: sixteen
/// positions are compared with a level at once.
#[cfg(target_feature = "simd128")]
fn sort(levels: &[u8], from: usize, bitmaps: &mut [u64], words: usize) {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_splat, v128, v128_load};

    let mut padded = [0; 64];
    let whole = levels.first_chunk().unwrap_or_else(|| {
        padded[..levels.len()].copy_from_slice(levels);
        &padded
    });
    let of: [v128; 4] = core::array::from_fn(|at| {
        let (sixteen, _) = whole.as_chunks::<16>();
        // SAFETY: an array of sixteen bytes, and the load needs no alignment.
        #[allow(unsafe_code)]
        unsafe {
            v128_load(sixteen[at].as_ptr().cast())
        }
    });
    let valid = u64::MAX >> (64 - levels.len().clamp(1, 64));
    for (level, bits) in (from..).zip(bitmaps.iter_mut().step_by(words.max(1))) {
        let level = u8x16_splat(level as u8);
        let equal = |at: usize| u64::from(u8x16_bitmask(u8x16_eq(of[at], level))) << (16 * at);
        *bits = (equal(0) | equal(1) | equal(2) | equal(3)) & valid;
    }
}

/// The positions so far: those of rarer levels, and the lowest keys of the present one, in order. A key is a
/// random number and the position.
struct Best {
    keys: Vec<u64>,
    /// So many are of rarer levels.
    earlier: usize,
    wanted: usize,
}

impl Best {
    #[inline]
    fn is_worth(&self, key: u64) -> bool {
        self.keys.len() < self.wanted || self.keys.last().is_some_and(|last| key < *last)
    }

    /// Takes one in. Moves the others one by one: moving them at once is a call out of a module.
    #[inline]
    fn take(&mut self, key: u64) {
        if self.keys.len() == self.wanted {
            self.keys.pop();
        }
        let mut at = self.keys.len();
        self.keys.push(key);
        while at > self.earlier && key < self.keys[at - 1] {
            self.keys.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// 32 bits that differ for each salt.
fn mix(salt: u64, position: u32) -> u32 {
    ((salt ^ u64::from(position)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
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
