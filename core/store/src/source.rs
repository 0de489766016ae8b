//! The seam through which chunks are read, so that something else than local files can be an origin.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use samara_model::{ChunkIndex, ContentId};

/// Bytes of a chunk that lie together in one file, ready for `sendfile`.
#[derive(Debug, Clone)]
pub struct FileRange {
    /// The file, open for reading. It stays open as long as this is held, also when the path is gone.
    pub file: Arc<File>,
    /// First byte inside the file.
    pub offset: u64,
    /// Number of bytes, at least 1.
    pub len: u32,
}

/// Why a chunk cannot be read. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReadChunkError {
    /// The content has fewer chunks. The caller is wrong; the content is fine.
    #[error("content {content} has {chunks} chunks, so none has the number {chunk}")]
    NoSuchChunk {
        /// The content.
        content: ContentId,
        /// The chunk asked for.
        chunk: ChunkIndex,
        /// Chunks that there are.
        chunks: u32,
    },
    /// The chunk has not arrived yet. What is here can be read.
    #[error("chunk {chunk} of content {content} has not arrived yet")]
    NotHere {
        /// The content.
        content: ContentId,
        /// The chunk asked for.
        chunk: ChunkIndex,
    },
    /// The content was withdrawn; no chunk of it is served any more. Its files are untouched.
    #[error(
        "content {content} was withdrawn here and is not served any more; its files are untouched"
    )]
    Withdrawn {
        /// The content.
        content: ContentId,
    },
    /// The file is not what was verified: edited, truncated, replaced or deleted. Other files of the
    /// content may still be good; the content as a whole should be withdrawn.
    #[error(
        "`{path}` of content {content} is no longer what was verified (edited, replaced or deleted): \
         it is not served; publish it again, or fetch the content again"
    )]
    SourceChanged {
        /// The content.
        content: ContentId,
        /// The file.
        path: PathBuf,
    },
    /// The source does not keep its chunks in files; [`ChunkSource::read_chunk`] works.
    #[error("chunks of content {content} do not lie in files: read them instead")]
    NotInFiles {
        /// The content.
        content: ContentId,
    },
    /// The disk refused. The content may be fine and another try may succeed.
    #[error("could not read `{path}` of content {content}; nothing was changed")]
    Io {
        /// The content.
        content: ContentId,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Where the bytes of one content come from. Local files are one such place; an object store could be
/// another. Which chunks are there is not its concern: it is asked only for those.
pub trait ChunkSource: Send + Sync {
    /// The chunk as ranges of files, in order, for callers that hand them to the kernel. A source
    /// without files leaves this out.
    ///
    /// # Errors
    /// When the chunk cannot be served as it was verified.
    fn chunk_ranges(&self, chunk: ChunkIndex) -> Result<Vec<FileRange>, ReadChunkError>;

    /// The chunk's bytes, which replace what `into` held.
    ///
    /// # Errors
    /// When the chunk cannot be served as it was verified.
    fn read_chunk(&self, chunk: ChunkIndex, into: &mut Vec<u8>) -> Result<(), ReadChunkError>;

    /// Looks at everything, not only at what is asked for. Costs one look per file; reads no data.
    ///
    /// # Errors
    /// When something is no longer what was verified.
    fn check_unchanged(&self) -> Result<(), ReadChunkError>;
}
