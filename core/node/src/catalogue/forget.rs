//! Ending what was asked for: cancel, remove; and pins and priorities.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use samara_model::ContentId;

use super::entry::{Entry, Wish};
use super::find::Found;
use super::{Inner, Job};
use crate::content_state::ContentState;
use crate::documents::RemovedDocument;
use crate::seeder_actor::SeederMessage;
use crate::shared::Shared;

/// A content that was not removed whole.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// It is served no more, but its files could not be removed.
    #[error(
        "content {content} is not served any more, but its files stay: {path} cannot be removed ({why})"
    )]
    Files {
        /// The content.
        content: String,
        /// Where they are.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
}

impl Shared {
    /// Ends the work for an entry; what came stays. False when there is nothing to end. Blocks until it has
    /// ended.
    pub fn cancel_content(&self, found: &Found) -> bool {
        let Some((number, _)) = found.entry else { return false };
        let job = {
            let mut inner = self.catalogue.lock();
            let job = inner.jobs.get(&number).cloned();
            if job.is_some()
                && let Some(entry) = inner.entries.get_mut(&number)
            {
                entry.wish = Wish::Cancelled;
            }
            job
        };
        let Some(job) = job else { return false };
        end(&job);
        self.save_catalogue();
        true
    }

    /// Stops serving a content and forgets it. Files in the data directory are removed, others stay. Blocks.
    ///
    /// # Errors
    /// When files cannot be removed.
    pub fn remove_content(&self, found: &Found) -> Result<RemovedDocument, RemoveError> {
        let entry = {
            let mut inner = self.catalogue.lock();
            let number = found.entry.as_ref().map(|(number, _)| *number);
            let job = number.and_then(|number| inner.jobs.get(&number).cloned());
            // Without its entry the end of the job changes nothing any more.
            let entry = number.and_then(|number| inner.entries.remove(&number));
            drop(inner);
            if let Some(job) = job {
                end(&job);
            }
            entry
        };
        self.save_catalogue();
        let name = entry.as_ref().map(Entry::name);
        let content = found.content.or(entry.as_ref().and_then(|entry| entry.content));
        let text = content.map(|id| id.to_string()).or(name).unwrap_or_default();
        let mut kept = entry.as_ref().map(|entry| entry.path.clone());
        if let Some(content) = content {
            let state = self.content(&content);
            kept = kept
                .or_else(|| state.as_ref()?.stored().map(|stored| stored.output().to_path_buf()));
            self.end_content(content, state);
        }
        let managed = entry.filter(|entry| entry.managed && !entry.origin);
        let removed = match managed {
            None => None,
            Some(entry) => {
                let path = entry.path;
                let failed =
                    |why| RemoveError::Files { content: text.clone(), path: path.clone(), why };
                self.store.remove_files(&path).map_err(failed)?.then_some(path)
            }
        };
        tracing::info!(content = text, removed = ?removed, "removed");
        let kept = kept.filter(|path| removed.is_none() && path.exists());
        Ok(RemovedDocument { content: text, removed, kept })
    }

    /// Nothing of a content is served or fetched any more, and every neighbour is told.
    fn end_content(&self, content: ContentId, state: Option<Arc<ContentState>>) {
        if let Some(state) = &state {
            state.close();
        }
        if self.store.get(&content).is_some_and(|stored| stored.is_finished()) {
            self.store.forget(&content);
        } else {
            self.store.discard(&content);
        }
        if let Some(state) = state {
            // When the mailbox is full, the seeder finds it closed a second later.
            self.seeder.tell(SeederMessage::Close(state));
        }
    }

    /// Pins or unpins a content; false when it has no entry.
    pub fn pin_content(&self, found: &Found, pinned: bool) -> bool {
        let Some((number, _)) = found.entry else { return false };
        let done = {
            let mut inner = self.catalogue.lock();
            inner.entries.get_mut(&number).map(|entry| entry.pinned = pinned).is_some()
        };
        if done {
            self.save_catalogue();
        }
        done
    }

    /// Gives a content another share of the slots.
    pub fn prioritise_content(&self, found: &Found, priority: u32) {
        if let Some((number, _)) = found.entry
            && let Some(entry) = self.catalogue.lock().entries.get_mut(&number)
        {
            entry.priority = priority;
        }
        if let Some(content) = found.content {
            self.set_priority(content, priority);
        }
        self.save_catalogue();
    }

    /// Tells the seeder.
    pub(super) fn set_priority(&self, content: ContentId, priority: u32) {
        if let Some(state) = self.content(&content) {
            state.priority.store(priority, Ordering::Relaxed);
            self.seeder.tell(SeederMessage::Prioritise { content, priority });
        }
    }

    /// Ends every hashing, as the node stops.
    pub fn stop_hashing(&self) {
        let inner: &Inner = &self.catalogue.lock();
        for job in inner.jobs.values() {
            if let Job::Hash(hashing) = job {
                hashing.stop.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Ends work and waits until it has ended.
fn end(job: &Job) {
    match job {
        Job::Fetch(handle) => {
            handle.cancel();
            let _ = handle.wait();
        }
        Job::Hash(hashing) => hashing.stop.store(true, Ordering::Relaxed),
    }
}
