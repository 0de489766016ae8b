//! Fewer wake-ups on a busy small machine: like a network card's interrupt coalescing.
//!
//! On slow links something small happens about once a millisecond: a message, a part of a chunk, a timer.
//! Waking up for each costs far more than handling it. So when the thread is about to sleep again within a
//! moment of the last time, it first naps, and finds several things to do when it looks. A link that is fast
//! enough to fill the sockets' buffers within a nap is never kept waiting, and neither is the first event
//! after a silence.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::link::{Counters, Naps};

/// A nap lasts as long as this many bytes take each way at the present rate: a chunk at the rates at which
/// it matters, and far less than what the sockets' buffers hold.
const NAP_BYTES: u64 = 32 << 10;
/// Naps are no shorter and no longer. Longer ones cost more in late answers than they save.
const NAP_US: (u64, u64) = (1_000, 10_000);
/// Sleeping again within this time counts as busy.
const BUSY: Duration = Duration::from_millis(1);
/// The rate is looked at this often.
const WINDOW: Duration = Duration::from_millis(50);
/// Above this rate, in bytes per second of payload both ways, nobody naps: a socket's buffer of a few
/// hundred KiB must not fill up meanwhile.
const FAST: u64 = 40 << 20;

/// Decides about naps; called by the runtime before it sleeps.
pub struct Coalescer {
    start: Instant,
    /// Not the links themselves: they hold the node, which holds the runtime that holds this, and what
    /// keeps itself alive keeps its data directory locked.
    watched: OnceLock<(Arc<Counters>, Arc<Naps>)>,
    last_sleep_us: AtomicU64,
    window_start_us: AtomicU64,
    window_bytes: AtomicU64,
    /// How long a nap is now, in microseconds; none when 0.
    nap_us: AtomicU64,
}

impl Coalescer {
    /// Without anything to watch there are no naps.
    pub fn new() -> Self {
        Coalescer {
            start: Instant::now(),
            watched: OnceLock::new(),
            last_sleep_us: AtomicU64::new(0),
            window_start_us: AtomicU64::new(0),
            window_bytes: AtomicU64::new(0),
            nap_us: AtomicU64::new(NAP_US.0),
        }
    }

    /// From now on the rate of the node's links is watched, and they are told how long the naps are.
    pub fn watch(&self, counters: Arc<Counters>, naps: Arc<Naps>) {
        let _ = self.watched.set((counters, naps));
    }

    /// The thread has nothing to do at this moment.
    pub fn before_sleep(&self) {
        let now = self.now_us();
        let last = self.last_sleep_us.swap(now, Ordering::Relaxed);
        let Some((counters, naps)) = self.watched.get() else { return };
        self.measure(counters, naps, now);
        let busy = now.saturating_sub(last) < BUSY.as_micros() as u64;
        let nap = self.nap_us.load(Ordering::Relaxed);
        if busy && nap > 0 {
            std::thread::sleep(Duration::from_micros(nap));
            self.last_sleep_us.store(self.now_us(), Ordering::Relaxed);
        }
    }

    fn measure(&self, counters: &Counters, naps: &Naps, now: u64) {
        let span = now.saturating_sub(self.window_start_us.load(Ordering::Relaxed));
        if span < WINDOW.as_micros() as u64 {
            return;
        }
        let traffic = counters.read();
        let bytes = traffic.payload_received + traffic.payload_sent;
        let moved = bytes.saturating_sub(self.window_bytes.swap(bytes, Ordering::Relaxed));
        self.window_start_us.store(now, Ordering::Relaxed);
        let nap = nap_at(moved.saturating_mul(1_000_000) / span);
        self.nap_us.store(nap, Ordering::Relaxed);
        naps.are_long(nap == NAP_US.1);
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// How long to nap, in microseconds, at a rate in bytes per second both ways.
fn nap_at(rate: u64) -> u64 {
    match rate {
        // A node that moves nothing is waiting for answers: they are what decides how soon it begins.
        0 => NAP_US.0,
        rate if rate > FAST => 0,
        rate => (2 * NAP_BYTES * 1_000_000 / rate).clamp(NAP_US.0, NAP_US.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naps_are_long_on_slow_links_and_end_on_fast_ones() {
        assert_eq!(nap_at(0), 1_000);
        assert_eq!(nap_at(1_000), 10_000);
        assert_eq!(nap_at(12_500_000), 5_242);
        assert_eq!(nap_at(FAST), 1_562);
        assert_eq!(nap_at(FAST + 1), 0);
    }
}
