//! When a policy that fails is not asked for a while, and when it is not asked any more.
//!
//! A state machine without a clock: closed (asked), open (left alone), half open (asked one question at a
//! time to see), quarantined (never asked again, until somebody activates it anew).

use std::time::Duration;

use samara_model::Time;

/// Outcomes that the window remembers.
const WINDOW: u32 = 128;
/// A probe that nothing came of is forgotten after this time.
const PROBE_LOST: Duration = Duration::from_secs(1);

/// How much a policy may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// It is left alone after so many failures in a row. Default 5.
    pub consecutive: u32,
    /// It is left alone when so many of its last 128 answers failed. Default 32.
    pub of_window: u32,
    /// For how long at first; twice as long each time. Default 1 s.
    pub pause: Duration,
    /// For how long at most. Default 60 s.
    pub longest_pause: Duration,
    /// Good answers in a row, one question at a time, after which it is trusted again. Default 3.
    pub probes: u32,
    /// Pauses without [`BreakerConfig::healthy_after`] in between, after which it is not asked any more.
    /// Default 6: half a minute of nothing but failures.
    pub strikes: u32,
    /// Good answers in a row after which its pauses are forgotten. Default 1,000.
    pub healthy_after: u32,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        BreakerConfig {
            consecutive: 5,
            of_window: 32,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            probes: 3,
            strikes: 6,
            healthy_after: 1000,
        }
    }
}

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The policy.
    Ask,
    /// The built-in one: the policy is left alone.
    BuiltIn,
}

/// Something that a person should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It failed too often and is left alone for this long.
    Opened(Duration),
    /// It is trusted again.
    Closed,
    /// It is not asked any more.
    Quarantined,
}

/// What the breaker thinks, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It is asked.
    Closed,
    /// It is left alone.
    Open,
    /// It is asked one question at a time.
    HalfOpen,
    /// It is not asked any more.
    Quarantined,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Time },
    HalfOpen { asked: Option<Time>, good: u32 },
    Quarantined,
}

/// One policy's breaker.
#[derive(Debug, Clone)]
pub struct Breaker {
    config: BreakerConfig,
    state: State,
    /// One bit per answer, the latest lowest; set when it failed.
    window: u128,
    failures_in_a_row: u32,
    good_in_a_row: u32,
    strikes: u32,
}

impl Breaker {
    /// A policy of which nothing bad is known.
    pub fn new(config: BreakerConfig) -> Self {
        Breaker {
            config,
            state: State::Closed,
            window: 0,
            failures_in_a_row: 0,
            good_in_a_row: 0,
            strikes: 0,
        }
    }

    /// Whom to ask now. `Ask` must be followed by [`Breaker::succeeded`] or [`Breaker::failed`]; a probe of
    /// which nothing is heard counts as lost after a second.
    pub fn verdict(&mut self, now: Time) -> Verdict {
        match self.state {
            State::Closed => Verdict::Ask,
            State::Quarantined => Verdict::BuiltIn,
            State::Open { until } if now < until => Verdict::BuiltIn,
            State::Open { .. } => {
                self.state = State::HalfOpen { asked: Some(now), good: 0 };
                Verdict::Ask
            }
            State::HalfOpen { asked: Some(at), .. } if now.since(at) < PROBE_LOST => {
                Verdict::BuiltIn
            }
            State::HalfOpen { good, .. } => {
                self.state = State::HalfOpen { asked: Some(now), good };
                Verdict::Ask
            }
        }
    }

    /// It answered in time.
    pub fn succeeded(&mut self) -> Option<Change> {
        self.window <<= 1;
        self.failures_in_a_row = 0;
        self.good_in_a_row = self.good_in_a_row.saturating_add(1);
        if self.good_in_a_row >= self.config.healthy_after {
            self.strikes = 0;
        }
        let State::HalfOpen { good, .. } = self.state else { return None };
        if good + 1 < self.config.probes {
            self.state = State::HalfOpen { asked: None, good: good + 1 };
            return None;
        }
        self.state = State::Closed;
        self.window = 0;
        Some(Change::Closed)
    }

    /// It failed, or was late.
    pub fn failed(&mut self, now: Time) -> Option<Change> {
        self.window = self.window << 1 | 1;
        self.failures_in_a_row += 1;
        self.good_in_a_row = 0;
        let too_many = self.failures_in_a_row >= self.config.consecutive
            || self.window.count_ones() >= self.config.of_window.min(WINDOW);
        match self.state {
            State::Closed if too_many => Some(self.open(now)),
            State::HalfOpen { .. } => Some(self.open(now)),
            // Of questions that were asked before it was opened.
            State::Closed | State::Open { .. } | State::Quarantined => None,
        }
    }

