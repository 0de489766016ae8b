//! How fast a content came, and when something last happened to it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use samara_model::BytesPerSecond;

/// The shortest time over which a rate says something of the line.
const SECOND: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub struct Speed {
    created: Instant,
    /// Milliseconds from `created` to the last news.
    news: AtomicU64,
    second: Mutex<(Instant, u64)>,
    fastest: AtomicU64,
    /// Milliseconds of whole seconds of the transfer in which nothing came.
    idle: AtomicU64,
}

impl Speed {
    /// Nothing came yet.
    pub fn new() -> Self {
        let created = Instant::now();
        let [news, fastest, idle] = [const { AtomicU64::new(0) }; 3];
        Speed { created, news, second: Mutex::new((created, 0)), fastest, idle }
    }

    /// Time since the content was first wanted here.
    pub fn age(&self) -> Duration {
        self.created.elapsed()
    }

    /// A chunk came, or its state changed.
    pub fn news(&self) {
        let now = u64::try_from(self.age().as_millis()).unwrap_or(u64::MAX);
        self.news.fetch_max(now, Ordering::Relaxed);
    }

    /// For how long there have been no news.
    pub fn silent_for(&self) -> Duration {
        let news = Duration::from_millis(self.news.load(Ordering::Relaxed));
        self.age().saturating_sub(news)
    }

    /// Looks how much has come in all; to be called a few times a second. `wanted`: chunks should come.
    pub fn look(&self, received: u64, wanted: bool, now: Instant) {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let span = now.duration_since(second.0);
        if span >= SECOND {
            let bytes = received.saturating_sub(second.1) as f64;
            if wanted && received == second.1 {
                self.idle.fetch_add(span.as_millis() as u64, Ordering::Relaxed);
            }
            self.fastest.fetch_max((bytes / span.as_secs_f64()) as u64, Ordering::Relaxed);
            *second = (now, received);
        }
    }

    /// How long chunks should have come and none did, in whole seconds.
    pub fn idle(&self) -> Duration {
        Duration::from_millis(self.idle.load(Ordering::Relaxed))
    }

    /// The rate of the fastest second; `None` before a whole one.
    pub fn fastest(&self) -> Option<BytesPerSecond> {
        let fastest = self.fastest.load(Ordering::Relaxed);
        (fastest > 0).then_some(BytesPerSecond(fastest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_second_counts() {
        let speed = Speed::new();
        let at = |ms| speed.created + Duration::from_millis(ms);
        speed.look(500, true, at(500));
        assert_eq!(speed.fastest(), None);
        speed.look(1000, true, at(1000));
        speed.look(1000, true, at(1500));
        speed.look(9000, true, at(3000));
        speed.look(9001, true, at(4100));
        assert_eq!(speed.fastest(), Some(BytesPerSecond(4000)));
        assert_eq!(speed.idle(), Duration::ZERO);
        speed.look(9001, true, at(5200));
        speed.look(9001, false, at(9000));
        assert_eq!(speed.idle(), Duration::from_millis(1100));
    }
}
