//! Bytes per second, lately.

use core::time::Duration;

use samara_model::Time;

const BUCKET: Duration = Duration::from_secs(1);

/// Counts what passes; two buckets of a second each stand for a sliding second.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rate {
    since: Time,
    current: u64,
    previous: u64,
}

impl Rate {
    /// So much passed now.
    pub fn record(&mut self, now: Time, bytes: u32) {
        self.turn(now);
        self.current = self.current.saturating_add(u64::from(bytes));
    }

    /// Bytes of the last second: all of the bucket that runs, and of the one before the share that is not
    /// older than a second.
    pub fn per_second(&self, now: Time) -> u64 {
        let mut rate = *self;
        rate.turn(now);
        let age = now.since(rate.since).as_micros() as u64;
        let left = (BUCKET.as_micros() as u64).saturating_sub(age);
        rate.current + (rate.previous / 1000).saturating_mul(left) / 1000
    }

    fn turn(&mut self, now: Time) {
        let age = now.since(self.since);
        if age < BUCKET {
            return;
        }
        self.previous = if age < 2 * BUCKET { self.current } else { 0 };
        self.current = 0;
        self.since = if age < 2 * BUCKET { self.since + BUCKET } else { now };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_flow_is_measured_and_a_dry_one_forgotten() {
        let mut rate = Rate::default();
        let mut now = Time(5_000_000);
        for _ in 0..400 {
            now = now + Duration::from_millis(10);
            rate.record(now, 1000);
        }
        let measured = rate.per_second(now);
        assert!((95_000..=105_000).contains(&measured), "{measured}");
        let half = rate.per_second(now + Duration::from_millis(500));
        assert!(half < measured * 3 / 4, "{half} of {measured}");
        assert_eq!(rate.per_second(now + Duration::from_secs(3)), 0);
    }
}
