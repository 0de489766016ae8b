//! `samara sim run`: one scenario, its figures, and whether what it expects holds.

use std::path::{Path, PathBuf};

use samara_sim::{Progress, Report, Scenario};

use super::decider::Decider;
use crate::exit::Failure;
use crate::json;
use crate::output::{Output, OutputArgs, written};
use crate::policy::module::Params;

/// Run a scenario and report how near it came to the theoretical limit.
///
/// A scenario is a TOML file; examples/scenarios has some with comments. The same file, random seed and
/// policy give the same run on every machine. Exit code 1 when an expectation of the file does not hold.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The scenario
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Use this policy in place of the one that the file names: a strategy by its name, or a .wasm file
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    #[command(flatten)]
    params: Params,
    /// Draw the run from this number
    #[arg(long, value_name = "RANDOM", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be read or makes no sense, or when something that must hold did not.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut scenario = load(&args.file)?;
    let decider = Decider::find(args.policy.as_ref().unwrap_or(&scenario.policy))?;
    let decider = decider.with(&args.params)?;
    scenario.policy = decider.name;
    let output = Output::new(args.output);
    let mut meter = output.meter();
    let mut watch = |progress: Progress| {
        let shown = (progress.done * 1000.0) as u64;
        meter.show(shown, 1000, || watching(&scenario, progress));
    };
    let report = samara_sim::run_with(&scenario, args.seed, decider.decide, &mut watch);
    meter.clear();
    if args.output.json {
        written(json::write_line(&report))?;
    } else {
        output.result(&text(&scenario, &report))?;
    }
    judge(args, &report)
}

/// Reads and checks a scenario file.
pub fn load(file: &Path) -> Result<Scenario, Failure> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read the scenario {shown}: {error}")))?;
    Scenario::parse(&text).map_err(|error| Failure::usage(format!("{shown}, {error}")))
}

/// Where a run is, for a progress bar.
pub fn watching(scenario: &Scenario, progress: Progress) -> String {
    format!(
        "{}: {:.0} %, {} finished after {:.3} virtual seconds",
        scenario.name,
        progress.done * 100.0,
        progress.finished,
        progress.now as f64 / 1e9
    )
}

fn judge(args: &Args, report: &Report) -> Result<(), Failure> {
    if report.is_good() {
        return Ok(());
    }
    let (count, what) = match (report.broken.len(), report.unmet.len()) {
        (0, unmet) => (unmet, "an expectation of the scenario does not hold"),
        (broken, _) => (broken, "something that must always hold did not"),
    };
    let first = report.broken.first().or(report.unmet.first()).cloned().unwrap_or_default();
    let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
    let mut policy =
        args.policy.as_ref().map(|name| format!(" --policy {name}")).unwrap_or_default();
    policy.extend(args.params.iter().map(|param| format!(" --param {param}")));
    Err(Failure::new(format!("scenario {}: {what}", report.scenario), format!("{first}{more}"))
        .next(format!(
            "repeat it with `samara sim run {}{policy} --seed {}`",
            args.file.display(),
            report.random_seed
        ))
        .already_told())
}

/// A report for a person.
fn text(scenario: &Scenario, report: &Report) -> String {
    let figure = |name: &str| report.figure(name).unwrap_or(f64::NAN);
    let mut lines = vec![format!(
        "{}: {} peers, links of {}, policy {}, random seed {}",
        report.scenario,
        figure("peers"),
        scenario.fleet.rate,
        report.policy,
        report.random_seed
    )];
    let mut add = |name: &str, text: String| lines.push(format!("  {name:<16} {text}"));
    add("finished", format!("{} of {} alive", figure("finished"), figure("alive")));
    if let Some(last) = report.figure("last_seconds") {
        let limit = figure("limit_seconds");
        add(
            "last",
            format!("{last:.3} s, {:.3} x the limit of {limit:.3} s", figure("last_over_limit")),
        );
        add(
            "median, 99 %",
            format!("{:.3} x, {:.3} x", figure("p50_over_limit"), figure("p99_over_limit")),
        );
    }
    for (name, key) in [("fast peers", "fast_"), ("since own start", "own_")] {
        if let Some(last) = report.figure(&format!("{key}last_over_limit")) {
            let p50 = figure(&format!("{key}p50_over_limit"));
            add(name, format!("median {p50:.3} x, last {last:.3} x"));
        }
    }
    add("origin sent", format!("{:.3} copies", figure("origin_copies")));
    for (name, key) in [("across racks", "cross_rack_share"), ("across zones", "cross_zone_share")]
    {
        if let Some(share) = report.figure(key) {
            add(name, format!("{:.1} % of all bytes", share * 100.0));
        }
    }
    add("thrown away", format!("{:.2} % of all bytes", figure("duplicates_share") * 100.0));
    add("messages", format!("{:.1} per chunk", figure("messages_per_chunk")));
    if figure("policy_faults") > 0.0 {
        add("policy faults", format!("{}", figure("policy_faults")));
    }
    let lost = report.losses.causes().into_iter().filter(|(_, part)| *part >= 0.0005);
    let lost: Vec<String> =
        lost.map(|(cause, part)| format!("{cause} {:.1} %", part * 100.0)).collect();
    add("lost per peer", if lost.is_empty() { "nothing".to_owned() } else { lost.join(", ") });
    add("trace", report.trace_hash.clone());
    for (name, problems) in [("BROKEN", &report.broken), ("NOT MET", &report.unmet)] {
        problems.iter().for_each(|problem| add(name, problem.clone()));
    }
    lines.join("\n")
}
