//! `samara sim compare`: the founding comparison, every row simulated in the same world.

use std::path::{Path, PathBuf};

use samara_model::ByteCount;
use samara_sim::rivals::{self, Servers};
use samara_sim::scenario::Discovery;
use samara_sim::{Report, Scenario};
use serde::Serialize;

use super::plot::{Axes, Line, Plot};
use super::run::{load, watching};
use crate::exit::Failure;
use crate::json;
use crate::output::{Output, OutputArgs, written};

/// The scenario that is used when no file is given.
const HEADLINE: &str = include_str!("../../../../examples/scenarios/headline.toml");
/// Numbers of peers in the second plot.
const FLEETS: [u32; 5] = [1, 10, 32, 100, 316];

/// Compare one server, ten replicas, ten shards and a swarm in one simulated world.
///
/// Prints a table and, with --plots, writes two plots: how many have finished over time, and time against
/// the number of peers. Takes some minutes with a thousand peers.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A scenario for the swarms; 5 GB to 1,000 peers at 40 Gbit/s if not given
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Simulate so many peers in place of what the scenario says
    #[arg(long, value_name = "N")]
    peers: Option<u32>,
    /// Draw the runs from this number
    #[arg(long, value_name = "RANDOM", default_value_t = 1)]
    seed: u64,
    /// Write completion.svg and scaling.svg to this folder
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// One way to distribute.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    p50_seconds: f64,
    last_seconds: f64,
    last_over_limit: f64,
    origin_copies: Option<f64>,
    #[serde(skip)]
    completions: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Comparison {
    peers: u32,
    size_bytes: u64,
    limit_seconds: f64,
    rows: Vec<Row>,
}

/// Runs the command.
///
/// # Errors
/// When the scenario makes no sense, a swarm breaks a rule, or a plot cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut scenario = match &args.file {
        Some(file) => load(file)?,
        None => Scenario::parse(HEADLINE).map_err(Failure::usage)?,
    };
    if let Some(peers) = args.peers {
        if !(1..=20_000).contains(&peers) {
            return Err(Failure::usage("--peers must be 1 to 20000"));
        }
        scenario.fleet = scenario.fleet.resized(peers);
    }
    let output = Output::new(args.output);
    let comparison = compare(&scenario, args.seed, &output)?;
    if args.output.json {
        written(json::write_line(&comparison))?;
    } else {
        output.result(&table(&scenario, &comparison))?;
    }
    match &args.plots {
        Some(folder) => plots(args, &scenario, &comparison, folder, &output),
        None => Ok(()),
    }
}

fn compare(scenario: &Scenario, seed: u64, output: &Output) -> Result<Comparison, Failure> {
    let (peers, size) = (scenario.fleet.peers, scenario.contents[0].size);
    let mut rows = Vec::new();
    let mut limit = f64::NAN;
    for (name, discovery) in [
        ("swarm, found by a tracker", Discovery::Tracker),
        ("swarm, found by gossip", Discovery::Gossip),
    ] {
        let report = swarm(scenario, discovery, seed, output)?;
        limit = report.figure("limit_seconds").unwrap_or(f64::NAN);
        rows.push((name, report.completions.clone(), report.figure("origin_copies")));
    }
    let rate = scenario.fleet.origin_rate;
    for (name, servers) in [
        ("one server", Servers::Replicas(1)),
        ("ten replicas", Servers::Replicas(10)),
        ("ten shards, one hot file", Servers::Shards(10)),
    ] {
        rows.push((name, rivals::completions(servers, peers, size, rate), None));
    }
    rows.push(("the limit", vec![limit; peers as usize], None));
    rows.sort_by(|a, b| last_of(&b.1).total_cmp(&last_of(&a.1)));
    let rows = rows.into_iter().map(|(name, completions, origin_copies)| Row {
        name,
        p50_seconds: completions
            .get(completions.len().div_ceil(2).saturating_sub(1))
            .copied()
            .unwrap_or(f64::NAN),
        last_seconds: last_of(&completions),
        last_over_limit: last_of(&completions) / limit,
        origin_copies,
        completions,
    });
    Ok(Comparison { peers, size_bytes: size, limit_seconds: limit, rows: rows.collect() })
}

fn last_of(completions: &[f64]) -> f64 {
    completions.last().copied().unwrap_or(f64::NAN)
}

