//! What this node takes part in, as documents.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use samara_model::ContentId;

use super::entry::{Entry, Wish};
use super::find::Found;
use super::{Hashing, Job};
use crate::api::{FetchPhase, FetchProgress};
use crate::content_state::ContentState;
use crate::documents::ContentDocument;
use crate::shared::Shared;

impl Shared {
    /// All contents, in the order in which they were asked for; those without an entry come last.
    pub fn content_rows(&self) -> Vec<ContentDocument> {
        let inner = self.catalogue.lock();
        let entries: Vec<(Entry, Option<Job>)> = inner
            .entries
            .iter()
            .map(|(number, entry)| (entry.clone(), inner.jobs.get(number).cloned()))
            .collect();
        drop(inner);
        let mut states = self.states_by_content();
        let rows = entries.into_iter().map(|(entry, job)| {
            let state = entry.content.and_then(|content| states.remove(&content));
            row(Some(&entry), state.as_deref(), job.as_ref())
        });
        let mut rows: Vec<ContentDocument> = rows.collect();
        rows.extend(states.values().map(|state| self.bare_row(state)));
        rows
    }

    /// What [`Shared::content_rows`] come to, without a row being made.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        let mut states = self.states_by_content();
        let inner = self.catalogue.lock();
        for (number, entry) in &inner.entries {
            let state = entry.content.and_then(|content| states.remove(&content));
            let job = inner.jobs.get(number);
            tally.add(Some(entry), state.as_deref(), job);
        }
        drop(inner);
        states.values().for_each(|state| tally.add(None, Some(state), None));
        tally
    }

    fn states_by_content(&self) -> BTreeMap<ContentId, Arc<ContentState>> {
        self.contents_now().into_iter().map(|state| (state.content, state)).collect()
    }

    /// One content.
    pub fn content_row(&self, found: &Found) -> ContentDocument {
        let state = found.content.and_then(|id| self.content(&id));
        let number = found.entry.as_ref().map(|(number, _)| *number);
        let inner = self.catalogue.lock();
        let entry = number.and_then(|number| inner.entries.get(&number).cloned());
        let job = number.and_then(|number| inner.jobs.get(&number).cloned());
        drop(inner);
        match (&entry, &state) {
            (None, Some(state)) => self.bare_row(state),
            _ => row(entry.as_ref(), state.as_deref(), job.as_ref()),
        }
    }

    /// The row of an entry; `None` when it was removed meanwhile.
    pub fn entry_row(&self, number: u64) -> Option<ContentDocument> {
        let entry = self.catalogue.lock().entries.get(&number).cloned()?;
        let content = entry.content;
        Some(self.content_row(&Found { entry: Some((number, entry)), content }))
    }

    fn bare_row(&self, state: &Arc<ContentState>) -> ContentDocument {
        let mut row = row(None, Some(state), None);
        let releases = self.releases();
        let named = releases.iter().find(|release| release.content == state.content);
        row.release = named.map(|release| release.release.to_string());
        row
    }
}

/// All contents in sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many there are in each state; see [`ContentDocument::state`].
    pub states: BTreeMap<&'static str, u64>,
    /// Bytes per second that come just now.
    pub received_per_second: u64,
    /// Bytes per second that go just now.
    pub sent_per_second: u64,
    /// Bytes in the data directory.
    pub used: u64,
}

impl Tally {
    fn add(&mut self, entry: Option<&Entry>, state: Option<&ContentState>, job: Option<&Job>) {
        *self.states.entry(standing(entry, state, job)).or_default() += 1;
        let (received, sent) = state.map_or((0, 0), |state| state.rates());
        self.received_per_second += received;
        self.sent_per_second += sent;
        if entry.is_some_and(|entry| entry.managed) {
            self.used += state.map_or(0, done_bytes);
        }
    }
}

/// The word for how a content stands.
fn standing(
    entry: Option<&Entry>,
    state: Option<&ContentState>,
    job: Option<&Job>,
) -> &'static str {
    let wish = entry.map(|entry| &entry.wish);
    match (state, job, wish) {
        (Some(state), ..) if state.is_withdrawn() => "withdrawn",
        // What failed or was cancelled says so, although its state may be there for a moment more.
        (_, _, Some(Wish::Cancelled)) if state.is_some() || job.is_none() => "cancelled",
        (_, _, Some(Wish::Failed(_))) if state.is_some() || job.is_none() => "failed",
        (Some(state), ..) => state.phase().word(),
        (None, Some(Job::Fetch(handle)), _) => handle.progress().phase.word(),
        (None, _, Some(wish)) => wished(wish).0,
        (None, _, None) => "finding",
    }
}

