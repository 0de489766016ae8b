//! Bytes per second over the last few seconds, from readings of counters.

use std::collections::VecDeque;
use std::time::Duration;

use samara_model::Time;

/// Long enough to be calm, short enough to show a stall.
const SPAN: Duration = Duration::from_secs(3);

/// Readings of two counters: what came, what went.
#[derive(Debug, Default)]
pub struct Rates(VecDeque<(Time, u64, u64)>);

impl Rates {
    /// Takes a reading.
    pub fn note(&mut self, now: Time, received: u64, sent: u64) {
        while self.0.len() > 1 && self.0.front().is_some_and(|(at, ..)| now.since(*at) > SPAN) {
            self.0.pop_front();
        }
        self.0.push_back((now, received, sent));
    }

    /// What came and went per second between the first and the last reading that count.
    pub fn per_second(&self) -> (u64, u64) {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else { return (0, 0) };
        let micros = last.0.since(first.0).as_micros() as u64;
        let rate = |before: u64, after: u64| {
            let bytes = u128::from(after.saturating_sub(before)) * 1_000_000;
            u64::try_from(bytes / u128::from(micros.max(1))).unwrap_or(u64::MAX)
        };
        if micros == 0 { (0, 0) } else { (rate(first.1, last.1), rate(first.2, last.2)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_seconds() {
        let mut rates = Rates::default();
        assert_eq!(rates.per_second(), (0, 0));
        for second in 0..20u64 {
            let came = if second < 10 { 0 } else { (second - 10) * 1000 };
            rates.note(Time(second * 1_000_000), came, 500 * second);
        }
        assert_eq!(rates.per_second(), (1000, 500));
    }
}
