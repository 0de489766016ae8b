//! Fewer wake-ups on a busy small machine: like a network card's interrupt coalescing.
//!
//! On slow links something small happens about once a millisecond: a message, a part of a chunk, a timer.
//! Waking up for each costs far more than handling it. So when the thread is about to sleep again within a
//! moment of the last time, it first naps, and finds several things to do when it looks. A link that is fast
//! enough to fill the sockets' buffers within a nap is never kept waiting, and neither is the first event
//! after a silence.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::link::Counters;

/// How long a nap is: a tenth of the time of a chunk at the rates at which it matters.
const NAP: Duration = Duration::from_millis(1);
/// Sleeping again within this time counts as busy.
const BUSY: Duration = Duration::from_millis(1);
/// The rate is looked at this often.
const WINDOW: Duration = Duration::from_millis(20);
/// Above this rate, in bytes per second of payload both ways, nobody naps: a socket's buffer of a few
/// hundred KiB must not fill up meanwhile.
const FAST: u64 = 40 << 20;

/// Decides about naps; called by the runtime before it sleeps.
pub struct Coalescer {
    start: Instant,
    /// Not the links themselves: they hold the node, which holds the runtime that holds this, and what
    /// keeps itself alive keeps its data directory locked.
    counters: OnceLock<Arc<Counters>>,
    last_sleep_us: AtomicU64,
    window_start_us: AtomicU64,
    window_bytes: AtomicU64,
    fast: AtomicBool,
}

impl Coalescer {
    /// Without anything to watch there are no naps.
    pub fn new() -> Self {
        Coalescer {
            start: Instant::now(),
            counters: OnceLock::new(),
            last_sleep_us: AtomicU64::new(0),
            window_start_us: AtomicU64::new(0),
            window_bytes: AtomicU64::new(0),
            fast: AtomicBool::new(false),
        }
    }

    /// From now on the rate of the node's links is watched.
    pub fn watch(&self, counters: Arc<Counters>) {
        let _ = self.counters.set(counters);
    }

    /// The thread has nothing to do at this moment.
    pub fn before_sleep(&self) {
        let now = self.now_us();
        let last = self.last_sleep_us.swap(now, Ordering::Relaxed);
        let Some(counters) = self.counters.get() else { return };
        self.measure(counters, now);
        let busy = now.saturating_sub(last) < BUSY.as_micros() as u64;
        if busy && !self.fast.load(Ordering::Relaxed) {
            std::thread::sleep(NAP);
            self.last_sleep_us.store(self.now_us(), Ordering::Relaxed);
        }
    }

    fn measure(&self, counters: &Counters, now: u64) {
        let span = now.saturating_sub(self.window_start_us.load(Ordering::Relaxed));
        if span < WINDOW.as_micros() as u64 {
            return;
        }
        let traffic = counters.read();
        let bytes = traffic.payload_received + traffic.payload_sent;
        let moved = bytes.saturating_sub(self.window_bytes.swap(bytes, Ordering::Relaxed));
        self.window_start_us.store(now, Ordering::Relaxed);
        self.fast.store(moved.saturating_mul(1_000_000) / span > FAST, Ordering::Relaxed);
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
