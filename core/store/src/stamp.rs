//! What tells that a file is still the one that was verified: size, modification time, inode.
//!
//! A stamp replaces re-hashing, so it is compared often and stored with the content's record. The device
//! is left out on purpose: its number changes across reboots on some file systems.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

/// Size, modification time and inode of a file at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Inode number.
    pub inode: u64,
}

impl FileStamp {
    /// The stamp of the file that `metadata` describes.
    pub fn of(metadata: &Metadata) -> Self {
        let mtime_ns =
            metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        FileStamp { size: metadata.len(), mtime_ns, inode: metadata.ino() }
    }

    /// Whether both are the same file of the same size, whenever it was written last.
    pub(crate) fn same_file(&self, other: &FileStamp) -> bool {
        (self.size, self.inode) == (other.size, other.inode)
    }
}
