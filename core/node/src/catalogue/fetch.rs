//! Carries out the wish to fetch: starts it, takes note of what it turns out to be, and of its end.

use std::sync::Arc;
use std::time::Duration;

use samara_model::{ContentId, ContentRef};

use super::entry::{Entry, Wish};
use super::{Inner, Job};
use crate::api::{FetchRequest, Fetched};
use crate::fetch::{FetchError, FetchHandle};
use crate::shared::Shared;

/// A fetch that found another one of the same content in its way looks again after this time.
const AGAIN: Duration = Duration::from_millis(100);

impl Shared {
    /// Starts the work for an entry that wishes to be fetched.
    pub(super) fn start_fetch(self: &Arc<Self>, inner: &mut Inner, number: u64) {
        let Some(entry) = inner.entries.get(&number) else { return };
        let Some(content) = entry.reference() else { return };
        tracing::info!(content = entry.name(), path = %entry.path.display(), "fetch begins");
        let request = request_of(entry, content);
        let _ = std::fs::create_dir_all(self.store.files());
        let handle = FetchHandle::start(self.clone(), request);
        inner.jobs.insert(number, Job::Fetch(handle.clone()));
        let shared = self.clone();
        self.data_plane.spawn(async move {
            let mut handle = handle;
            loop {
                let result = tokio::select! {
                    result = handle.ended() => result,
                    content = handle.known() => {
                        shared.content_known(number, content).await;
                        continue;
                    }
                };
                let Some(again) = shared.fetch_ended(number, result) else { break };
                tokio::time::sleep(AGAIN).await;
                match shared.restart_fetch(number, &again) {
                    Some(next) => handle = next,
                    None => break,
                }
            }
            shared.save_catalogue_soon().await;
        });
    }

    /// Begins anew what found another fetch of the same content in its way, unless that has taken it over.
    fn restart_fetch(self: &Arc<Self>, number: u64, again: &FetchRequest) -> Option<FetchHandle> {
        let mut inner = self.catalogue.lock();
        let wanted = inner.entries.get(&number).is_some_and(|entry| entry.wish == Wish::Fetch);
        if !wanted || self.is_stopping() {
            return None;
        }
        let handle = FetchHandle::start(self.clone(), again.clone());
        inner.jobs.insert(number, Job::Fetch(handle.clone()));
        Some(handle)
    }

    /// The name of an entry is resolved. When another entry is about the same content, the one whose fetch runs
    /// takes the other over.
    async fn content_known(self: &Arc<Self>, number: u64, content: ContentId) {
        let output = self.content(&content).and_then(|state| state.output.clone());
        let (keeps, priority) = {
            let mut inner = self.catalogue.lock();
            let other = inner.by_content(&content).filter(|other| *other != number);
            let Some(entry) = inner.entries.get_mut(&number) else { return };
            let runs = output.as_ref() == Some(&entry.path);
            let keeps = match other {
                Some(other) if !runs => other,
                _ => {
                    entry.content = Some(content);
                    number
                }
            };
            for (one, into) in
                [(number, keeps)].into_iter().chain(other.map(|other| (other, keeps)))
            {
                if one != into {
                    inner.merge(one, into);
                }
            }
            (keeps, inner.entries.get(&keeps).map_or(1, |entry| entry.priority))
        };
        tracing::debug!(%content, keeps, "which content it is is known");
        self.set_priority(content, priority);
        self.save_catalogue_soon().await;
    }

    /// Takes note of the end of a fetch; it is to be begun anew when another one was in its way.
    fn fetch_ended(
        &self,
        number: u64,
        result: Result<Fetched, FetchError>,
    ) -> Option<FetchRequest> {
        let mut inner = self.catalogue.lock();
        inner.jobs.remove(&number);
        let content = match &result {
            Ok(fetched) => Some(fetched.content),
            Err(FetchError::AlreadyFetching { content, .. }) => Some(*content),
            Err(_) => None,
        };
        let other = content.and_then(|content| inner.by_content(&content));
        if let Some(other) = other.filter(|other| *other != number) {
            inner.merge(number, other);
            return None;
        }
        let now = inner.finished_now();
        let entry = inner.entries.get_mut(&number)?;
        match result {
            Ok(fetched) => {
                entry.content = Some(fetched.content);
                entry.path = fetched.output;
                entry.wish = Wish::Hold;
                entry.finished_at = Some(now);
                let records = entry.releases.iter().filter_map(|name| self.release(name));
                entry.records = records.collect();
                let seconds = fetched.took.as_secs_f64();
                tracing::info!(content = entry.name(), size = fetched.size.0, seconds, "fetched");
            }
            Err(FetchError::AlreadyFetching { content, .. }) if entry.wish == Wish::Fetch => {
                return Some(request_of(entry, ContentRef::Id(content)));
            }
            Err(FetchError::Cancelled) if self.is_stopping() => {}
            Err(FetchError::Cancelled) => {
                if entry.wish == Wish::Fetch {
                    entry.wish = Wish::Cancelled;
                }
                tracing::info!(content = entry.name(), "fetch ended");
            }
            Err(error) => {
                tracing::warn!(content = entry.name(), %error, "fetch failed");
                entry.wish = Wish::Failed(error.to_string());
            }
        }
        None
    }
}

fn request_of(entry: &Entry, content: ContentRef) -> FetchRequest {
    let wait = entry.wait_ms.map_or(Duration::MAX, Duration::from_millis);
    FetchRequest { content, output: entry.path.clone(), wait }
}

impl Inner {
    /// The entry `into` takes over what was asked of another one, which is about the same content.
    pub(super) fn merge(&mut self, number: u64, into: u64) {
        let Some(entry) = self.entries.remove(&number) else { return };
        if let Some(Job::Fetch(handle)) = self.jobs.remove(&number) {
            handle.cancel();
        }
        let Some(into) = self.entries.get_mut(&into) else { return };
        entry.releases.iter().for_each(|name| into.add_release(name));
        for record in entry.records {
            if !into.records.contains(&record) {
                into.records.push(record);
            }
        }
        into.wait_ms = into.wait_ms.zip(entry.wait_ms).map(|(one, other)| one.max(other));
        into.pinned |= entry.pinned;
        into.priority = into.priority.max(entry.priority);
    }
}
