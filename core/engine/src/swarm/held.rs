//! What a neighbour has, and how much of it is here: counted when either set changes, because every decision
//! asks for it, for every neighbour.

use core::ops::Deref;

use samara_model::{ChunkIndex, ChunkSet};

/// A neighbour's chunks. Reads like the set that it is.
#[derive(Debug)]
pub struct Held {
    set: ChunkSet,
    /// How many of them are here, too.
    common: u32,
}

impl Default for Held {
    fn default() -> Self {
        Held { set: ChunkSet::empty(0), common: 0 }
    }
}

impl Deref for Held {
    type Target = ChunkSet;

    fn deref(&self) -> &ChunkSet {
        &self.set
    }
}

impl Held {
    /// It has exactly these; `here` is what is here.
    pub fn replace(&mut self, set: ChunkSet, here: &ChunkSet) {
        self.common = here.count_in(&set);
        self.set = set;
    }

    /// It has one more; false when it had it.
    pub fn insert(&mut self, chunk: ChunkIndex, here: &ChunkSet) -> bool {
        let gained = self.set.insert(chunk);
        self.common += u32::from(gained && here.contains(chunk));
        gained
    }

    /// It has one less; false when it did not have it.
    pub fn remove(&mut self, chunk: ChunkIndex, here: &ChunkSet) -> bool {
        let lost = self.set.remove(chunk);
        self.common -= u32::from(lost && here.contains(chunk));
        lost
    }

    /// A chunk came to be here.
    pub fn came_here(&mut self, chunk: ChunkIndex) {
        self.common += u32::from(self.set.contains(chunk));
    }

    /// A chunk is here no longer.
    pub fn left_here(&mut self, chunk: ChunkIndex) {
        self.common -= u32::from(self.set.contains(chunk));
    }

    /// How many chunks of `here` it lacks.
    pub fn lacks(&self, here: &ChunkSet) -> u32 {
        here.count() - self.common
    }

    /// How many chunks it has that are not here.
    pub fn offers(&self) -> u32 {
        self.set.count() - self.common
    }

    /// Whether the count is what a recount gives.
    #[cfg(test)]
    pub fn is_true(&self, here: &ChunkSet) -> bool {
        self.common == here.count_in(&self.set)
    }
}
