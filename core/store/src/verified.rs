//! The bitmap of verified chunks on disk: what lets a fetch resume after a crash.
//!
//! A bit is written after the chunk's bytes, and believed only after hashing them again, so it may be
//! stale, torn or missing without harm. That is also why a failure to write it is logged, not returned.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use samara_model::{ChunkIndex, ChunkSet};

use crate::atomic_file::{read_small, replace_file};
use crate::have::Have;

/// The open bitmap of one content that is being fetched.
#[derive(Debug)]
pub(crate) struct Verified {
    /// Locked so that of two bytes read from memory the later one is also written later.
    file: Mutex<File>,
    failed: AtomicBool,
}

impl Verified {
    /// Replaces what is at `path` by `set`, all bytes of it, so that later writes need no new space.
    pub fn create(path: &Path, set: &ChunkSet) -> io::Result<Self> {
        replace_file(path, &set.to_bytes())?;
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(Verified { file: Mutex::new(file), failed: AtomicBool::new(false) })
    }

    /// The set at `path`, when there is one of the right size.
    pub fn load(path: &Path, universe: u32) -> Option<ChunkSet> {
        let bytes = read_small(path, u64::from(universe.div_ceil(8)))?;
        ChunkSet::from_bytes(universe, &bytes)
            .inspect_err(|error| {
                tracing::warn!(?path, %error, "ignoring a damaged list of verified chunks");
            })
            .ok()
    }

    /// Records that `chunk` is in `have`.
    pub fn note(&self, have: &Have, chunk: ChunkIndex) {
        let file = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (at, byte) = have.byte_of(chunk);
        if let Err(error) = file.write_all_at(&[byte], at)
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(%error, "could not record verified chunks; after a crash they are fetched again");
        }
    }
}
