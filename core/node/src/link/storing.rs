//! Whole chunks on their way to the disk.
//!
//! The disk may make a writer wait, so chunks are stored on blocking threads. One thread takes them one
//! after the other and goes to sleep only when there is none left: waking a thread for every chunk costs
//! more than storing a small one. When the disk is slow, a few threads share the work.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use samara_store::{StoreChunkError, Stored};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::assembly::Whole;
use super::counters::Counters;
use super::{LinkEvent, LinkId, LinkRouter};

/// Threads that store at once, at most.
const MOST_THREADS: usize = 4;

/// A chunk that was received whole, and whom to tell.
pub(super) struct Arrival<R> {
    pub link: LinkId,
    pub whole: Whole,
    pub router: R,
    pub counters: Arc<Counters>,
    /// Dropped once the chunk's fate was reported: the link's end waits for that.
    pub _until_reported: mpsc::Sender<()>,
}

/// The chunks of all links that wait for the disk.
pub(super) struct Storing<R>(Mutex<State<R>>);

struct State<R> {
    waiting: VecDeque<Arrival<R>>,
    threads: usize,
}

impl<R: LinkRouter> Storing<R> {
    pub fn new() -> Arc<Self> {
        Arc::new(Storing(Mutex::new(State { waiting: VecDeque::new(), threads: 0 })))
    }

    /// Stores a chunk soon, and reports what became of it. How many may wait is bounded by the memory
    /// that they hold.
    pub fn add(self: &Arc<Self>, arrival: Arrival<R>) {
        let mut state = self.state();
        state.waiting.push_back(arrival);
        let keeps_up = state.threads > 0 && state.waiting.len() <= 2 * state.threads;
        if keeps_up || state.threads == MOST_THREADS {
            return;
        }
        state.threads += 1;
        drop(state);
        let (storing, runtime) = (self.clone(), Handle::current());
        tokio::task::spawn_blocking(move || {
            while let Some(arrival) = storing.next() {
                let work = AssertUnwindSafe(|| arrival.store_and_report(&runtime));
                if catch_unwind(work).is_err() {
                    tracing::error!("a fault while storing a chunk: the chunk is lost");
                }
            }
        });
    }

    /// The next chunk for a thread; without one the thread has to end.
    fn next(&self) -> Option<Arrival<R>> {
        let mut state = self.state();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.threads -= 1;
        }
        next
    }

    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: LinkRouter> Arrival<R> {
    fn store_and_report(self, runtime: &Handle) {
        let event = stored(self.link, self.whole);
        if matches!(event, LinkEvent::ChunkStored { .. }) {
            self.counters.chunk_received();
        }
        runtime.block_on(self.router.deliver(event));
    }
}

/// Stores a chunk; its memory is free afterwards.
fn stored(link: LinkId, whole: Whole) -> LinkEvent {
    let Whole { content, chunk, buffer, digest, elapsed } = whole;
    let stored = content.store_chunk(chunk, digest, &buffer.bytes);
    let (content, bytes) = (content.id(), buffer.bytes.len() as u32);
    match stored {
        Ok(Stored::New) => LinkEvent::ChunkStored { link, content, chunk, bytes, elapsed },
        Ok(Stored::Duplicate) => LinkEvent::ChunkDiscarded { link, content, chunk, bytes },
        Err(StoreChunkError::WrongHash { .. }) => LinkEvent::ChunkRejected { link, content, chunk },
        Err(error) => {
            let error = Arc::new(error);
            LinkEvent::StoreFailed { link, content, chunk, error }
        }
    }
}
