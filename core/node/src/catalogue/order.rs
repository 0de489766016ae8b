//! Orders to fetch. A content that several ask for is fetched once: who asks later joins, and who wants it in
//! another place gets a copy when it is here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use samara_model::ContentRef;

use super::entry::{Entry, Wish};
use super::{Inner, Job, MAX_ENTRIES};
use crate::api::FetchRequest;
use crate::documents::FetchOrder;
use crate::fetch::FetchHandle;
use crate::shared::Shared;

/// How an order to fetch stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// It comes to where it is wanted.
    Coming,
    /// It comes to another place, and is copied from there when the order is given again.
    Elsewhere,
    /// It is here, and is being copied to where it is wanted.
    Copying,
    /// It is where it is wanted.
    Here,
}

/// A fetch that is not begun. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It is not this node's work.
    #[error(
        "this node does not {what}: its config gives it no role `{role}`; add it to `node.roles`"
    )]
    Role {
        /// `publish` or `fetch`.
        what: &'static str,
        /// What is missing.
        role: &'static str,
    },
    /// Something in the order cannot be.
    #[error("{0}")]
    Wrong(String),
    /// It is busy with it in another way.
    #[error("{0}")]
    Busy(String),
    /// There are too many entries.
    #[error("this node takes part in {MAX_ENTRIES} contents already: remove some first")]
    TooMany,
}

/// Shares of slots that may be given.
pub fn check_priority(priority: Option<u32>) -> Result<Option<u32>, OrderError> {
    match priority {
        Some(number) if !(1..=100).contains(&number) => {
            Err(OrderError::Wrong(format!("a priority of {number} cannot be: use 1 to 100")))
        }
        fine => Ok(fine),
    }
}

impl Shared {
    /// Begins a fetch, or joins one. Answers where the content is or will be, and how that stands.
    ///
    /// # Errors
    /// When the order cannot be.
    pub fn order_fetch(
        self: &Arc<Self>,
        order: &FetchOrder,
    ) -> Result<(u64, PathBuf, Joined), OrderError> {
        if !self.config.roles.peer {
            return Err(OrderError::Role { what: "fetch", role: "peer" });
        }
        let wanted: ContentRef =
            order.content.parse().map_err(|why| OrderError::Wrong(format!("{why}")))?;
        let priority = check_priority(order.priority)?;
        if let Some(output) = order.output.as_ref().filter(|output| !output.is_absolute()) {
            let what = format!("the output {} is not absolute: write it in full", output.display());
            return Err(OrderError::Wrong(what));
        }
        let known = match &wanted {
            ContentRef::Id(id) => Some(*id),
            ContentRef::Release(name) => self.release(name).map(|release| release.content),
        };
        let mut inner = self.catalogue.lock();
        let by_name = match &wanted {
            ContentRef::Release(name) => inner.by_release(name),
            ContentRef::Id(_) => None,
        };
        let number = match by_name.or_else(|| known.and_then(|id| inner.by_content(&id))) {
            Some(number) => number,
            None if inner.entries.len() >= MAX_ENTRIES => return Err(OrderError::TooMany),
            None => {
                let path = order.output.clone().unwrap_or_else(|| self.managed_path(&wanted));
                let mut entry = Entry::new(Wish::Cancelled, path);
                entry.content = known;
                inner.add(entry)
            }
        };
        let managed = self.managed_path(&wanted);
        let busy = inner.jobs.contains_key(&number);
        let Some(entry) = inner.entries.get_mut(&number) else { return Err(OrderError::TooMany) };
        if let ContentRef::Release(name) = &wanted {
            entry.add_release(name);
        }
        entry.pinned |= order.pin;
        entry.priority = priority.unwrap_or(entry.priority);
        let output = order.output.clone();
        let elsewhere = output.clone().filter(|output| *output != entry.path);
        let joined = match (&entry.wish, self.is_served(entry)) {
            (Wish::Hold, true) => match elsewhere {
                None => Joined::Here,
                Some(output) => self.order_copy(&mut inner, number, output)?,
            },
            (Wish::Fetch | Wish::Publish, _) if busy => {
                let wait = order.wait_ms.map_or(Duration::MAX, Duration::from_millis);
                let longest = entry.wait_ms.zip(order.wait_ms);
                entry.wait_ms = longest.map(|(one, other)| one.max(other));
                if let Some(Job::Fetch(handle)) = inner.jobs.get(&number) {
                    handle.wait_at_least(wait);
                }
                if elsewhere.is_some() { Joined::Elsewhere } else { Joined::Coming }
            }
            _ => {
                entry.wait_ms = order.wait_ms;
                if entry.managed && matches!(entry.wish, Wish::Hold | Wish::Withdrawn(_)) {
                    // It is damaged, and ours.
                    let removed = self.store.remove_files(&entry.path);
                    removed.map_err(|why| {
                        let path = entry.path.display();
                        OrderError::Wrong(format!("the damaged {path} cannot be removed: {why}"))
                    })?;
                }
                if let Some(output) = elsewhere {
                    entry.path = output;
                } else if entry.origin {
                    entry.path = managed;
                }
                entry.origin = false;
                entry.managed = entry.path.starts_with(self.store.files());
                entry.wish = Wish::Fetch;
                self.start_fetch(&mut inner, number);
                Joined::Coming
            }
        };
        let path = match inner.entries.get(&number) {
            Some(entry) => entry.path.clone(),
            None => PathBuf::new(),
        };
        // A copy is where it was wanted, not where the content was before.
        let is_copy = matches!(joined, Joined::Copying | Joined::Here);
        let path = if is_copy { output.unwrap_or(path) } else { path };
        drop(inner);
        Ok((number, path, joined))
    }

    /// Whether everything of an entry is here and as it was.
    pub(super) fn is_served(&self, entry: &Entry) -> bool {
        let state = entry.content.and_then(|id| self.content(&id));
        state.is_some_and(|state| !state.is_withdrawn() && !state.is_closed())
    }

    /// Where a content lies that nobody gave a place: in the data directory, under its release or its id.
    fn managed_path(&self, wanted: &ContentRef) -> PathBuf {
        let id_or_name = wanted.to_string().replace('/', "%2F");
        let name = match wanted {
            // A file name has at most 255 bytes, and the partial file's is longer.
            ContentRef::Release(_) if id_or_name.len() > 200 => id_or_name
                .chars()
                .take(160)
                .chain(format!("…{}", id_or_name.len()).chars())
                .collect(),
            _ => id_or_name,
        };
        self.store.files().join(name)
    }

    /// A second copy of what is here, to another place; given again, the order says how that stands.
    fn order_copy(
        self: &Arc<Self>,
        inner: &mut Inner,
        number: u64,
        output: PathBuf,
    ) -> Result<Joined, OrderError> {
        let content = inner.entries.get(&number).and_then(|entry| entry.content);
        let Some(content) = content else { return Ok(Joined::Elsewhere) };
        let key = (content, output.clone());
        if let Some(handle) = inner.copies.get(&key) {
            return match handle.result() {
                None => Ok(Joined::Copying),
                Some(Ok(_)) => {
                    inner.copies.remove(&key);
                    Ok(Joined::Here)
                }
                Some(Err(error)) => {
                    inner.copies.remove(&key);
                    Err(OrderError::Wrong(error.to_string()))
                }
            };
        }
        let request = FetchRequest {
            content: ContentRef::Id(content),
            output,
            wait: Duration::from_secs(30),
        };
        inner.copies.retain(|_, handle| handle.result().is_none());
        inner.copies.insert(key, FetchHandle::start(self.clone(), request));
        Ok(Joined::Copying)
    }
}
