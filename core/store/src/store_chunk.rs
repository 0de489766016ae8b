//! Storing a chunk that has just arrived: compare, write, note.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use samara_model::{ByteCount, ChunkHash, ChunkIndex, ContentId};

use crate::content::{Content, Place};
use crate::part::Part;
use crate::reserve::TooLittle;
use crate::source::ReadChunkError;

/// What became of a chunk that was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It was written.
    New,
    /// It was here already, or another thread was faster.
    Duplicate,
}

/// Why a chunk was not stored. It is not recorded as being here; what was here before still is.
#[derive(Debug, thiserror::Error)]
pub enum StoreChunkError {
    /// Its digest is not the manifest's. Nothing was written.
    #[error(
        "chunk {chunk} of content {content} is not what the manifest says; nothing was written: \
         take it from another peer"
    )]
    WrongHash {
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// It has the wrong size. Nothing was written.
    #[error(
        "chunk {chunk} of content {content} has {expected} bytes, but {got} came; nothing was written"
    )]
    WrongLength {
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Bytes by the manifest.
        expected: u32,
        /// Bytes that came.
        got: usize,
    },
    /// The content has fewer chunks. Nothing was written.
    #[error("content {content} has {chunks} chunks, so none has the number {chunk}")]
    NoSuchChunk {
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Chunks that there are.
        chunks: u32,
    },
    /// No space or no quota left. The fetch can go on with this same chunk once there is room.
    #[error(
        "the disk is full: could not write chunk {chunk} of content {content} to `{path}`; \
         what is there stays, and the fetch goes on when there is room"
    )]
    DiskFull {
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
        /// The partial file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Less is free than shall stay free (see [`crate::Store::keep_free`]). Nothing was written; the fetch can go
    /// on with this same chunk once there is room.
    #[error(
        "only {free} are free below `{path}`, and {reserve} shall stay free (`storage.min_free`): chunk {chunk} of \
         content {content} was not written; what is there stays, and the fetch goes on when there is room"
    )]
    TooLittleFree {
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
        /// The directory above the output.
        path: PathBuf,
        /// Bytes free.
        free: ByteCount,
        /// Bytes that shall stay free.
        reserve: ByteCount,
    },
    /// The content was withdrawn or forgotten here. What is on disk stays.
    #[error("content {content} was withdrawn here; chunk {chunk} was not written")]
    Withdrawn {
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Somebody removed or replaced the partial file. Chunks stored before are lost with it.
    #[error(
        "`{path}`, the partial file of content {content}, was removed or replaced during the fetch: \
         fetch the content again"
    )]
    PartGone {
        /// The content.
        content: ContentId,
        /// The partial file.
        path: PathBuf,
    },
    /// The disk refused. Another try may succeed.
    #[error("could not write chunk {chunk} of content {content} to `{path}`; what is there stays")]
    Io {
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
        /// The partial file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Content {
    /// Stores a chunk that arrived. `digest` is the BLAKE3 of `bytes`, computed while receiving; it is
    /// compared with the manifest's before anything is written. A second copy that arrives at the same
    /// time is harmless.
    ///
    /// # Errors
    /// When the chunk is wrong or cannot be written; it then counts as missing.
    pub fn store_chunk(
        &self,
        chunk: ChunkIndex,
        digest: ChunkHash,
        bytes: &[u8],
    ) -> Result<Stored, StoreChunkError> {
        self.check_chunk(chunk, digest, bytes)?;
        if self.has(chunk) {
            return Ok(Stored::Duplicate);
        }
        // Held while writing: the files stay where they are. Two writers of one chunk write the same
        // verified bytes to the same place; the one that sets the bit had the new chunk.
        match &*self.place() {
            Place::Part(part) => self.write_chunk(part, chunk, bytes),
            Place::Final => Ok(Stored::Duplicate),
            Place::Abandoned => Err(StoreChunkError::Withdrawn { content: self.id, chunk }),
        }
    }

    fn check_chunk(
        &self,
        chunk: ChunkIndex,
        digest: ChunkHash,
        bytes: &[u8],
    ) -> Result<(), StoreChunkError> {
        let content = self.id;
        let Some(expected) = self.map.manifest.chunk_hash(chunk) else {
            let chunks = self.map.chunk_count();
            return Err(StoreChunkError::NoSuchChunk { content, chunk, chunks });
        };
        let length = self.map.chunk_len(chunk);
        if bytes.len() != length as usize {
            let got = bytes.len();
            return Err(StoreChunkError::WrongLength { content, chunk, expected: length, got });
        }
        if digest != expected {
            return Err(StoreChunkError::WrongHash { content, chunk });
        }
        Ok(())
    }

    fn write_chunk(
        &self,
        part: &Part,
        chunk: ChunkIndex,
        bytes: &[u8],
    ) -> Result<Stored, StoreChunkError> {
        self.take_room(chunk, bytes.len() as u64)?;
        let mut rest = bytes;
        for at in self.map.extents(chunk) {
            let (here, after) = rest.split_at(at.len as usize);
            rest = after;
            let file = part.source.file(at.file).map_err(|error| self.no_file(chunk, error))?;
            file.write_all_at(here, at.offset)
                .map_err(|source| self.no_write(chunk, part.source.path(at.file), source))?;
        }
        if !self.have.insert(chunk) {
            return Ok(Stored::Duplicate);
        }
        if let Some(verified) = &part.verified {
            verified.note(&self.have, chunk);
        }
        Ok(Stored::New)
    }

    fn take_room(&self, chunk: ChunkIndex, bytes: u64) -> Result<(), StoreChunkError> {
        let taken = self.room.as_ref().map_or(Ok(()), |room| room.take(bytes));
        taken.map_err(|TooLittle { free, reserve }| {
            let path = self.output().parent().unwrap_or(self.output()).to_owned();
            StoreChunkError::TooLittleFree { content: self.id, chunk, path, free, reserve }
        })
    }

    fn no_write(&self, chunk: ChunkIndex, path: PathBuf, source: io::Error) -> StoreChunkError {
        let content = self.id;
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                StoreChunkError::DiskFull { content, chunk, path, source }
            }
            _ => StoreChunkError::Io { content, chunk, path, source },
        }
    }

    fn no_file(&self, chunk: ChunkIndex, error: ReadChunkError) -> StoreChunkError {
        let content = self.id;
        match error {
            ReadChunkError::SourceChanged { path, .. } => {
                StoreChunkError::PartGone { content, path }
            }
            ReadChunkError::Io { path, source, .. } => {
                StoreChunkError::Io { content, chunk, path, source }
            }
            other => {
                let source = io::Error::other(other);
                StoreChunkError::Io { content, chunk, path: self.output().to_owned(), source }
            }
        }
    }
}
