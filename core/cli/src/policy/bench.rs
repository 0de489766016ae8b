//! `samara policy bench`: what a question costs, against the built-in policy compiled natively.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use samara_policy::Hook;
use samara_policy::testing::scenario;
use samara_policy::{Policy, Question};
use samara_policy_balanced::Balanced;
use samara_policy_host::{Fault, Limits};
use serde::Serialize;

use super::loading;
use super::module::{Loaded, ModuleArgs, fitted};
use crate::exit::Failure;
use crate::json;
use crate::output::written;

/// Measure what a question costs, against the built-in policy compiled natively
///
/// First: how long it takes to compile, to load once it was compiled, and to swap on a running node.
/// Then, for each hook: views have 16, 64 and 256 peers and a full window of 1024 chunks; times contain copying the view in and
/// the answer out, with all limits on.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    module: ModuleArgs,
    /// Questions per row of the table
    #[arg(long, value_name = "N", default_value_t = 2000,
          value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    calls: u32,
    /// Print one JSON document per row
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Row {
    hook: &'static str,
    peers: usize,
    chunks: usize,
    median_ns: u64,
    p99_ns: u64,
    fuel: u64,
    built_in_median_ns: u64,
    /// Of the medians.
    ratio: f64,
}

const PEERS: [usize; 3] = [16, 64, 256];
const CHUNKS: usize = 1024;

/// Runs the command.
///
/// # Errors
/// When a question ends with a fault.
pub fn run(args: &Args) -> Result<(), Failure> {
    // All limits are on, but a busy machine must not end a measurement.
    let limits = Limits { deadline: Some(Duration::from_secs(1)), ..Limits::default() };
    let loaded = args.module.load(limits)?;
    let loading = loading::measure(&args.module.file)?;
    written(if args.json {
        json::write_line(&loading)
    } else {
        writeln!(io::stdout().lock(), "{}", loading.line())
    })?;
    if !args.json {
        written(print_head(&loaded))?;
    }
    for hook in [Hook::Offers, Hook::Requests, Hook::Overdue, Hook::Neighbours] {
        for peers in PEERS.into_iter().filter(|_| loaded.module.description().hooks.wants(hook)) {
            let row = measure(&loaded, hook, peers, args.calls).map_err(|fault| {
                let file = args.module.file.display();
                let doing = format!("`{file}` {fault} in `{}` of {peers} peers", hook.name());
                Failure::new(doing, "").next("docs/policies/limits.md says what helps")
            })?;
            written(if args.json { json::write_line(&row) } else { print(&row) })?;
        }
    }
    Ok(())
}

fn measure(loaded: &Loaded, hook: Hook, peers: usize, calls: u32) -> Result<Row, Fault> {
    let plain = scenario(hook, peers, CHUNKS, 1);
    let question = fitted(plain.clone(), loaded.module.description(), &loaded.values);
    let mut instance = loaded.module.instance();
    // Native and module in turns, so that both meet the same machine.
    let (mut own, mut built_in) = (Vec::new(), Vec::new());
    for _ in 0..calls {
        own.push(timed(|| instance.answer(black_box(&question)))?);
        built_in.push(timed(|| Ok::<_, Fault>(ask_built_in(&plain)))?);
    }
    let (median, built_in_median) = (quantile(&mut own, 50), quantile(&mut built_in, 50));
    Ok(Row {
        hook: hook.name(),
        peers,
        chunks: CHUNKS,
        median_ns: nanos(median),
        p99_ns: nanos(quantile(&mut own, 99)),
        fuel: instance.called().fuel,
        built_in_median_ns: nanos(built_in_median),
        ratio: median.as_secs_f64() / built_in_median.as_secs_f64().max(1e-9),
    })
}

fn ask_built_in(question: &Question) -> samara_policy::Answer {
    Balanced.answer(black_box(question))
}

fn timed<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<Duration, Fault> {
    let begun = Instant::now();
    black_box(work()?);
    Ok(begun.elapsed())
}

/// The value below which `percent` of the times lie; zero without any.
pub fn quantile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times
        .get((times.len() * percent / 100).min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// In nanoseconds, as far as they fit.
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn print_head(loaded: &Loaded) -> io::Result<()> {
    let description = loaded.module.description();
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{} {}, {CHUNKS} chunks", description.name, description.version)?;
    writeln!(
        stdout,
        "{:<11} {:>5} {:>12} {:>12} {:>12} {:>12} {:>7}",
        "hook", "peers", "median ns", "p99 ns", "fuel", "built-in ns", "ratio"
    )
}

fn print(row: &Row) -> io::Result<()> {
    writeln!(
        io::stdout().lock(),
        "{:<11} {:>5} {:>12} {:>12} {:>12} {:>12} {:>7.2}",
        row.hook,
        row.peers,
        row.median_ns,
        row.p99_ns,
        row.fuel,
        row.built_in_median_ns,
        row.ratio
    )
}