    fn open(&mut self, now: Time) -> Change {
        self.strikes += 1;
        if self.strikes >= self.config.strikes {
            self.state = State::Quarantined;
            return Change::Quarantined;
        }
        let doubled = self.config.pause.saturating_mul(1 << (self.strikes - 1).min(16));
        let pause = doubled.min(self.config.longest_pause);
        self.state = State::Open { until: now + pause };
        self.window = 0;
        self.failures_in_a_row = 0;
        Change::Opened(pause)
    }

    /// What it thinks.
    pub fn condition(&self) -> Condition {
        match self.state {
            State::Closed => Condition::Closed,
            State::Open { .. } => Condition::Open,
            State::HalfOpen { .. } => Condition::HalfOpen,
            State::Quarantined => Condition::Quarantined,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Time = Time(1_000_000);

    fn at(millis: u64) -> Time {
        START + Duration::from_millis(millis)
    }

    fn fail_until_open(breaker: &mut Breaker, now: Time) -> Change {
        (0..WINDOW).find_map(|_| breaker.failed(now)).expect("it opens")
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_four_do_not() {
        let mut breaker = Breaker::new(BreakerConfig::default());
        for _ in 0..20 {
            for _ in 0..4 {
                assert_eq!(breaker.failed(START), None);
            }
            (0..100).for_each(|_| assert_eq!(breaker.succeeded(), None));
        }
        assert_eq!(fail_until_open(&mut breaker, START), Change::Opened(Duration::from_secs(1)));
        assert_eq!(breaker.verdict(at(999)), Verdict::BuiltIn);
        assert_eq!(breaker.condition(), Condition::Open);
    }

    #[test]
    fn every_third_failing_opens_it_although_never_two_in_a_row_do() {
        let mut breaker = Breaker::new(BreakerConfig::default());
        let opened = (0..300).find_map(|n| match n % 3 {
            0 => breaker.failed(START),
            _ => breaker.succeeded(),
        });
        assert_eq!(opened, Some(Change::Opened(Duration::from_secs(1))));
    }

    #[test]
    fn after_the_pause_one_question_at_a_time_decides() {
        let mut breaker = Breaker::new(BreakerConfig::default());
        fail_until_open(&mut breaker, START);
        assert_eq!(breaker.verdict(at(1000)), Verdict::Ask);
        assert_eq!(breaker.verdict(at(1001)), Verdict::BuiltIn, "the probe is under way");
        assert_eq!(breaker.succeeded(), None);
        assert_eq!(breaker.verdict(at(1002)), Verdict::Ask);
        assert_eq!(breaker.verdict(at(2500)), Verdict::Ask, "the probe was lost");
        assert_eq!(breaker.succeeded(), None);
        assert_eq!(breaker.verdict(at(2501)), Verdict::Ask);
        assert_eq!(breaker.succeeded(), Some(Change::Closed));
        assert_eq!(breaker.condition(), Condition::Closed);
        assert_eq!(breaker.failed(at(2502)), None, "one failure is none");
    }

    #[test]
    fn a_failed_probe_doubles_the_pause_and_the_sixth_strike_is_the_last() {
        let mut breaker = Breaker::new(BreakerConfig::default());
        let mut now = START;
        let mut pauses = vec![];
        let mut change = fail_until_open(&mut breaker, now);
        while let Change::Opened(pause) = change {
            pauses.push(pause.as_secs());
            now = now + pause;
            assert_eq!(breaker.verdict(now), Verdict::Ask);
            change = breaker.failed(now).expect("a failed probe opens it again");
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16]);
        assert_eq!(change, Change::Quarantined);
        assert_eq!(breaker.verdict(now + Duration::from_secs(86_400)), Verdict::BuiltIn);
        assert_eq!(breaker.succeeded(), None, "late answers change nothing");
        assert_eq!(breaker.condition(), Condition::Quarantined);
    }

    #[test]
    fn strikes_are_forgotten_after_a_thousand_good_answers() {
        let mut breaker = Breaker::new(BreakerConfig::default());
        for _ in 0..20 {
            let change = fail_until_open(&mut breaker, START);
            assert_eq!(change, Change::Opened(Duration::from_secs(1)));
            breaker.verdict(at(2000));
            (0..1000).for_each(|_| {
                breaker.succeeded();
            });
        }
    }

    proptest! {
        #[test]
        fn it_is_asked_or_not_and_never_stuck(
            steps in proptest::collection::vec((0u8..3, 0u64..5000), 0..400)
        ) {
            let mut breaker = Breaker::new(BreakerConfig::default());
            let mut now = START;
            for (step, pause) in steps {
                now = now + Duration::from_millis(pause);
                match step {
                    0 => drop(breaker.verdict(now)),
                    1 => drop(breaker.succeeded()),
                    _ => drop(breaker.failed(now)),
                }
            }
            let later = now + Duration::from_secs(61);
            let quarantined = breaker.condition() == Condition::Quarantined;
            prop_assert_eq!(breaker.verdict(later) == Verdict::BuiltIn, quarantined);
        }
    }
}
