//! Times of calls, as a histogram of fixed size.

use std::time::Duration;

/// Four buckets for each doubling, from 1 us to more than an hour.
const BUCKETS: usize = 128;

/// Counts of durations; what it says is at most a fifth too high.
#[derive(Debug, Clone)]
pub struct Durations {
    counts: [u64; BUCKETS],
    total: u64,
    longest: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        Durations { counts: [0; BUCKETS], total: 0, longest: Duration::ZERO }
    }
}

impl Durations {
    /// Counts one.
    pub fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket_of(micros)] += 1;
        self.total += 1;
        self.longest = self.longest.max(took);
    }

    /// The upper edge of the bucket in which this share lies, in microseconds; 0 before the first.
    pub fn quantile_us(&self, thousandths: u64) -> u64 {
        let wanted = (self.total * thousandths).div_ceil(1000).max(1);
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                let longest = u64::try_from(self.longest.as_micros()).unwrap_or(u64::MAX);
                return upper_edge(at).min(longest);
            }
        }
        0
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        self.longest
    }
}

fn bucket_of(micros: u64) -> usize {
    if micros < 4 {
        return micros as usize;
    }
    let doublings = 63 - micros.leading_zeros() as usize;
    let quarter = (micros >> (doublings - 2)) as usize & 3;
    (doublings * 4 + quarter - 4).min(BUCKETS - 1)
}

fn upper_edge(bucket: usize) -> u64 {
    if bucket < 4 {
        return bucket as u64;
    }
    let (doublings, quarter) = ((bucket + 4) / 4, (bucket + 4) % 4);
    (((4 + quarter as u64 + 1) << (doublings - 2)) - 1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_are_near_what_was_recorded() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile_us(500), 0);
        (1..=1000).for_each(|n| durations.record(Duration::from_micros(n)));
        let median = durations.quantile_us(500);
        assert!((500..=600).contains(&median), "{median}");
        let high = durations.quantile_us(990);
        assert!((990..=1000).contains(&high), "{high}");
        assert_eq!(durations.longest(), Duration::from_millis(1));
    }

    proptest! {
        #[test]
        fn a_duration_lies_below_the_edge_of_its_bucket_and_near_it(micros in 0u64..1 << 31) {
            let edge = upper_edge(bucket_of(micros));
            prop_assert!(edge >= micros);
            prop_assert!(edge <= micros + micros / 4 + 1);
            prop_assert!(bucket_of(micros) <= bucket_of(micros + 1));
        }
    }
}
