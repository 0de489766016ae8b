//! Space that stays free on the data directory's file system.

use std::os::linux::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use samara_model::ByteCount;

use crate::part::free_space;

/// How long an answer of the file system is good for, less what was written since: asking for every chunk would
/// cost as much as writing a small one.
const GOOD_FOR: Duration = Duration::from_millis(50);
/// Of what may go, this fraction is written between two questions at most: others write there, too.
const SHARE: u64 = 16;

/// What the operator wants to stay free, for all fetches of a store; zero wants nothing.
#[derive(Debug, Default)]
pub(crate) struct Reserve(AtomicU64);

impl Reserve {
    pub fn set(&self, bytes: ByteCount) {
        self.0.store(bytes.0, Ordering::Relaxed);
    }

    pub fn get(&self) -> ByteCount {
        ByteCount(self.0.load(Ordering::Relaxed))
    }
}

/// How much a fetch may still write where it writes.
#[derive(Debug)]
pub(crate) struct Room {
    dir: PathBuf,
    /// On another file system than this folder's nothing is kept free.
    data: PathBuf,
    reserve: Arc<Reserve>,
    /// When the file system was asked, and what may be written since.
    left: Mutex<Option<(Instant, u64)>>,
}

/// Less is free than shall stay free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLittle {
    pub free: ByteCount,
    pub reserve: ByteCount,
}

impl Room {
    /// Of a fetch that writes below `dir`.
    pub fn new(dir: &Path, data: &Path, reserve: &Arc<Reserve>) -> Room {
        let (dir, data, reserve) = (dir.to_owned(), data.to_owned(), reserve.clone());
        Room { dir, data, reserve, left: Mutex::new(None) }
    }

    /// What shall stay free there. Looked at each time: something may be mounted while the fetch runs.
    pub fn reserve(&self) -> ByteCount {
        let wanted = self.reserve.get();
        let device = |path: &Path| std::fs::metadata(path).ok().map(|found| found.st_dev());
        let same = || device(&self.dir).is_some_and(|there| device(&self.data) == Some(there));
        if wanted.0 > 0 && same() { wanted } else { ByteCount(0) }
    }

    /// Takes `bytes` of what may be written.
    pub fn take(&self, bytes: u64) -> Result<(), TooLittle> {
        if self.reserve.get().0 == 0 {
            return Ok(());
        }
        let now = Instant::now();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let known = left.filter(|(at, _)| now.duration_since(*at) < GOOD_FOR);
        if let Some((at, rest)) = known
            && rest >= bytes
        {
            *left = Some((at, rest - bytes));
            return Ok(());
        }
        let reserve = self.reserve();
        if reserve.0 == 0 {
            *left = Some((now, u64::MAX));
            return Ok(());
        }
        let Some(free) = free_space(&self.dir) else { return Ok(()) };
        let may_go = free.0.saturating_sub(reserve.0);
        if may_go < bytes {
            *left = None;
            return Err(TooLittle { free, reserve });
        }
        *left = Some((now, (may_go / SHARE).saturating_sub(bytes)));
        Ok(())
    }
}
