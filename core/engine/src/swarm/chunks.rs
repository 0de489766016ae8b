//! The chunks of the content: what is here, who else has them, what is on its way.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use samara_model::{ChunkIndex, ChunkSet, HaveSummary};

use super::io::ManifestFacts;

/// Everything that is counted per chunk. Exists once the manifest is known.
#[derive(Debug)]
pub struct Chunks {
    /// The manifest, to be passed on.
    pub manifest: Arc<[u8]>,
    /// Bytes of every chunk but the last.
    pub chunk_bytes: u32,
    /// What is here.
    pub have: ChunkSet,
    /// Neighbours that have each chunk.
    pub holders: Vec<u16>,
    /// Transfers of each chunk out of here.
    pub sending: Vec<u8>,
    /// How often each chunk was sent.
    pub sent: Vec<u16>,
    /// Reservations and transfers of each chunk to here.
    pub coming: Vec<u8>,
    /// What came, in order: neighbours are told from where they were told last.
    pub log: Vec<ChunkIndex>,
    /// Below this index every chunk has a holder or is being sent. See [`Chunks::has_unsent`].
    sent_below: u32,
}

impl Chunks {
    /// The state at the moment the manifest is known.
    pub fn new(facts: ManifestFacts) -> Self {
        let all = facts.have.universe() as usize;
        Chunks {
            manifest: facts.bytes,
            chunk_bytes: facts.chunk_bytes,
            have: facts.have,
            holders: vec![0; all],
            sending: vec![0; all],
            sent: vec![0; all],
            coming: vec![0; all],
            log: Vec::new(),
            sent_below: 0,
        }
    }

    /// Number of chunks.
    pub fn count(&self) -> u32 {
        self.have.universe()
    }

    /// What is here, for an `Open`.
    pub fn summary(&self) -> HaveSummary {
        if self.have.is_empty() {
            HaveSummary::Nothing
        } else if self.have.is_full() {
            HaveSummary::Everything
        } else {
            HaveSummary::Some(self.have.to_bytes())
        }
    }

    /// Counts a neighbour's whole set in.
    pub fn add_holder(&mut self, has: &ChunkSet) {
        for chunk in has.iter() {
            self.holders[chunk as usize] += 1;
        }
    }

    /// Counts a neighbour's whole set out.
    pub fn remove_holder(&mut self, has: &ChunkSet) {
        for chunk in has.iter() {
            self.holders[chunk as usize] = self.holders[chunk as usize].saturating_sub(1);
        }
        self.sent_below = 0;
    }

    /// One transfer out of here less.
    pub fn end_sending(&mut self, chunk: ChunkIndex) {
        self.sending[chunk as usize] = self.sending[chunk as usize].saturating_sub(1);
        self.sent_below = self.sent_below.min(chunk);
    }

    /// One transfer to here less.
    pub fn end_coming(&mut self, chunk: ChunkIndex) {
        if let Some(count) = self.coming.get_mut(chunk as usize) {
            *count = count.saturating_sub(1);
        }
    }

    /// Whether there is a chunk that no neighbour has and that is not being sent.
    pub fn has_unsent(&mut self) -> bool {
        while self.sent_below < self.count()
            && (self.holders[self.sent_below as usize] > 0
                || self.sending[self.sent_below as usize] > 0)
        {
            self.sent_below += 1;
        }
        self.sent_below < self.count()
    }

    /// Reads a neighbour's summary; `None` when it does not fit this content.
    pub fn read_summary(&self, summary: &HaveSummary) -> Option<ChunkSet> {
        match summary {
            HaveSummary::Nothing => Some(ChunkSet::empty(self.count())),
            HaveSummary::Everything => Some(ChunkSet::full(self.count())),
            HaveSummary::Some(bytes) => ChunkSet::from_bytes(self.count(), bytes).ok(),
        }
    }
}
