//! What this node was asked to take part in, and what became of it: the memory of a daemon, in the data
//! directory as `state/catalogue.json`.
//!
//! The engine knows contents that move, the store knows files; neither knows what somebody wants. An entry here
//! is a wish: publish this, fetch that, keep it, pin it. [`order`] takes wishes in, [`fetch`], [`publish`] and [`forget`] carry them out,
//! [`resume`] takes them up at the next start, [`rows`] shows
//! them, [`why`] explains them, and [`housekeeping`] looks after disk and stalls. A node that is no daemon has no entries, and
//! its rows are what moves.

mod entry;
mod evict;
mod fetch;
mod find;
mod forget;
mod housekeeping;
mod order;
mod publish;
mod resume;
mod rows;
mod scrub;
mod why;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use samara_model::ContentId;

pub use entry::Entry;
pub use evict::Eviction;
pub use find::FindError;
pub use forget::RemoveError;
pub use housekeeping::keep_house;
pub use order::{Joined, OrderError, check_priority};
pub use publish::Hashing;
pub use rows::Tally;
pub use scrub::scrub_always;

use crate::clock::unix_seconds;
use crate::fetch::FetchHandle;
use crate::shared::Shared;

/// The state file.
const FILE: &str = "catalogue.json";
/// Most entries; more is a mistake of whoever asks.
pub const MAX_ENTRIES: usize = 10_000;

/// See the module.
#[derive(Default)]
pub struct Catalogue {
    inner: Mutex<Inner>,
    /// Held while the file is written, so that an older version never replaces a newer one.
    file: Mutex<()>,
}

#[derive(Default)]
struct Inner {
    entries: BTreeMap<u64, Entry>,
    jobs: BTreeMap<u64, Job>,
    /// Second copies of what is here, to other places.
    copies: BTreeMap<(ContentId, PathBuf), FetchHandle>,
    next: u64,
}

/// What is being done for an entry.
#[derive(Clone)]
enum Job {
    Fetch(FetchHandle),
    Hash(Arc<Hashing>),
}

impl Inner {
    fn add(&mut self, entry: Entry) -> u64 {
        self.next += 1;
        self.entries.insert(self.next, entry);
        self.next
    }

    /// The time of something that is complete now, never before that of another: clocks are set back at times, and what
    /// came last must not look like the oldest, which is the first to go.
    fn finished_now(&self) -> u64 {
        let latest = self.entries.values().filter_map(|entry| entry.finished_at).max();
        unix_seconds().max(latest.unwrap_or(0))
    }

    fn by_content(&self, content: &ContentId) -> Option<u64> {
        let mut entries = self.entries.iter();
        entries.find(|(_, entry)| entry.content == Some(*content)).map(|(number, _)| *number)
    }
}

impl Catalogue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All entries.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.values().cloned().collect()
    }
}

impl Shared {
    /// Writes the catalogue down. Blocks. A node that cannot goes on, and says so.
    pub fn save_catalogue(&self) {
        if !self.config.remember {
            return;
        }
        let _turn = self.catalogue.file.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = entry::to_bytes(&self.catalogue.entries());
        if let Err(error) = self.store.write_state(FILE, &bytes) {
            self.notify(crate::api::Notice::Warning(format!(
                "what this node takes part in could not be written down ({error}); until it can, a restart \
                 forgets what was asked since. Make room in {}",
                self.store.dir().display()
            )));
        }
    }

    /// Like [`Shared::save_catalogue`], off the threads that must not wait.
    pub async fn save_catalogue_soon(self: &Arc<Self>) {
        let shared = self.clone();
        let _ = tokio::task::spawn_blocking(move || shared.save_catalogue()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entry::Wish;

    /// After the clock was set back, the content that had come last went first.
    #[test]
    fn what_came_last_is_the_newest_whatever_the_clock_does() {
        let mut inner = Inner::default();
        assert!(inner.finished_now() > 1_700_000_000);
        let mut entry = Entry::new(Wish::Hold, PathBuf::from("/a"));
        let future = unix_seconds() + 1_000_000;
        entry.finished_at = Some(future);
        inner.add(entry);
        assert_eq!(inner.finished_now(), future);
    }
}
