//! Names that are being resolved, and since when: what the node waits for and does not know yet.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use samara_model::ReleaseName;

/// See the module.
#[derive(Debug, Default)]
pub struct Resolving(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    next: u64,
    asked: BTreeMap<u64, (ReleaseName, Instant)>,
}

impl Resolving {
    /// This name is being resolved since then, until what it returns is dropped.
    pub fn enter(&self, name: &ReleaseName, since: Instant) -> Inside<'_> {
        let mut names = self.lock();
        names.next += 1;
        let number = names.next;
        names.asked.insert(number, (name.clone(), since));
        Inside { names: self, number }
    }

    /// How many fetches wait for a name.
    pub fn now(&self) -> usize {
        self.lock().asked.len()
    }

    /// Those that have waited for this long or longer at this moment, and for how long.
    pub fn for_longer_than(&self, least: Duration, now: Instant) -> Vec<(ReleaseName, Duration)> {
        let names = self.lock();
        let waited = names.asked.values().map(|(name, since)| {
            let waited = now.saturating_duration_since(*since);
            (name.clone(), waited)
        });
        waited.filter(|(_, waited)| *waited >= least).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One name that is being resolved.
#[derive(Debug)]
pub struct Inside<'a> {
    names: &'a Resolving,
    number: u64,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.names.lock().asked.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_waits_from_when_it_was_asked_for_until_it_is_not_any_more() {
        let resolving = Resolving::default();
        let name: ReleaseName = "llama@2.1".parse().expect("a release");
        let (began, least) = (Instant::now(), Duration::from_secs(30));
        let at = |seconds| began + Duration::from_secs(seconds);
        let inside = resolving.enter(&name, began);
        let late = resolving.enter(&name, at(20));
        assert_eq!(resolving.now(), 2);
        assert_eq!(resolving.for_longer_than(least, at(29)), []);
        let waited = resolving.for_longer_than(least, at(31));
        assert_eq!(waited, [(name.clone(), Duration::from_secs(31))]);
        drop(inside);
        assert_eq!(resolving.for_longer_than(least, at(31)), []);
        drop(late);
        assert_eq!(resolving.now(), 0);
    }
}
