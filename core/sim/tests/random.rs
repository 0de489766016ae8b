//! A swarm of random scenarios, one per random seed: everything that the checkers know must hold, and when
//! the faults are over everybody must finish.
//!
//! `SAMARA_RANDOM_SEED` begins with another number, `SAMARA_RANDOM_SECONDS` looks for longer.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use samara_sim::Scenario;

/// Without other wishes.
const SECONDS: u64 = 12;
/// At least so many are run, however slow the machine is.
const AT_LEAST: u64 = 24;

fn wish(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn random_swarms_with_random_faults_lose_nothing_and_finish() {
    let text = include_str!("../../../examples/scenarios/random.toml");
    let scenario = Scenario::parse(text).expect("it comes with the product");
    let first = wish("SAMARA_RANDOM_SEED", 1);
    let end = Instant::now() + Duration::from_secs(wish("SAMARA_RANDOM_SECONDS", SECONDS));
    let mut kinds = BTreeSet::new();
    let mut seed = first;
    while seed < first + AT_LEAST || Instant::now() < end {
        let report = samara_sim::run(&scenario, seed, &mut |_| ());
        assert!(
            report.broken.is_empty(),
            "random seed {seed}: {:?}\nrepeat it with `samara sim run examples/scenarios/random.toml --seed {seed}`",
            report.broken
        );
        kinds.extend(report.faults.iter().filter(|(_, shown)| *shown > 0).map(|(kind, _)| *kind));
        seed += 1;
    }
    assert!(kinds.len() >= 6, "of all faults only {kinds:?} showed");
}
