//! `samara policy simulate`: two policies in the same simulated fleets, side by side.

use std::path::PathBuf;

use samara_policy_host::Limits;
use samara_sim::{Report, Scenario};
use serde::Serialize;

use super::module::ModuleArgs;
use crate::exit::Failure;
use crate::json;
use crate::output::{Output, OutputArgs, written};
use crate::sim::{Decider, load_scenario, watching};

/// Compare a policy with another one in a simulated fleet, over several random seeds.
///
/// Both meet the same fleets, faults and chances. The scenario's expectations do not count here; what must
/// hold in every run does. Exit code 1 when it does not.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    module: ModuleArgs,
    /// The scenario; examples/scenarios has some
    #[arg(long, value_name = "FILE")]
    scenario: PathBuf,
    /// Compare with this one: `builtin`, a strategy by its name, or another .wasm file
    #[arg(long, value_name = "POLICY", default_value = "builtin")]
    baseline: String,
    /// Runs of each policy, with the random seeds 1, 2, ...
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What is compared: names of figures, and what a person reads.
const FIGURES: [(&str, &str); 10] = [
    ("p50_over_limit", "median peer, x limit"),
    ("p99_over_limit", "99 % of peers, x limit"),
    ("last_over_limit", "last peer, x limit"),
    ("fast_last_over_limit", "last fast peer, x limit"),
    ("origin_copies", "origin sent, copies"),
    ("cross_rack_share", "across racks, share"),
    ("cross_zone_share", "across zones, share"),
    ("duplicates_share", "thrown away, share"),
    ("policy_faults", "policy faults"),
    ("finished", "finished"),
];

/// A figure over all random seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

#[derive(Debug, Serialize)]
struct Row {
    figure: &'static str,
    #[serde(skip)]
    shown: &'static str,
    baseline: Spread,
    policy: Spread,
}

#[derive(Debug, Serialize)]
struct Comparison {
    scenario: String,
    policy: String,
    baseline: String,
    seeds: u64,
    rows: Vec<Row>,
    /// What must always hold and did not, with its policy and random seed.
    broken: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When a file makes no sense, or when something that must hold did not.
pub fn run(args: &Args) -> Result<(), Failure> {
    let scenario = load_scenario(&args.scenario)?;
    let loaded = args.module.load(Limits::for_simulation())?;
    let output = Output::new(args.output);
    let baseline = runs(args, &scenario, &output, || Decider::find(&args.baseline))?;
    let policy = runs(args, &scenario, &output, || Ok(Decider::of(&loaded)))?;
    let comparison = compare(args, &scenario, &baseline, &policy);
    if args.output.json {
        written(json::write_line(&comparison))?;
    } else {
        output.result(&table(&comparison))?;
    }
    match comparison.broken.first() {
        None => Ok(()),
        Some(broken) => {
            let what =
                format!("scenario {}: something that must always hold did not", scenario.name);
            Err(Failure::new(what, broken).already_told())
        }
    }
}

fn runs(
    args: &Args,
    scenario: &Scenario,
    output: &Output,
    decider: impl Fn() -> Result<Decider, Failure>,
) -> Result<Vec<Report>, Failure> {
    (1..=args.seeds).map(|seed| one_run(scenario, seed, output, decider()?)).collect()
}

fn one_run(
    scenario: &Scenario,
    seed: u64,
    output: &Output,
    decider: Decider,
) -> Result<Report, Failure> {
    let mut scenario = scenario.clone();
    scenario.policy = decider.name;
    scenario.expect.clear();
    let mut meter = output.meter();
    let shown = |done: f64| (done * 1000.0) as u64;
    let report = samara_sim::run_with(&scenario, seed, decider.decide, &mut |progress| {
        meter.show(shown(progress.done), 1000, || {
            format!("{}, seed {seed}: {}", scenario.policy, watching(&scenario, progress))
        });
    });
    meter.clear();
    Ok(report)
}

fn compare(args: &Args, scenario: &Scenario, baseline: &[Report], policy: &[Report]) -> Comparison {
    let rows = FIGURES.into_iter().filter_map(|(figure, shown)| {
        let (baseline, policy) = (spread(baseline, figure)?, spread(policy, figure)?);
        Some(Row { figure, shown, baseline, policy })
    });
    let name =
        |reports: &[Report]| reports.first().map_or_else(String::new, |one| one.policy.clone());
    let broken = baseline.iter().chain(policy).flat_map(|report| {
        let told = |what: &String| {
            format!("policy {}, seed {}: {what}", report.policy, report.random_seed)
        };
        report.broken.iter().map(told).collect::<Vec<_>>()
    });
    Comparison {
        scenario: scenario.name.clone(),
        policy: name(policy),
        baseline: name(baseline),
        seeds: args.seeds,
        rows: rows.collect(),
        broken: broken.collect(),
    }
}

/// `None` where a run does not have the figure.
fn spread(reports: &[Report], figure: &str) -> Option<Spread> {
    let mut values: Vec<f64> =
        reports.iter().map(|report| report.figure(figure)).collect::<Option<_>>()?;
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    Some(Spread { median: values[values.len() / 2], least, most })
}

fn table(comparison: &Comparison) -> String {
    let Comparison { scenario, policy, baseline, seeds, .. } = comparison;
    let mut lines = vec![
        format!(
            "{scenario}: {policy} against {baseline}, {seeds} runs each; median (least .. most)"
        ),
        format!("  {:<24} {:>28} {:>28}", "", baseline, policy),
    ];
    let show = |one: Spread| format!("{:.3} ({:.3} .. {:.3})", one.median, one.least, one.most);
    for row in &comparison.rows {
        let (baseline, policy) = (show(row.baseline), show(row.policy));
        lines.push(format!("  {:<24} {baseline:>28} {policy:>28}", row.shown));
    }
    lines.extend(comparison.broken.iter().map(|broken| format!("  BROKEN {broken}")));
    lines.join("\n")
}
