//! A bounded set of open files, so that a tree of a million files does not need a million descriptors.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Most files kept open per content.
const MAX_OPEN: usize = 256;

/// An open file and when its path was last compared with it.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub file: Arc<File>,
    opened: Instant,
    /// Milliseconds after `opened` before which the path is trusted.
    trusted_until_ms: AtomicU64,
}

impl OpenFile {
    /// Whether the path should be looked at now; the answer counts as having looked.
    pub fn path_check_is_due(&self, every: Duration) -> bool {
        let now = self.opened.elapsed().as_millis() as u64;
        let until = self.trusted_until_ms.load(Ordering::Relaxed);
        let next = now + every.as_millis() as u64;
        now >= until
            && self
                .trusted_until_ms
                .compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

/// Open files by index; the one that was not used for longest is closed first.
#[derive(Debug, Default)]
pub(crate) struct OpenFiles {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    uses: u64,
    files: HashMap<usize, (u64, Arc<OpenFile>)>,
}

impl OpenFiles {
    pub fn find(&self, index: usize) -> Option<Arc<OpenFile>> {
        let mut inner = self.lock();
        inner.uses += 1;
        let now = inner.uses;
        let (used, file) = inner.files.get_mut(&index)?;
        *used = now;
        Some(file.clone())
    }

    /// Keeps `file`, unless another thread was faster; then that one is returned.
    pub fn keep(&self, index: usize, file: File) -> Arc<OpenFile> {
        let mut inner = self.lock();
        if inner.files.len() >= MAX_OPEN && !inner.files.contains_key(&index) {
            inner.close_oldest();
        }
        inner.uses += 1;
        let now = inner.uses;
        let fresh = || {
            let trusted_until_ms = AtomicU64::new(0);
            Arc::new(OpenFile { file: Arc::new(file), opened: Instant::now(), trusted_until_ms })
        };
        inner.files.entry(index).or_insert_with(|| (now, fresh())).1.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    fn close_oldest(&mut self) {
        let oldest = self.files.iter().min_by_key(|(_, (used, _))| *used).map(|(index, _)| *index);
        if let Some(index) = oldest {
            self.files.remove(&index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_files_stay_open_and_the_oldest_goes_first() {
        let open = OpenFiles::default();
        let null = || File::open("/dev/null").expect("there is a /dev/null");
        for index in 0..MAX_OPEN {
            open.keep(index, null());
        }
        assert!(open.find(0).is_some());
        open.keep(MAX_OPEN, null());
        assert!(open.find(0).is_some() && open.find(1).is_none());
        assert_eq!(open.lock().files.len(), MAX_OPEN);
    }

    #[test]
    fn the_path_is_looked_at_once_per_interval() {
        let open = OpenFiles::default();
        let file = open.keep(0, File::open("/dev/null").expect("there is a /dev/null"));
        assert!(file.path_check_is_due(Duration::from_secs(3600)));
        assert!(!file.path_check_is_due(Duration::from_secs(3600)));
    }
}
