//! What a content consists of: files, chunk boundaries, chunk hashes.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::{ByteCount, ChunkIndex};

/// BLAKE3 digest of one chunk.
pub type ChunkHash = [u8; 32];

/// Smallest chunk, 16 KiB: below it messages cost more than bytes.
pub const MIN_CHUNK_SIZE: u32 = 16 << 10;
/// Largest chunk, 16 MiB: a chunk is held in memory while it arrives.
pub const MAX_CHUNK_SIZE: u32 = 16 << 20;

/// The immutable description of a content. Its encoded bytes are stored and sent as they are; their
/// BLAKE3 digest is the content's id. Check one from outside with [`crate::check_manifest`] before use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format; this code writes and reads 1.
    pub format_version: u16,
    /// How the concatenation of the files is cut.
    pub chunking: Chunking,
    /// The files in order; chunks run over their concatenation.
    pub files: Vec<FileEntry>,
    /// 32 bytes of BLAKE3 per chunk, one after the other.
    #[serde(with = "serde_bytes")]
    pub hashes: Vec<u8>,
}

/// How the bytes are cut into chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Chunking {
    /// Equal chunks of `size` bytes, a power of two; the last may be shorter.
    Fixed {
        /// Bytes of every chunk but the last.
        size: u32,
    },
}

/// One entry of the tree. A content that is a single file has one entry whose path is the file's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path below the root, `/` between parts.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// A regular file.
    Regular {
        /// Its size in bytes.
        size: u64,
        /// Unix permission bits, `mode & 0o777`.
        mode: u32,
    },
    /// A directory, listed so that empty ones and modes survive.
    Directory {
        /// Unix permission bits.
        mode: u32,
    },
    /// A symbolic link whose target stays inside the root.
    Symlink {
        /// The link's text.
        target: String,
    },
}

/// A run of bytes inside one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Index into [`Manifest::files`]; always a regular file.
    pub file: usize,
    /// First byte inside the file.
    pub offset: u64,
    /// Number of bytes, at least 1.
    pub len: u32,
}

impl FileEntry {
    /// Bytes that this entry contributes to the content.
    pub fn size(&self) -> u64 {
        match self.kind {
            FileKind::Regular { size, .. } => size,
            FileKind::Directory { .. } | FileKind::Symlink { .. } => 0,
        }
    }
}

impl Manifest {
    /// Sum of all file sizes.
    pub fn total(&self) -> ByteCount {
        ByteCount(self.files.iter().fold(0u64, |sum, file| sum.saturating_add(file.size())))
    }

    /// Bytes of every chunk but the last.
    pub fn chunk_size(&self) -> u32 {
        let Chunking::Fixed { size } = self.chunking;
        size
    }

    /// Number of chunks; zero for a content without bytes.
    pub fn chunk_count(&self) -> u32 {
        (self.hashes.len() / 32) as u32
    }

    /// Bytes of chunk `index`; zero when there is no such chunk.
    pub fn chunk_len(&self, index: ChunkIndex) -> u32 {
        let start = u64::from(index) * u64::from(self.chunk_size());
        u64::from(self.chunk_size()).min(self.total().0.saturating_sub(start)) as u32
    }

    /// Digest of chunk `index`, when there is such a chunk.
    pub fn chunk_hash(&self, index: ChunkIndex) -> Option<ChunkHash> {
        let start = index as usize * 32;
        self.hashes.get(start..start + 32)?.try_into().ok()
    }

    /// Whether this content is one file rather than a tree.
    pub fn is_single_file(&self) -> bool {
        matches!(self.files.as_slice(), [FileEntry { path, kind: FileKind::Regular { .. } }] if !path.contains('/'))
    }

    /// Where the bytes of chunk `index` lie: the only way from a chunk to files and offsets. Linear in
    /// the number of files; callers on the hot path use [`Manifest::extents_with`].
    pub fn extents(&self, index: ChunkIndex) -> Vec<Extent> {
        self.extents_with(&self.file_starts(), index)
    }