fn done_bytes(state: &ContentState) -> u64 {
    match state.stored() {
        Some(stored) if stored.is_finished() => stored.total().0,
        _ => state.done.load(Ordering::Relaxed),
    }
}

fn row(entry: Option<&Entry>, state: Option<&ContentState>, job: Option<&Job>) -> ContentDocument {
    let mut row = ContentDocument { priority: 1, ..ContentDocument::default() };
    if let Some(entry) = entry {
        row.content = entry.content.map(|id| id.to_string());
        row.release = entry.releases.first().map(|name| name.to_string());
        (row.origin, row.managed, row.pinned) = (entry.origin, entry.managed, entry.pinned);
        (row.priority, row.path) = (entry.priority, entry.path.clone());
        (row.added_at, row.finished_at) = (entry.added_at, entry.finished_at);
        row.reason = wished(&entry.wish).1;
    }
    match (state, job) {
        (Some(state), _) => moving(&mut row, state, entry),
        (None, Some(Job::Fetch(handle))) => progress(&mut row, &handle.progress()),
        (None, Some(Job::Hash(hashing))) => hashed(&mut row, hashing),
        (None, None) => {}
    }
    standing(entry, state, job).clone_into(&mut row.state);
    row
}

/// What an entry says where nothing moves.
fn wished(wish: &Wish) -> (&'static str, Option<String>) {
    let (state, reason) = match wish {
        Wish::Publish => ("publishing", None),
        Wish::Fetch => ("finding", None),
        Wish::Hold => ("complete", None),
        Wish::Cancelled => ("cancelled", None),
        Wish::Failed(why) => ("failed", Some(why)),
        Wish::Withdrawn(why) => ("withdrawn", Some(why)),
    };
    (state, reason.cloned())
}

fn hashed(row: &mut ContentDocument, hashing: &Hashing) {
    row.done_bytes = hashing.done.load(Ordering::Relaxed);
    row.size_bytes = hashing.total.load(Ordering::Relaxed);
}

fn moving(row: &mut ContentDocument, state: &ContentState, entry: Option<&Entry>) {
    let said = row.reason.clone();
    progress(row, &state.progress());
    let over = entry.is_some_and(|entry| matches!(entry.wish, Wish::Cancelled | Wish::Failed(_)));
    if over {
        row.reason = said;
    }
    row.content = Some(state.content.to_string());
    row.done_bytes = done_bytes(state);
    row.origin = state.origin;
    let stored = state.stored();
    if let Some(stored) = &stored {
        row.chunk_bytes = stored.manifest().chunk_size();
        row.files = stored.manifest().files.len() as u64;
        row.chunks_here = row.chunks - stored.missing();
        if entry.is_none() {
            row.path = stored.output().to_path_buf();
        }
    }
    if state.is_withdrawn() {
        let path = row.path.display();
        row.reason = Some(if state.origin {
            format!(
                "{path} changed after it was published: publish what is there now under a new version"
            )
        } else {
            format!(
                "{path} changed after it was fetched: fetch it again to another place, or remove it"
            )
        });
    }
    let (received, sent) = state.rates();
    (row.received_bytes_per_second, row.sent_bytes_per_second) = (received, sent);
}

fn progress(row: &mut ContentDocument, progress: &FetchProgress) {
    if let Some(content) = progress.content {
        row.content = Some(content.to_string());
    }
    row.reason = match &progress.phase {
        FetchPhase::Parked { reason } => Some(reason.clone()),
        _ => None,
    };
    row.size_bytes = progress.total.0;
    row.done_bytes = progress.done.0;
    row.resumed_bytes = progress.resumed.0;
    row.received_bytes = progress.received.0;
    row.sent_bytes = progress.sent.0;
    row.wasted_bytes = progress.wasted.0;
    row.chunks = progress.chunks;
    row.neighbours = progress.neighbours;
}
