//! The node's clock: the engine's [`Time`] counts from the node's start.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use samara_model::Time;

/// Monotonic; a change of the machine's wall clock does not move it.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts at zero.
    pub fn start() -> Self {
        Clock { start: Instant::now() }
    }

    /// Now.
    pub fn now(&self) -> Time {
        Time(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

/// Seconds since the Unix epoch by the wall clock, for people; 0 when it stands before.
pub fn unix_seconds() -> u64 {
    unix_millis() / 1000
}

/// Milliseconds since the Unix epoch; 0 when the clock stands before. It may jump: nothing may depend on the
/// difference of two.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
