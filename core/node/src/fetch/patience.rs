//! When a fetch is given up: it gets nothing, no live neighbour has anything that it lacks, and nobody else is
//! found.

use std::time::{Duration, Instant};

use samara_engine::swarm::Outlook;

/// Once chunks have come, a fetch without a source goes on for at least this time: an origin may be restarted.
const LEAST: Duration = Duration::from_secs(15);

/// How a fetch stands at a moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    /// Where what is missing could come from.
    pub outlook: Outlook,
    /// Bytes that have come so far.
    pub received: u64,
    /// The manifest is here.
    pub started: bool,
    /// Its own disk keeps it busy.
    pub is_busy: bool,
}

/// Since when there has been no hope.
#[derive(Debug)]
pub struct Patience {
    since: Instant,
    received: u64,
}

impl Patience {
    /// For a fetch that began at `began`.
    pub fn new(began: Instant) -> Patience {
        Patience { since: began, received: 0 }
    }

    /// How long there has been no hope, when that is too long: `wait`, and twice that while there are peers that
    /// were not tried yet. They cannot be tried where there are enough neighbours already, so they are no hope for
    /// ever. A `wait` of [`Duration::MAX`] never ends.
    pub fn is_over(
        &mut self,
        now: Instant,
        wait: Duration,
        standing: &Standing,
    ) -> Option<Duration> {
        let comes = standing.received != self.received;
        if standing.outlook.sources > 0 || standing.is_busy || comes {
            (self.since, self.received) = (now, standing.received);
        }
        let wait = if standing.started { wait.max(LEAST) } else { wait };
        let wait = if standing.outlook.untried > 0 { wait.saturating_mul(2) } else { wait };
        let without = now.saturating_duration_since(self.since);
        (without > wait).then_some(without)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);

    fn standing(sources: u32, untried: u32) -> Standing {
        let outlook = Outlook { sources, untried };
        Standing { outlook, started: true, ..Standing::default() }
    }

    /// The second at which a fetch is given up that stands like this from the start.
    fn given_up(wait: Duration, standing: Standing) -> Option<u64> {
        let began = Instant::now();
        let mut patience = Patience::new(began);
        (0..100_000).find(|second| {
            let now = began + Duration::from_secs(*second);
            patience.is_over(now, wait, &standing).is_some()
        })
    }

    #[test]
    fn without_a_source_it_is_given_up_after_the_wait() {
        assert_eq!(given_up(WAIT, standing(0, 0)), Some(31));
        assert_eq!(given_up(SECOND, standing(0, 0)), Some(16), "chunks have come");
        let nothing_yet = Standing { started: false, ..standing(0, 0) };
        assert_eq!(given_up(SECOND, nothing_yet), Some(2));
    }

    #[test]
    fn peers_that_were_not_tried_are_hope_for_a_while() {
        assert_eq!(given_up(WAIT, standing(0, 3)), Some(61));
    }

    #[test]
    fn with_a_source_with_work_or_for_ever_it_goes_on() {
        assert_eq!(given_up(WAIT, standing(1, 0)), None);
        assert_eq!(given_up(WAIT, Standing { is_busy: true, ..standing(0, 0) }), None);
        assert_eq!(given_up(Duration::MAX, standing(0, 5)), None);
    }

    #[test]
    fn bytes_that_come_begin_the_wait_anew() {
        let began = Instant::now();
        let mut patience = Patience::new(began);
        let at = |second| began + Duration::from_secs(second);
        let mut now = standing(0, 0);
        assert_eq!(patience.is_over(at(29), WAIT, &now), None);
        now.received = 1;
        assert_eq!(patience.is_over(at(30), WAIT, &now), None);
        assert_eq!(patience.is_over(at(60), WAIT, &now), None);
        assert_eq!(patience.is_over(at(61), WAIT, &now), Some(Duration::from_secs(31)));
    }

    #[test]
    fn a_caller_who_joins_and_waits_longer_is_heard() {
        let began = Instant::now();
        let mut patience = Patience::new(began);
        let (at, now) = (|second| began + Duration::from_secs(second), standing(0, 0));
        assert_eq!(patience.is_over(at(31), 2 * WAIT, &now), None);
        assert_eq!(patience.is_over(at(61), 2 * WAIT, &now), Some(Duration::from_secs(61)));
    }
}
