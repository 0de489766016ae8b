//! Runs scenarios over several random seeds and prints a line of medians for each, with what it lost where:
//!
//! ```sh
//! cargo run --release --workspace --example goals -- --random-seeds 5 examples/scenarios/goals/*.toml
//! ```
//!
//! The spread of the last completion is in brackets. Ends with 1 when a median does not hold what its file
//! expects, or when something that must always hold was broken.

use std::process::ExitCode;

use samara_sim::{Report, Scenario};

/// What is printed: a heading, and the figure of the report.
const COLUMNS: &[(&str, &str)] = &[
    ("p50", "p50_over_limit"),
    ("fast p50", "fast_p50_over_limit"),
    ("fast last", "fast_last_over_limit"),
    ("origin", "origin_copies"),
    ("across racks", "cross_rack_share"),
    ("offers", "offers_per_chunk"),
    ("messages", "messages_per_chunk"),
];
/// Losses below this part of a copy are left out.
const WORTH_SAYING: f64 = 0.005;

fn main() -> ExitCode {
    match goals(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("goals: {why}");
            ExitCode::FAILURE
        }
    }
}

fn goals(mut arguments: impl Iterator<Item = String>) -> Result<bool, String> {
    let (mut seeds, mut first, mut files) = (1, 1, Vec::new());
    while let Some(argument) = arguments.next() {
        let number = match argument.as_str() {
            "--random-seeds" => &mut seeds,
            "--first" => &mut first,
            _ => {
                files.push(argument);
                continue;
            }
        };
        let value = arguments.next().and_then(|value| value.parse().ok());
        *number = value.ok_or_else(|| format!("{argument} wants a number"))?;
    }
    let headings: Vec<&str> = COLUMNS.iter().map(|(heading, _)| *heading).collect();
    println!(
        "| scenario | last | {} | CPU s a run | seeds | losses | holds |",
        headings.join(" | ")
    );
    println!("|{}", "---|".repeat(COLUMNS.len() + 6));
    let mut all_hold = true;
    for file in &files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let scenario = Scenario::parse(&text).map_err(|error| format!("{file}, {error}"))?;
        let before = cpu_seconds();
        let seeds = first..first + seeds.max(1);
        let reports: Vec<Report> =
            seeds.map(|seed| samara_sim::run(&scenario, seed, &mut |_| ())).collect();
        all_hold &= print(&scenario, &reports, (cpu_seconds() - before) / reports.len() as f64);
    }
    if let Some(memory) = peak_memory() {
        println!("\nMost memory: {memory}");
    }
    Ok(all_hold)
}

/// Prints the line of one scenario; false when it does not hold.
fn print(scenario: &Scenario, reports: &[Report], cpu: f64) -> bool {
    let values = |name: &str| {
        let mut values: Vec<f64> = reports.iter().filter_map(|one| one.figure(name)).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let median = |name: &str| {
        let values = values(name);
        values.get(values.len() / 2).copied()
    };
    let broken = reports.iter().any(|one| !one.broken.is_empty());
    reports.iter().flat_map(|one| &one.broken).for_each(|what| eprintln!("broken: {what}"));
    let unmet: Vec<String> = scenario
        .expect
        .iter()
        .filter(|(name, bound)| !median(name).is_some_and(|median| bound.holds(median)))
        .map(|(name, bound)| format!("{name} is not {bound}"))
        .collect();
    let last = values("last_over_limit");
    let spread = match &last[..] {
        [low, .., high] => format!(" ({low:.3}-{high:.3})"),
        _ => String::new(),
    };
    print!("| {} | {:.3}{spread} |", scenario.name, median("last_over_limit").unwrap_or(f64::NAN));
    for (_, name) in COLUMNS {
        print!(" {} |", median(name).map_or("-".into(), |value| format!("{value:.3}")));
    }
    let holds = match (broken, &unmet[..]) {
        (true, _) => "BROKEN".into(),
        (_, []) => "yes".into(),
        (_, unmet) => format!("no: {}", unmet.join(", ")),
    };
    println!(" {cpu:.1} | {} | {} | {holds} |", reports.len(), losses(&reports[0]));
    !broken && unmet.is_empty()
}

fn losses(report: &Report) -> String {
    let causes = report.losses.causes().into_iter().filter(|(_, part)| *part >= WORTH_SAYING);
    causes.map(|(name, part)| format!("{name} {part:.3}")).collect::<Vec<_>>().join(", ")
}

/// Time that this process has had of a processor.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may have spaces; user and system time are the 12th and 13th after it, in hundredths.
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = after.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_string())
}
