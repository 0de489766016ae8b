//! The scenarios that come with the product hold what they expect, and the checkers notice what they are for.

use std::path::{Path, PathBuf};

use samara_sim::{Report, Scenario};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios")
}

fn load(name: &str) -> Scenario {
    let text = std::fs::read_to_string(folder().join(name)).expect("it comes with the product");
    Scenario::parse(&text).unwrap_or_else(|error| panic!("{name}, {error}"))
}

fn run(scenario: &Scenario, random_seed: u64) -> Report {
    samara_sim::run(scenario, random_seed, &mut |_| ())
}

/// Takes minutes: `samara sim run` is for those.
const LONG: &[&str] = &["headline.toml"];

#[test]
fn every_scenario_holds_what_it_expects() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"))
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    assert!(names.len() >= 18, "{names:?}");
    for name in names {
        let scenario = load(&name);
        assert!(!scenario.about.is_empty(), "{name} does not say what it shows");
        if LONG.contains(&name.as_str()) {
            continue;
        }
        let report = run(&scenario, 1);
        assert!(
            report.is_good(),
            "{:?} {:?}\nrepeat it with `samara sim run examples/scenarios/{name} --seed 1`",
            report.broken,
            report.unmet
        );
    }
}

#[test]
fn the_goals_are_scenarios_with_expectations() {
    let goals = std::fs::read_dir(folder().join("goals")).expect("the folder");
    let names: Vec<_> = goals.map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        let scenario = load(&Path::new("goals").join(&name).to_string_lossy());
        assert!(scenario.expect.len() >= 2, "{name:?}");
    }
}

#[test]
fn a_run_repeats_to_the_byte_and_another_random_seed_gives_another() {
    let scenario = load("small-file.toml");
    let (one, same, other) = (run(&scenario, 7), run(&scenario, 7), run(&scenario, 8));
    assert_eq!(one, same);
    assert_ne!(one.trace_hash, other.trace_hash);
}

/// The last peer's time over the limit.
fn last(name: &str, policy: &str) -> f64 {
    let scenario = load(name).with_policy(policy).expect("it is known");
    run(&scenario, 1).figure("last_over_limit").unwrap_or(f64::INFINITY)
}

#[test]
fn in_order_takes_at_least_three_times_as_long_as_balanced() {
    let (in_order, balanced) =
        (last("small-file.toml", "sequential"), last("small-file.toml", "balanced"));
    assert!(in_order >= 3.0 * balanced, "{in_order}, balanced {balanced}");
}

#[test]
fn who_knows_of_racks_sends_less_than_half_as_much_across_them() {
    let crossed = |policy| {
        let scenario = load("racks.toml").with_policy(policy).expect("it is known");
        let report = run(&scenario, 1);
        assert!(report.broken.is_empty(), "{policy}: {:?}", report.broken);
        report.figure("cross_rack_share").expect("there are racks")
    };
    let (local, blind) = (crossed("rack-local"), crossed("balanced"));
    assert!(2.0 * local < blind, "{local}, blind to racks {blind}");
}

const BASE: &str = r#"
name = "checked"
[[content]]
size = "32 MiB"
chunk = "1 MiB"
[peers]
count = 8
rate = "1 Gbit/s"
"#;

/// `BASE` with these tables breaks a rule, in these words.
fn check_broken(more: &str, words: &str) {
    let scenario = Scenario::parse(&format!("{BASE}{more}")).expect("a scenario");
    let report = run(&scenario, 1);
    let broken = report.broken.join("; ");
    assert!(broken.contains(words), "{more} broke nothing but: {broken}");
}

#[test]
fn the_checkers_notice_what_they_are_for() {
    check_broken(
        "[[fault]]\nkind = \"partition\"\nwho = \"2\"\nat = \"10 %\"\n",
        "have not finished",
    );
    check_broken("[[fault]]\nkind = \"crash\"\nat = \"900 copies\"\n", "never showed");
    check_broken(
        "[budget]\nduplicates = \"0 %\"\n[[fault]]\nkind = \"corrupt\"\n",
        "were thrown away",
    );
}

#[test]
fn peers_that_cannot_finish_are_not_asked_to() {
    let text =
        format!("{BASE}[[fault]]\nkind = \"crash\"\nwho = \"origin\"\nat = \"0.5 copies\"\n");
    let report = run(&Scenario::parse(&text).expect("a scenario"), 1);
    assert_eq!(report.figure("finished"), Some(0.0));
    assert!(report.broken.is_empty(), "{:?}", report.broken);
}
