//! A fetch as its caller sees it: progress, result, cancelling.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use samara_model::{ByteCount, ContentId};
use tokio::sync::Notify;

use super::entry::leave;
use super::{FetchError, account, run};
use crate::api::{FetchPhase, FetchProgress, FetchRequest, Fetched};
use crate::content_state::ContentState;
use crate::shared::Shared;

/// A fetch under way.
#[derive(Clone)]
pub struct FetchHandle(Arc<Job>);

pub(crate) struct Job {
    /// How long its most patient caller waits for somebody who has it.
    wait: Mutex<Duration>,
    inner: Mutex<Inner>,
    changed: Condvar,
    cancelled: Notify,
    known: Notify,
    ended: Notify,
}

#[derive(Default)]
struct Inner {
    state: Option<Arc<ContentState>>,
    result: Option<Result<Fetched, FetchError>>,
    cancelled: bool,
}

impl FetchHandle {
    pub(crate) fn start(shared: Arc<Shared>, request: FetchRequest) -> Self {
        let job = Arc::new(Job {
            wait: Mutex::new(request.wait),
            inner: Mutex::default(),
            changed: Condvar::new(),
            cancelled: Notify::new(),
            known: Notify::new(),
            ended: Notify::new(),
        });
        let (runtime, running) = (shared.data_plane.clone(), job.clone());
        let ending = Ending { shared: shared.clone(), job: job.clone() };
        runtime.spawn(async move {
            let result = tokio::select! {
                result = run(&shared, &request, &running) => result,
                () = running.cancelled.notified() => Err(FetchError::Cancelled),
                () = shared.stopped.notified() => Err(FetchError::Cancelled),
            };
            running.finish(&shared, result);
            drop(ending);
        });
        FetchHandle(job)
    }

    /// Where it stands.
    pub fn progress(&self) -> FetchProgress {
        // Not under the job's lock: whoever waits for a change takes it under the content's.
        let state = self.0.lock().state.clone();
        state.map_or_else(nothing_yet, |state| state.progress())
    }

    /// Waits until something changed or the time is over, and says where it stands.
    pub fn wait_change(&self, at_most: Duration) -> FetchProgress {
        let state = self.0.lock().state.clone();
        match state {
            // The result comes a moment after the last change of the figures: it must be heard, too.
            Some(state) => state.wait_change(at_most, || self.result().is_some()),
            _ => {
                let inner = self.0.lock();
                if inner.result.is_none() {
                    let _ = self.0.changed.wait_timeout(inner, at_most);
                }
            }
        }
        self.progress()
    }

    /// How it ended, once it has.
    pub fn result(&self) -> Option<Result<Fetched, FetchError>> {
        self.0.lock().result.clone()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// Why there is no file.
    pub fn wait(&self) -> Result<Fetched, FetchError> {
        let mut inner = self.0.lock();
        loop {
            if let Some(result) = &inner.result {
                return result.clone();
            }
            inner = self.0.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until it is known which content it is, once; for one waiter.
    pub(crate) async fn known(&self) -> ContentId {
        loop {
            self.0.known.notified().await;
            if let Some(state) = &self.0.lock().state {
                return state.content;
            }
        }
    }

    /// Waits for the end; for one waiter.
    pub(crate) async fn ended(&self) -> Result<Fetched, FetchError> {
        loop {
            if let Some(result) = self.result() {
                return result;
            }
            self.0.ended.notified().await;
        }
    }

    /// Somebody else wants it, too, and waits for this long.
    pub(crate) fn wait_at_least(&self, wait: Duration) {
        let mut longest = self.0.wait.lock().unwrap_or_else(PoisonError::into_inner);
        *longest = wait.max(*longest);
    }

    /// Gives it up. What was verified stays.
    pub fn cancel(&self) {
        self.0.lock().cancelled = true;
        self.0.cancelled.notify_one();
    }
}

/// A fetch ends with its task, also when the node stops before the task hears of it.
struct Ending {
    shared: Arc<Shared>,
    job: Arc<Job>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.job.lock().result.is_none() {
            self.job.finish(&self.shared, Err(FetchError::Cancelled));
        }
    }
}

impl Job {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long it waits, as it is now: a caller who joins may wait longer.
    pub(super) fn patience(&self) -> Duration {
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self, state: Arc<ContentState>) {
        self.lock().state = Some(state);
        self.changed.notify_all();
        self.known.notify_one();
    }

    fn finish(&self, shared: &Shared, result: Result<Fetched, FetchError>) {
        let state = self.lock().state.clone();
        account::ended(shared, state.as_deref(), &result);
        if let Some(state) = &state {
            leave(shared, state);
        }
        self.lock().result = Some(result);
        self.changed.notify_all();
        self.ended.notify_one();
        if let Some(state) = state {
            state.progressed();
        }
    }
}

fn nothing_yet() -> FetchProgress {
    FetchProgress {
        phase: FetchPhase::Finding,
        content: None,
        total: ByteCount(0),
        done: ByteCount(0),
        resumed: ByteCount(0),
        chunks: 0,
        received: ByteCount(0),
        sent: ByteCount(0),
        wasted: ByteCount(0),
        neighbours: 0,
    }
}