fn swarm(
    scenario: &Scenario,
    by: Discovery,
    seed: u64,
    output: &Output,
) -> Result<Report, Failure> {
    let mut scenario = scenario.clone();
    scenario.discovery = by;
    scenario.trackers = u32::from(by == Discovery::Tracker);
    scenario.expect.clear();
    let mut meter = output.meter();
    let report = samara_sim::run(&scenario, seed, &mut |progress| {
        let shown = (progress.done * 1000.0) as u64;
        meter.show(shown, 1000, || watching(&scenario, progress));
    });
    meter.clear();
    match report.broken.first() {
        Some(broken) => Err(Failure::new("a simulated swarm broke a rule", broken)),
        None => Ok(report),
    }
}

fn table(scenario: &Scenario, comparison: &Comparison) -> String {
    let size = ByteCount(comparison.size_bytes);
    let mut lines = vec![
        format!(
            "{size} to {} machines, every link {} each way",
            comparison.peers, scenario.fleet.rate
        ),
        format!(
            "  {:<26} {:>12} {:>12} {:>10} {:>14}",
            "", "median", "last", "x limit", "origin copies"
        ),
    ];
    for row in &comparison.rows {
        let copies = row.origin_copies.map_or(String::new(), |copies| format!("{copies:.2}"));
        lines.push(format!(
            "  {:<26} {:>10.3} s {:>10.3} s {:>10.3} {:>14}",
            row.name, row.p50_seconds, row.last_seconds, row.last_over_limit, copies
        ));
    }
    lines.join("\n")
}

fn plots(
    args: &Args,
    scenario: &Scenario,
    comparison: &Comparison,
    folder: &Path,
    output: &Output,
) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::because(format!("could not write the plots to {}", folder.display()), error)
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let what = format!("{} at {}", ByteCount(comparison.size_bytes), scenario.fleet.rate);
    let finished = completion_plot(comparison, &what);
    std::fs::write(folder.join("completion.svg"), finished).map_err(|error| failed(&error))?;
    let scaling = scaling_plot(args, scenario, comparison, &what, output)?;
    std::fs::write(folder.join("scaling.svg"), scaling).map_err(|error| failed(&error))?;
    output.note(&format!("completion.svg and scaling.svg are in {}", folder.display()));
    Ok(())
}

/// How many have their copy, over time.
fn completion_plot(comparison: &Comparison, what: &str) -> String {
    let lines = comparison.rows.iter().map(|row| {
        let all = row.completions.len() as f64;
        let steps = row.completions.iter().enumerate();
        let mut points: Vec<(f64, f64)> =
            steps.map(|(at, time)| (*time, (at + 1) as f64 / all * 100.0)).collect();
        if let Some((first, _)) = points.first().copied() {
            points.insert(0, (first, 0.0));
        }
        Line { name: row.name.to_owned(), points }
    });
    Plot {
        title: format!("{what} to {} machines: who has it, over time", comparison.peers),
        x: "seconds".to_owned(),
        y: "machines that have it, %".to_owned(),
        axes: Axes::LogX,
        lines: lines.collect(),
    }
    .svg()
}

/// The last completion against the number of peers.
fn scaling_plot(
    args: &Args,
    scenario: &Scenario,
    comparison: &Comparison,
    what: &str,
    output: &Output,
) -> Result<String, Failure> {
    let mut lines: Vec<Line> = comparison
        .rows
        .iter()
        .map(|row| Line { name: row.name.to_owned(), points: Vec::new() })
        .collect();
    for peers in FLEETS.into_iter().filter(|peers| *peers < comparison.peers) {
        let mut smaller = scenario.clone();
        smaller.fleet = scenario.fleet.resized(peers);
        let rows = compare(&smaller, args.seed, output)?.rows;
        for line in &mut lines {
            let row = rows.iter().find(|row| row.name == line.name);
            line.points.extend(row.map(|row| (f64::from(peers), row.last_seconds)));
        }
    }
    for (line, row) in lines.iter_mut().zip(&comparison.rows) {
        line.points.push((f64::from(comparison.peers), row.last_seconds));
    }
    let plot = Plot {
        title: format!("{what}: time until the last machine has it"),
        x: "machines".to_owned(),
        y: "seconds".to_owned(),
        axes: Axes::LogBoth,
        lines,
    };
    Ok(plot.svg())
}
