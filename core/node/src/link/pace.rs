//! How fast a link sends: from that, how large its pieces are and when to look for acknowledgements.

use std::time::Duration;

use samara_model::{ByteCount, BytesPerSecond};
use tokio::time::Instant;

/// A piece takes about this long, so that a control message waits no longer.
const PIECE_MS: u64 = 10;
/// A link without a cap never sends less at once: each piece costs both ends a few calls and a wake-up,
/// and on a slow link the bytes wait in the system's queue anyway, in front of any message.
const UNCAPPED_PIECE: usize = 64 << 10;
const MIN_PIECE: usize = 16 << 10;
const MAX_PIECE: usize = samara_wire::MAX_PIECE as usize;
/// Shortest span over which a rate is measured.
const SAMPLE: Duration = Duration::from_millis(10);
/// While acknowledgements are missing, look for them after this share of the time that they should take:
/// links share a cable, and one that was slow a moment ago may have it to itself now. Half the remaining
/// way at each look still means only a few looks per chunk.
const POLL_SHARE: u32 = 2;
/// Never look more often than this, which is the timer's granularity, or less often.
const MIN_POLL: Duration = Duration::from_millis(1);
const MAX_POLL: Duration = Duration::from_millis(10);

/// Positions in the stream of written bytes, and the rate at which the acknowledged one moves.
#[derive(Debug)]
pub(super) struct Pace {
    written: u64,
    acked: u64,
    rate: Option<BytesPerSecond>,
    /// Where and when the current sample began; `None` while nothing is under way.
    sample: Option<(u64, Instant)>,
    largest_piece: usize,
}

impl Pace {
    /// Pieces are never larger than `largest_piece`, when there is one: links take turns.
    pub fn new(largest_piece: Option<usize>) -> Self {
        let largest_piece = largest_piece.unwrap_or(MAX_PIECE).clamp(MIN_PIECE, MAX_PIECE);
        Pace { written: 0, acked: 0, rate: None, sample: None, largest_piece }
    }

    /// Position behind the last written byte.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Bytes before this position were acknowledged, as far as is known.
    pub fn acked(&self) -> u64 {
        self.acked
    }

    /// Takes note of written bytes.
    pub fn wrote(&mut self, bytes: usize, now: Instant) {
        if self.sample.is_none() {
            self.sample = Some((self.acked, now));
        }
        self.written += bytes as u64;
    }

    /// Takes note of the length of the out-queue.
    pub fn observe(&mut self, unacknowledged: usize, now: Instant) {
        self.acked = self.acked.max(self.written.saturating_sub(unacknowledged as u64));
        let Some((from, since)) = self.sample else { return };
        let span = now.saturating_duration_since(since);
        if span >= SAMPLE {
            self.sample_rate(self.acked - from, span);
            self.sample = Some((self.acked, now));
        }
        if self.acked == self.written {
            self.sample = None;
        }
    }

    fn sample_rate(&mut self, bytes: u64, span: Duration) {
        let sample = u128::from(bytes) * 1_000_000 / span.as_micros().max(1);
        let sample = u64::try_from(sample).unwrap_or(u64::MAX / 8);
        let old = self.rate.map_or(sample, |rate| rate.0);
        self.rate = Some(BytesPerSecond(old / 2 + sample / 2));
    }

    /// Bytes of the next piece, at most.
    pub fn piece(&self) -> usize {
        let wanted = self.rate.map_or(UNCAPPED_PIECE, |rate| (rate.0 * PIECE_MS / 1000) as usize);
        let power = (wanted + 1).next_power_of_two() / 2;
        power.clamp(UNCAPPED_PIECE.min(self.largest_piece), self.largest_piece)
    }

    /// Bytes that are acknowledged within this time at the present rate; 0 while that is unknown.
    pub fn bytes_in(&self, time: Duration) -> u64 {
        self.rate.map_or(0, |rate| (u128::from(rate.0) * time.as_micros() / 1_000_000) as u64)
    }

    /// When to look again whether `position` is acknowledged.
    pub fn next_look(&self, position: u64) -> Duration {
        let excess = ByteCount(position.saturating_sub(self.acked));
        let guess = self.rate.map_or(MIN_POLL, |rate| rate.time_for(excess));
        (guess / POLL_SHARE).clamp(MIN_POLL, MAX_POLL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link that drains at `rate` for half a second.
    fn after_half_a_second_at(rate: usize) -> Pace {
        let mut pace = Pace::new(None);
        let start = Instant::now();
        for ms in 0..500 {
            let now = start + Duration::from_millis(ms);
            pace.wrote(rate / 1000, now);
            pace.observe(rate / 100, now);
        }
        pace
    }

    #[test]
    fn pieces_follow_the_rate() {
        assert_eq!(Pace::new(None).piece(), 64 << 10);
        assert_eq!(after_half_a_second_at(100_000).piece(), 64 << 10);
        assert_eq!(after_half_a_second_at(6_250_000).piece(), 64 << 10);
        assert_eq!(after_half_a_second_at(25_000_000).piece(), 128 << 10);
        assert_eq!(after_half_a_second_at(1_500_000_000).piece(), 1 << 20);
        assert_eq!(Pace::new(Some(1 << 14)).piece(), 16 << 10);
    }

    #[test]
    fn the_next_look_is_halfway() {
        let pace = after_half_a_second_at(6_250_000);
        let until = pace.next_look(pace.acked() + 62_500);
        assert!((4..=6).contains(&until.as_millis()), "{until:?}");
        assert_eq!(pace.next_look(pace.acked()), MIN_POLL);
        assert_eq!(pace.next_look(u64::MAX), MAX_POLL);
    }
}
