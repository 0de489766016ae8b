//! Whether the other side is still there.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// When something was last heard. Written by the reader at each read, looked at by one coarse timer.
#[derive(Debug)]
pub(super) struct LastHeard {
    start: Instant,
    heard_ms: AtomicU64,
    deaf: AtomicBool,
}

/// What to do about silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All is well.
    Fine,
    /// Ask.
    Ping,
    /// Give up.
    Close,
}

impl LastHeard {
    pub fn new() -> Self {
        let heard_ms = AtomicU64::new(0);
        LastHeard { start: Instant::now(), heard_ms, deaf: AtomicBool::new(false) }
    }

    /// Bytes have arrived.
    pub fn now(&self) {
        self.heard_ms.store(self.start.elapsed().as_millis() as u64, Relaxed);
    }

    /// This side stops reading for reasons of its own, until the result is dropped: no silence of the
    /// other side.
    pub fn deaf(&self) -> Deaf<'_> {
        self.deaf.store(true, Relaxed);
        Deaf(self)
    }

    pub fn verdict(&self, ping_after: Duration, close_after: Duration) -> Verdict {
        if self.deaf.load(Relaxed) {
            return Verdict::Fine;
        }
        let heard = Duration::from_millis(self.heard_ms.load(Relaxed));
        let silence = self.start.elapsed().saturating_sub(heard);
        match silence {
            _ if silence >= close_after => Verdict::Close,
            _ if silence >= ping_after => Verdict::Ping,
            _ => Verdict::Fine,
        }
    }
}

/// See [`LastHeard::deaf`].
pub(super) struct Deaf<'a>(&'a LastHeard);

impl Drop for Deaf<'_> {
    fn drop(&mut self) {
        self.0.now();
        self.0.deaf.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_asked_about_and_then_ends_the_link() {
        let heard = LastHeard::new();
        let (ping, close) = (Duration::from_secs(10), Duration::from_secs(30));
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(heard.verdict(ping, close));
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        assert_eq!(seen, [Verdict::Fine, Verdict::Ping, Verdict::Ping, Verdict::Close]);
        heard.now();
        assert_eq!(heard.verdict(ping, close), Verdict::Fine);
    }

    #[tokio::test(start_paused = true)]
    async fn not_listening_is_no_silence() {
        let heard = LastHeard::new();
        let deaf = heard.deaf();
        tokio::time::advance(Duration::from_secs(99)).await;
        let limit = Duration::from_secs(1);
        assert_eq!(heard.verdict(limit, limit), Verdict::Fine);
        drop(deaf);
        assert_eq!(heard.verdict(limit, limit), Verdict::Fine);
    }
}
