//! A chunk while it arrives: kept and hashed, or thrown away.

use std::sync::Arc;
use std::time::Duration;

use samara_model::{ChunkHash, ChunkIndex, ContentId, MAX_CHUNK_SIZE};
use samara_store::Content;
use tokio::time::Instant;

use super::buffers::ChunkBuffer;

/// Bytes that are hashed together. BLAKE3 hashes 16 blocks of 1 KiB at a time; fed with single packets
/// it is four times slower.
const HASH_STEP: usize = 64 << 10;

/// A piece that must not come now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("piece {offset}+{length} of chunk {chunk}, where {received} of {len} bytes were received")]
pub(super) struct OutOfOrder {
    chunk: ChunkIndex,
    offset: u32,
    length: u32,
    received: u32,
    len: u32,
}

/// One chunk between its first and its last piece.
#[derive(Debug)]
pub(super) struct Assembly {
    pub content: ContentId,
    pub chunk: ChunkIndex,
    /// Its length; the largest possible while the content is unknown here.
    len: u32,
    received: u32,
    started: Instant,
    /// `None`: its bytes are thrown away.
    kept: Option<Kept>,
}

/// The bytes of a chunk that is wanted.
#[derive(Debug)]
struct Kept {
    content: Arc<Content>,
    buffer: ChunkBuffer,
    hasher: blake3::Hasher,
    hashed: usize,
    hashing: Duration,
}

/// A chunk that has arrived whole.
#[derive(Debug)]
pub(super) struct Whole {
    pub content: Arc<Content>,
    pub chunk: ChunkIndex,
    pub buffer: ChunkBuffer,
    pub digest: ChunkHash,
    pub elapsed: Duration,
    /// Of that, time spent on the digest.
    pub hashing: Duration,
}

impl Assembly {
    /// A chunk to keep.
    pub fn keeping(content: Arc<Content>, chunk: ChunkIndex, buffer: ChunkBuffer) -> Self {
        let (id, len) = (content.id(), content.chunk_len(chunk));
        let hasher = blake3::Hasher::new();
        let kept = Kept { content, buffer, hasher, hashed: 0, hashing: Duration::ZERO };
        Assembly { kept: Some(kept), ..Assembly::discarding(id, chunk, Some(len)) }
    }

    /// A chunk to throw away. `len` is `None` when nobody knows the content here.
    pub fn discarding(content: ContentId, chunk: ChunkIndex, len: Option<u32>) -> Self {
        let len = len.unwrap_or(MAX_CHUNK_SIZE);
        Assembly { content, chunk, len, received: 0, started: Instant::now(), kept: None }
    }

    /// Checks that a piece continues this chunk.
    pub fn check_next(&self, offset: u32, length: u32) -> Result<(), OutOfOrder> {
        if offset == self.received && length <= self.len - self.received {
            return Ok(());
        }
        let Assembly { chunk, received, len, .. } = *self;
        Err(OutOfOrder { chunk, offset, length, received, len })
    }

    pub fn is(&self, content: ContentId, chunk: ChunkIndex) -> bool {
        self.content == content && self.chunk == chunk
    }

    /// Bytes that have arrived.
    pub fn received(&self) -> u32 {
        self.received
    }

    pub fn is_whole(&self) -> bool {
        self.received == self.len
    }

    /// Throws away what is here and what comes.
    pub fn discard(&mut self) {
        self.kept = None;
    }

    /// Where to append bytes that arrive; `None` when they are thrown away.
    pub fn buffer(&mut self) -> Option<&mut Vec<u8>> {
        self.kept.as_mut().map(|kept| &mut kept.buffer.bytes)
    }

    /// Takes note of bytes that have arrived (and were appended to the buffer, if there is one).
    pub fn arrived(&mut self, bytes: usize) {
        self.received += bytes as u32;
        if let Some(kept) = &mut self.kept {
            kept.hash_steps();
        }
    }

    /// The chunk, when it is kept. Call it once it is whole.
    pub fn finish(self) -> Option<Whole> {
        let mut kept = self.kept?;
        kept.hash_up_to(kept.buffer.bytes.len());
        Some(Whole {
            digest: *kept.hasher.finalize().as_bytes(),
            content: kept.content,
            chunk: self.chunk,
            buffer: kept.buffer,
            elapsed: self.started.elapsed(),
            hashing: kept.hashing,
        })
    }
}

impl Kept {
    /// Hashes while the bytes are in the processor's cache, in steps that are worth it.
    fn hash_steps(&mut self) {
        let whole = self.buffer.bytes.len() / HASH_STEP * HASH_STEP;
        if whole > self.hashed {
            self.hash_up_to(whole);
        }
    }

    fn hash_up_to(&mut self, end: usize) {
        // The clock of the machine: a paused one in a test does not see the processor work.
        let began = std::time::Instant::now();
        self.hasher.update(&self.buffer.bytes[self.hashed..end]);
        self.hashed = end;
        self.hashing += began.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_must_continue_the_chunk() {
        let mut assembly = Assembly::discarding(ContentId([1; 32]), 3, Some(100));
        assert!(assembly.check_next(1, 10).is_err());
        assert!(assembly.check_next(0, 101).is_err());
        assert_eq!(assembly.check_next(0, 60), Ok(()));
        assembly.arrived(60);
        assert!(assembly.check_next(0, 40).is_err());
        assert!(assembly.check_next(60, 41).is_err());
        assert!(assembly.check_next(u32::MAX, u32::MAX).is_err());
        assert_eq!(assembly.check_next(60, 40), Ok(()));
        assembly.arrived(40);
        assert!(assembly.is_whole() && assembly.finish().is_none());
    }
}
