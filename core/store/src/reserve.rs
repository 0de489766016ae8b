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
    /// None on another file system than the data directory's: nothing is kept free there.
    reserve: Option<Arc<Reserve>>,
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
        let device = |path: &Path| std::fs::metadata(path).ok().map(|found| found.st_dev());
        let same = device(dir).is_some() && device(dir) == device(data);
        Room { dir: dir.to_owned(), reserve: same.then(|| reserve.clone()), left: Mutex::new(None) }
    }

    /// What shall stay free there.
    pub fn reserve(&self) -> ByteCount {
        self.reserve.as_ref().map_or(ByteCount(0), |reserve| reserve.get())
    }

    /// Takes `bytes` of what may be written.
    pub fn take(&self, bytes: u64) -> Result<(), TooLittle> {
        let reserve = self.reserve();
        if reserve.0 == 0 {
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
