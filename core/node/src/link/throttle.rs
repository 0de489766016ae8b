//! A cap on a rate, shared fairly by everybody who asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use samara_model::BytesPerSecond;
use tokio::time::Instant;

/// Pieces below this cost more than they smooth.
const MIN_PIECE: u64 = 16 << 10;
const MAX_PIECE: u64 = 256 << 10;

/// A token bucket kept as a schedule (GCRA): the moment at which all bytes granted so far would be
/// through at the capped rate. Who asks first is served first; each asks for one piece at a time, so
/// links take turns. A burst of 10 ms of the rate, at least one piece, hides the timer's granularity, and keeps
/// every second within two per cent of the cap from 16 Mbit/s on.
#[derive(Debug)]
pub struct Throttle {
    /// Bytes per second; zero is no cap.
    rate: AtomicU64,
    through: Mutex<Option<Instant>>,
}

impl Throttle {
    /// A cap of `rate`; `None` never waits.
    pub fn new(rate: Option<BytesPerSecond>) -> Self {
        Throttle { rate: AtomicU64::new(written(rate)), through: Mutex::new(None) }
    }

    /// Another cap from now on.
    pub fn set_rate(&self, rate: Option<BytesPerSecond>) {
        self.rate.store(written(rate), Ordering::Relaxed);
        // What was granted at the old rate is not paid for at the new one.
        *self.through.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The cap.
    pub fn rate(&self) -> Option<BytesPerSecond> {
        let rate = self.rate.load(Ordering::Relaxed);
        (rate > 0).then_some(BytesPerSecond(rate))
    }

    /// Bytes to ask for at once, when there is a cap: about a millisecond of it, the timer's granularity,
    /// so that those who wait get as much as those who do not have to; at least 16 KiB.
    pub fn piece(&self) -> Option<usize> {
        let wanted = (self.rate()?.0 / 1000).clamp(MIN_PIECE, MAX_PIECE);
        Some(wanted.next_power_of_two() as usize)
    }

    /// Waits until `bytes` may pass. Bytes that were granted are gone, also when the caller gives up
    /// waiting.
    pub async fn take(&self, bytes: usize) {
        if let Some(until) = self.reserve(bytes, Instant::now()) {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Grants `bytes` and says until when to wait, if at all.
    pub(super) fn reserve(&self, bytes: usize, now: Instant) -> Option<Instant> {
        let rate = self.rate()?;
        let (cost, burst) = (time_for(bytes as u64, rate), time_for(burst_of(rate), rate));
        let mut through = self.through.lock().unwrap_or_else(PoisonError::into_inner);
        let start = through.map_or(now, |through| through.max(now));
        let end = start + cost;
        *through = Some(end);
        let until = end.checked_sub(burst)?;
        (until > now).then_some(until)
    }
}

fn written(rate: Option<BytesPerSecond>) -> u64 {
    rate.map_or(0, |rate| rate.0.max(1))
}

fn burst_of(rate: BytesPerSecond) -> u64 {
    (rate.0 / 100).max(MIN_PIECE)
}

/// In nanoseconds: whole microseconds would add up to half a thousandth at 1 Gbit/s.
fn time_for(bytes: u64, rate: BytesPerSecond) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.0.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Many takers for ten seconds of a paused clock: how much each got.
    async fn share(throttle: Throttle, takers: usize) -> Vec<u64> {
        let piece = throttle.piece().expect("it is capped");
        let throttle = Arc::new(throttle);
        let end = Instant::now() + Duration::from_secs(10);
        let takers = (0..takers).map(|_| {
            let throttle = throttle.clone();
            tokio::spawn(async move {
                let mut taken = 0;
                while Instant::now() < end {
                    throttle.take(piece).await;
                    taken += piece as u64;
                }
                taken
            })
        });
        let takers: Vec<_> = takers.collect();
        let mut shares = Vec::new();
        for taker in takers {
            shares.push(taker.await.expect("takers do not panic"));
        }
        shares
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_kept_and_shared_evenly() {
        for rate in [100_000u64, 6_250_000, 125_000_000] {
            let throttle = Throttle::new(Some(BytesPerSecond(rate)));
            let piece = throttle.piece().expect("it is capped") as u64;
            let shares = share(throttle, 4).await;
            let total: u64 = shares.iter().sum();
            let nominal = 10 * rate;
            let slack = burst_of(BytesPerSecond(rate)) + 5 * piece;
            assert!(total <= nominal + slack, "{rate}: {total}");
            assert!(total >= nominal - nominal / 100, "{rate}: {total}");
            let spread = shares.iter().max().zip(shares.iter().min());
            let (most, least) = spread.expect("four takers");
            // The first to come may take the whole burst.
            let burst = burst_of(BytesPerSecond(rate));
            assert!(most - least <= burst + 2 * piece, "{rate}: {shares:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_than_two_per_cent_beyond_the_cap() {
        for rate in [2_000_000u64, 12_500_000, 125_000_000] {
            let throttle = Throttle::new(Some(BytesPerSecond(rate)));
            let piece = throttle.piece().expect("it is capped");
            let start = Instant::now();
            let mut passed: Vec<(Duration, u64)> = Vec::new();
            while start.elapsed() < Duration::from_secs(5) {
                throttle.take(piece).await;
                passed.push((start.elapsed(), piece as u64));
                // Whoever has nothing to send for a while must not get it back at once.
                if passed.len() == 50 {
                    tokio::time::sleep(Duration::from_millis(700)).await;
                }
            }
            for (at, _) in &passed {
                let end = *at + Duration::from_secs(1);
                let within = passed.iter().filter(|(when, _)| *when >= *at && *when < end);
                let bytes: u64 = within.map(|(_, bytes)| bytes).sum();
                assert!(bytes <= rate + rate / 50, "{bytes} in the second after {at:?} at {rate}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_cap_holds_at_once() {
        let throttle = Throttle::new(Some(BytesPerSecond(1000)));
        throttle.take(1 << 20).await;
        throttle.set_rate(Some(BytesPerSecond(10_000_000)));
        let before = Instant::now();
        throttle.take(10_000_000).await;
        assert!(before.elapsed() < Duration::from_millis(1100));
        throttle.set_rate(None);
        throttle.take(usize::MAX).await;
        assert!(before.elapsed() < Duration::from_millis(1100));
    }

    #[tokio::test(start_paused = true)]
    async fn no_cap_never_waits() {
        let before = Instant::now();
        Throttle::new(None).take(usize::MAX).await;
        assert_eq!(Instant::now(), before);
    }
}
