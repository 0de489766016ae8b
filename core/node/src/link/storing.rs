//! Whole chunks on their way to the disk.
//!
//! The disk may make a writer wait, so chunks are stored on blocking threads. One thread takes them one
//! after the other and goes to sleep only when there is none left: waking a thread for every chunk costs
//! more than storing a small one. When the disk is slow, a few threads share the work.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use samara_store::{StoreChunkError, Stored};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::assembly::Whole;
use super::counters::Counters;
use super::{DiskOp, LinkEvent, LinkId, LinkRouter};

/// A chunk up to this size is written where it arrived: the page cache takes it in less time than it takes
/// to wake a thread ...
const QUICK: usize = 128 << 10;
/// ... unless writing one took longer than this, because the disk makes writers wait: ...
const SLOW: Duration = Duration::from_millis(20);
/// ... then so many go through the threads.
const SLOW_CHUNKS: u32 = 256;

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
pub(super) struct Storing<R> {
    state: Mutex<State<R>>,
    /// Chunks that still go through the threads because the disk was slow.
    slow_chunks: AtomicU32,
}

struct State<R> {
    waiting: VecDeque<Arrival<R>>,
    threads: usize,
}

impl<R: LinkRouter> Storing<R> {
    pub fn new() -> Arc<Self> {
        let state = Mutex::new(State { waiting: VecDeque::new(), threads: 0 });
        Arc::new(Storing { state, slow_chunks: AtomicU32::new(0) })
    }

    /// Stores a chunk and reports what became of it: here when that is quick, otherwise soon.
    pub async fn store(self: &Arc<Self>, arrival: Arrival<R>) {
        let slow = self.slow_chunks.load(Ordering::Relaxed);
        if arrival.whole.buffer.bytes.len() > QUICK || slow > 0 {
            self.slow_chunks.store(slow.saturating_sub(1), Ordering::Relaxed);
            return self.add(arrival);
        }
        let began = Instant::now();
        let settled = arrival.settle();
        if began.elapsed() > SLOW {
            self.slow_chunks.store(SLOW_CHUNKS, Ordering::Relaxed);
        }
        settled.report().await;
    }

    /// Stores a chunk soon, and reports what became of it. How many may wait is bounded by the memory
    /// that they hold.
    fn add(self: &Arc<Self>, arrival: Arrival<R>) {
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
                let work = AssertUnwindSafe(|| runtime.block_on(arrival.settle().report()));
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A chunk whose fate is known, and whom to tell.
struct Settled<R> {
    event: LinkEvent,
    router: R,
    _until_reported: mpsc::Sender<()>,
}

impl<R: LinkRouter> Settled<R> {
    async fn report(self) {
        self.router.deliver(self.event).await;
    }
}

impl<R: LinkRouter> Arrival<R> {
    fn settle(self) -> Settled<R> {
        let (bytes, began) = (self.whole.buffer.bytes.len() as u64, Instant::now());
        let event = stored(self.link, self.whole);
        self.router.disk_used(DiskOp::Write, bytes, began.elapsed());
        if matches!(event, LinkEvent::ChunkStored { .. }) {
            self.counters.chunk_received();
        }
        Settled { event, router: self.router, _until_reported: self._until_reported }
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
