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
/// ... then so many go through the threads before one is tried here again; four times as many whenever that
/// one is slow, too, up to the second figure. The first is small because on a busy machine any write may take
/// that long, with the disk at rest.
const DETOUR: (u32, u32) = (8, 512);

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
    detour: Detour,
}

struct State<R> {
    waiting: VecDeque<Arrival<R>>,
    threads: usize,
}

impl<R: LinkRouter> Storing<R> {
    pub fn new() -> Arc<Self> {
        let state = Mutex::new(State { waiting: VecDeque::new(), threads: 0 });
        Arc::new(Storing { state, detour: Detour::default() })
    }

    /// Stores a chunk and reports what became of it: here when that is quick, otherwise soon.
    pub async fn store(self: &Arc<Self>, arrival: Arrival<R>) {
        if arrival.whole.buffer.bytes.len() > QUICK || self.detour.goes_on() {
            return self.add(arrival);
        }
        let began = Instant::now();
        let settled = arrival.settle();
        self.detour.wrote_here(began.elapsed());
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

/// Small chunks go through the threads for a while, because a write took long. It need not be exact: several
/// data threads may count at once.
#[derive(Default)]
struct Detour {
    /// Chunks that still do.
    left: AtomicU32,
    /// How many did the last time, 0 since a write was quick.
    last: AtomicU32,
}

impl Detour {
    /// Whether the next chunk goes through the threads.
    fn goes_on(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        left > 0
    }

    /// A chunk was written where it arrived, and that took so long.
    fn wrote_here(&self, took: Duration) {
        let next = match self.last.load(Ordering::Relaxed) {
            _ if took <= SLOW => 0,
            0 => DETOUR.0,
            last => (last * 4).min(DETOUR.1),
        };
        self.last.store(next, Ordering::Relaxed);
        self.left.store(next, Ordering::Relaxed);
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
        self.router.chunk_hashed(self.whole.hashing);
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
    let Whole { content, chunk, buffer, digest, elapsed, .. } = whole;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Chunks that go through the threads until one is tried in place again.
    fn passed_on(detour: &Detour) -> usize {
        std::iter::from_fn(|| detour.goes_on().then_some(())).count()
    }

    #[test]
    fn one_slow_write_costs_a_short_detour_and_a_slow_disk_ever_longer_ones() {
        let detour = Detour::default();
        assert_eq!(passed_on(&detour), 0);
        let detours: Vec<usize> = (0..5)
            .map(|_| {
                detour.wrote_here(SLOW + Duration::from_millis(1));
                passed_on(&detour)
            })
            .collect();
        assert_eq!(detours, [8, 32, 128, 512, 512]);
        detour.wrote_here(SLOW);
        assert_eq!(passed_on(&detour), 0);
        detour.wrote_here(SLOW * 2);
        assert_eq!(passed_on(&detour), 8);
    }
}