    /// Offset of each file in the concatenation, in order.
    pub fn file_starts(&self) -> Vec<u64> {
        let mut next = 0u64;
        let starts = self.files.iter().map(|file| {
            let start = next;
            next = next.saturating_add(file.size());
            start
        });
        starts.collect()
    }

    /// Like [`Manifest::extents`], with the result of [`Manifest::file_starts`] kept by the caller.
    pub fn extents_with(&self, starts: &[u64], index: ChunkIndex) -> Vec<Extent> {
        let mut at = u64::from(index) * u64::from(self.chunk_size());
        let total =
            starts.last().copied().unwrap_or(0) + self.files.last().map_or(0, FileEntry::size);
        let mut left = u64::from(self.chunk_size()).min(total.saturating_sub(at));
        let mut file = starts.partition_point(|start| *start <= at).saturating_sub(1);
        let mut extents = Vec::new();
        while left > 0 && file < self.files.len() {
            let offset = at - starts[file];
            let here = self.files[file].size().saturating_sub(offset).min(left);
            if here > 0 {
                extents.push(Extent { file, offset, len: here as u32 });
                at += here;
                left -= here;
            }
            file += 1;
        }
        extents
    }
}

/// Chunk size for a content of `total` bytes: about a thousandth, a power of two, 16 KiB to 4 MiB.
///
/// A thousand chunks keep the pipeline's tail (`log2 N` chunks) and the cost of messages both near one
/// per cent. The upper end bounds the memory of a receiver, which holds a chunk until it is verified.
pub fn auto_chunk_size(total: ByteCount) -> u32 {
    const AUTO_MAX: u64 = 4 << 20;
    let target = total.0.div_ceil(1024).clamp(u64::from(MIN_CHUNK_SIZE), AUTO_MAX);
    target.next_power_of_two().min(AUTO_MAX) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use proptest::prelude::*;

    pub(crate) fn manifest_of(sizes: &[u64], chunk: u32) -> Manifest {
        let total: u64 = sizes.iter().sum();
        let files = sizes.iter().enumerate().map(|(index, size)| FileEntry {
            path: format!("f{index}"),
            kind: FileKind::Regular { size: *size, mode: 0o644 },
        });
        Manifest {
            format_version: 1,
            chunking: Chunking::Fixed { size: chunk },
            files: files.collect(),
            hashes: vec![0; total.div_ceil(u64::from(chunk)) as usize * 32],
        }
    }

    proptest! {
        #[test]
        fn extents_cover_every_byte_once_and_in_order(
            sizes in proptest::collection::vec(0u64..100_000, 0..20),
        ) {
            let manifest = manifest_of(&sizes, MIN_CHUNK_SIZE);
            let mut filled = vec![0u64; sizes.len()];
            for index in 0..manifest.chunk_count() {
                let extents = manifest.extents(index);
                let sum: u64 = extents.iter().map(|extent| u64::from(extent.len)).sum();
                prop_assert_eq!(sum, u64::from(manifest.chunk_len(index)));
                for extent in extents {
                    prop_assert_eq!(filled[extent.file], extent.offset);
                    filled[extent.file] += u64::from(extent.len);
                }
            }
            prop_assert_eq!(filled, sizes);
        }
    }

    #[test]
    fn chunk_size_follows_the_content() {
        assert_eq!(auto_chunk_size(ByteCount(0)), 16 << 10);
        assert_eq!(auto_chunk_size(ByteCount(32 << 20)), 32 << 10);
        assert_eq!(auto_chunk_size(ByteCount(64 << 20)), 64 << 10);
        assert_eq!(auto_chunk_size(ByteCount(2 << 30)), 2 << 20);
        assert_eq!(auto_chunk_size(ByteCount(1 << 45)), 4 << 20);
    }
}
