//! Publishing what was asked for: hashing takes as long as reading, so it goes on by itself and is looked at.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use samara_model::{MAX_CHUNK_SIZE, MIN_CHUNK_SIZE, ReleaseName};

use super::entry::{Entry, Wish};
use super::order::{OrderError, check_priority};
use super::{Inner, Job, MAX_ENTRIES};
use crate::api::{HashProgress, PublishRequest, Published};
use crate::chunk_store_actor::chain;
use crate::documents::PublishOrder;
use crate::node::PublishError;
use crate::shared::Shared;

/// A source that is being hashed.
#[derive(Debug, Default)]
pub struct Hashing {
    /// Bytes hashed.
    pub done: AtomicU64,
    /// Bytes in all.
    pub total: AtomicU64,
    /// Set to give it up.
    pub stop: AtomicBool,
}

impl Shared {
    /// Begins to publish, or joins a publication of the same; the number of its entry. Blocks for a moment.
    ///
    /// # Errors
    /// When the order cannot be.
    pub fn order_publish(self: &Arc<Self>, order: &PublishOrder) -> Result<u64, OrderError> {
        if !self.config.roles.origin {
            return Err(OrderError::Role { what: "publish", role: "origin" });
        }
        let wrong = |why: String| OrderError::Wrong(why);
        let release = ReleaseName::new(&order.name, &order.release_version)
            .map_err(|why| wrong(why.to_string()))?;
        let priority = check_priority(order.priority)?;
        check_source(&order.path, &release)?;
        let fits =
            |size: &u32| size.is_power_of_two() && (MIN_CHUNK_SIZE..=MAX_CHUNK_SIZE).contains(size);
        if let Some(size) = order.chunk_size.filter(|size| !fits(size)) {
            return Err(wrong(format!(
                "a chunk cannot have {size} bytes: use a power of two from 16 KiB to 16 MiB"
            )));
        }
        let mut inner = self.catalogue.lock();
        let number = match inner.by_release(&release) {
            Some(number) => number,
            None if inner.entries.len() >= MAX_ENTRIES => return Err(OrderError::TooMany),
            None => {
                let mut entry = Entry::new(Wish::Publish, order.path.clone());
                entry.add_release(&release);
                inner.add(entry)
            }
        };
        let busy = inner.jobs.contains_key(&number);
        let Some(entry) = inner.entries.get_mut(&number) else { return Err(OrderError::TooMany) };
        entry.priority = priority.unwrap_or(entry.priority);
        match (&entry.wish, busy) {
            (Wish::Publish, true) if entry.path == order.path => return Ok(number),
            (_, true) => {
                let path = entry.path.display();
                let doing = if entry.origin { "published from" } else { "fetched to" };
                return Err(OrderError::Busy(format!(
                    "{release} is just being {doing} {path} by this node: wait for it, or cancel it"
                )));
            }
            (Wish::Hold, _)
                if entry.origin && entry.path == order.path && self.is_as_it_was(entry) =>
            {
                return Ok(number);
            }
            _ => {}
        }
        (entry.origin, entry.path, entry.wish) = (true, order.path.clone(), Wish::Publish);
        (entry.managed, entry.chunk_size) = (false, order.chunk_size);
        self.start_publish(&mut inner, number);
        Ok(number)
    }

    fn is_as_it_was(&self, entry: &Entry) -> bool {
        let stored =
            entry.content.and_then(|id| self.content(&id)).and_then(|state| state.stored());
        stored.is_some_and(|stored| !stored.is_withdrawn() && stored.check_unchanged().is_ok())
    }

    /// Starts the work for an entry that wishes to be published.
    pub(super) fn start_publish(self: &Arc<Self>, inner: &mut Inner, number: u64) {
        let Some(entry) = inner.entries.get(&number) else { return };
        let Some(release) = entry.releases.first().cloned() else { return };
        tracing::info!(%release, path = %entry.path.display(), "publication begins");
        let request =
            PublishRequest { path: entry.path.clone(), release, chunk_size: entry.chunk_size };
        let hashing = Arc::new(Hashing::default());
        inner.jobs.insert(number, Job::Hash(hashing.clone()));
        let shared = self.clone();
        self.data_plane.spawn(async move {
            let (inside, watched) = (shared.clone(), hashing.clone());
            let work = tokio::task::spawn_blocking(move || {
                let report = watched.clone();
                let progress = move |now: HashProgress| {
                    report.done.store(now.done.0, Ordering::Relaxed);
                    report.total.store(now.total.0, Ordering::Relaxed);
                    if inside.is_stopping() {
                        report.stop.store(true, Ordering::Relaxed);
                    }
                };
                let shared = shared.clone();
                let result = shared.publish_until(request, progress, &watched.stop);
                shared.publish_ended(number, result, &watched);
                shared.save_catalogue();
            });
            let _ = work.await;
        });
    }

    fn publish_ended(&self, number: u64, result: Result<Published, PublishError>, job: &Hashing) {
        let mut inner = self.catalogue.lock();
        inner.jobs.remove(&number);
        match result {
            Ok(published) => {
                let records = self.release(&published.release).into_iter().collect();
                if let Some(entry) = inner.entries.get_mut(&number) {
                    entry.records = records;
                }
                let (content, size) = (published.content, published.size.0);
                tracing::info!(release = %published.release, %content, size, "published");
                let other = inner.by_content(&content).filter(|other| *other != number);
                if let Some(other) = other {
                    return inner.merge(number, other);
                }
                let now = inner.finished_now();
                let Some(entry) = inner.entries.get_mut(&number) else { return };
                (entry.content, entry.wish) = (Some(content), Wish::Hold);
                entry.finished_at = Some(now);
                let priority = entry.priority;
                drop(inner);
                self.set_priority(content, priority);
            }
            Err(_) if self.is_stopping() => {}
            Err(error) => {
                let Some(entry) = inner.entries.get_mut(&number) else { return };
                if job.stop.load(Ordering::Relaxed) {
                    tracing::info!(release = entry.name(), "publication cancelled");
                    entry.wish = Wish::Cancelled;
                } else {
                    let error = chain(&error);
                    tracing::warn!(release = entry.name(), error, "publication failed");
                    entry.wish = Wish::Failed(error);
                }
            }
        }
    }
}

fn check_source(path: &Path, release: &ReleaseName) -> Result<(), OrderError> {
    if !path.is_absolute() {
        let what = format!("the path {} is not absolute: write it in full", path.display());
        return Err(OrderError::Wrong(what));
    }
    let found = std::fs::metadata(path);
    found.map(drop).map_err(|why| {
        OrderError::Wrong(format!(
            "could not publish {} as {release}: {why}. The node reads it as its own user: check the path and \
             its permissions",
            path.display()
        ))
    })
}
