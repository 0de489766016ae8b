//! How long things take here: recent durations, their quantiles and means.

use core::time::Duration;

use samara_policy::Times;

/// Durations that are remembered.
const KEPT: usize = 32;

/// The running mean alone, where there is one for each neighbour.
#[derive(Debug, Clone, Copy, Default)]
pub struct MeanPace(Option<u32>);

impl MeanPace {
    /// Remembers a duration.
    pub fn record(&mut self, took: Duration) {
        let micros = micros(took);
        let weighed = |mean| (u64::from(mean) * 7 + u64::from(micros)) / 8;
        // No mean exceeds the greatest of what it is of.
        self.0 = Some(self.0.map_or(micros, |mean| weighed(mean) as u32));
    }

    /// Running mean in microseconds; 0 before the first.
    pub fn mean_us(&self) -> u64 {
        self.0.map_or(0, u64::from)
    }

    /// Running mean, when anything was recorded.
    pub fn mean(&self) -> Option<Duration> {
        self.0.map(|micros| Duration::from_micros(u64::from(micros)))
    }
}

/// The last few durations of one kind of event.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    recent: [u32; KEPT],
    count: usize,
    mean: MeanPace,
    usual_us: Option<u32>,
    /// Sorted out when they are asked for; void after the next record.
    times: Option<Times>,
}

impl Pace {
    /// Remembers a duration.
    pub fn record(&mut self, took: Duration) {
        self.recent[self.count % KEPT] = micros(took);
        self.mean.record(took);
        self.count += 1;
        self.usual_us = self.low_quantile();
        self.times = None;
    }

    /// Running mean in microseconds; 0 before the first.
    pub fn mean_us(&self) -> u64 {
        self.mean.mean_us()
    }

    /// Running mean, when anything was recorded.
    pub fn mean(&self) -> Option<Duration> {
        self.mean.mean()
    }

    /// The 30 % quantile of the last 32, once there are at least eight. Low on purpose: it is the time of
    /// an undisturbed transfer, also when many are slow.
    pub fn usual(&self) -> Option<Duration> {
        self.usual_us.map(|micros| Duration::from_micros(u64::from(micros)))
    }

    /// Quantiles of the last 32; zeros before the first, and `p30_us` until [`Pace::usual`] is known.
    pub fn times(&mut self) -> Times {
        if let Some(times) = self.times {
            return times;
        }
        let times = self.sort_times();
        self.times = Some(times);
        times
    }

    fn sort_times(&self) -> Times {
        let known = self.count.min(KEPT);
        if known == 0 {
            return Times::default();
        }
        let mut sorted = self.recent;
        let sorted = &mut sorted[..known];
        sorted.sort_unstable();
        let at = |percent: usize| u64::from(sorted[(known * percent / 100).min(known - 1)]);
        Times {
            p30_us: self.usual_us.map_or(0, u64::from),
            p50_us: at(50),
            p90_us: at(90),
            p99_us: at(99),
        }
    }

    fn low_quantile(&self) -> Option<u32> {
        let known = self.count.min(KEPT);
        if known < 8 {
            return None;
        }
        let mut recent = self.recent;
        let (_, low, _) = recent[..known].select_nth_unstable(known * 3 / 10);
        Some(*low)
    }
}

fn micros(took: Duration) -> u32 {
    u32::try_from(took.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_time_is_not_moved_by_slow_transfers() {
        let mut pace = Pace::default();
        assert_eq!(pace.usual(), None);
        for index in 0..32 {
            pace.record(Duration::from_millis(if index % 2 == 0 { 10 } else { 1000 }));
        }
        assert_eq!(pace.usual(), Some(Duration::from_millis(10)));
        assert!(pace.mean_us() > 100_000);
        let times = pace.times();
        assert_eq!((times.p30_us, times.p50_us, times.p90_us), (10_000, 1_000_000, 1_000_000));
        (0..32).for_each(|_| pace.record(Duration::from_millis(5)));
        assert_eq!(pace.times().p99_us, 5_000, "remembered quantiles are void after a record");
    }
}
