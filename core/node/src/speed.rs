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
}

impl Speed {
    /// Nothing came yet.
    pub fn new() -> Self {
        let created = Instant::now();
        let (news, fastest) = (AtomicU64::new(0), AtomicU64::new(0));
        Speed { created, news, second: Mutex::new((created, 0)), fastest }
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

    /// Looks how much has come in all; to be called a few times a second.
    pub fn look(&self, received: u64, now: Instant) {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let span = now.duration_since(second.0);
        if span >= SECOND {
            let bytes = received.saturating_sub(second.1) as f64;
            self.fastest.fetch_max((bytes / span.as_secs_f64()) as u64, Ordering::Relaxed);
            *second = (now, received);
        }
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
        speed.look(500, at(500));
        assert_eq!(speed.fastest(), None);
        speed.look(1000, at(1000));
        speed.look(1000, at(1500));
        speed.look(9000, at(3000));
        speed.look(9001, at(4100));
        assert_eq!(speed.fastest(), Some(BytesPerSecond(4000)));
    }
}
