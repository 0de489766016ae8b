//! A manifest with the sums that turn a chunk index into places without adding up all files again.

use samara_model::{ChunkIndex, Extent, Manifest};

/// A manifest, the offset of each file in the concatenation, and the total.
#[derive(Debug)]
pub(crate) struct ChunkMap {
    pub manifest: Manifest,
    starts: Vec<u64>,
    total: u64,
}

impl ChunkMap {
    pub fn new(manifest: Manifest) -> Self {
        ChunkMap { starts: manifest.file_starts(), total: manifest.total().0, manifest }
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn chunk_count(&self) -> u32 {
        self.manifest.chunk_count()
    }

    /// Bytes of `chunk`; zero when there is no such chunk.
    pub fn chunk_len(&self, chunk: ChunkIndex) -> u32 {
        let size = u64::from(self.manifest.chunk_size());
        size.min(self.total.saturating_sub(u64::from(chunk) * size)) as u32
    }

    pub fn extents(&self, chunk: ChunkIndex) -> Vec<Extent> {
        self.manifest.extents_with(&self.starts, chunk)
    }
}
