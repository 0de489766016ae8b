//! `samara-bench`: measures `samara` and the programs that people would use instead, on networks that it
//! builds itself in namespaces of its own.
//!
//! It prints figures and ratios; only with `--check` does a missed goal change the exit code.

mod cases;
mod contender;
mod counters;
mod crew;
mod cubic;
mod failure;
mod interrupt;
mod machine;
mod measure;
mod namespace;
mod net;
mod payload;
mod prerequisites;
mod proc;
mod report;
mod results;
mod rivals;
mod samara;
mod session;
mod torrent;
mod tracker;
mod trial;
mod workplace;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use samara_model::{ByteCount, BytesPerSecond};

use crate::{
    cases::{Case, Changes},
    failure::{Failure, Result},
    measure::Verdict,
    results::Document,
    rivals::Rival,
    samara::Calling,
    session::Session,
};

/// Measures samara and its rivals on shaped networks of its own. Needs root.
#[derive(Parser, Debug)]
#[command(name = "samara-bench", version)]
struct Args {
    /// swarm15, swarm31, mixed31, originkill, founding, pair, fan4, memory or all; or `cleanup`, which
    /// removes what a killed benchmark left behind.
    #[arg(value_name = "CASE", default_value = "swarm15")]
    cases: Vec<String>,
    /// How often each program is run; tables show medians.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Which rivals: names separated by commas, `none`, or `all` (those that suit the case).
    #[arg(long, value_name = "NAMES", default_value = "all")]
    rivals: String,
    /// The program to measure [default: `samara` beside this executable].
    #[arg(long, value_name = "PATH")]
    samara: Option<PathBuf>,
    /// A second build to compare with, run in turns; prints the median ratio of pairs.
    #[arg(long, value_name = "PATH")]
    vs: Option<PathBuf>,
    /// More flags for a second entrant, in place of those of `--pass`: compares the same build with and
    /// without them, for example with `--policy FILE`; with `--vs`, for that build.
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    vs_pass: Option<String>,
    /// A variable for the second entrant's environment, in place of those of `--set`; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_variable)]
    vs_set: Vec<(String, String)>,
    /// Keep what each process wrote, one folder per case and run.
    #[arg(long, value_name = "DIR")]
    keep_logs: Option<PathBuf>,
    /// Keep the figures here; cases that are already in the file are replaced, others stay.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the documentation's page from the figures, those already in `--json` included.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// A variable for samara's environment; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_variable)]
    set: Vec<(String, String)>,
    /// More flags for `samara serve` and `samara fetch`, separated by spaces.
    #[arg(long, value_name = "FLAGS", default_value = "", allow_hyphen_values = true)]
    pass: String,
    /// Another number of peers than the case's.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=200))]
    peers: Option<u16>,
    /// Another rate of the shaped links, for example `20 Mbit/s`.
    #[arg(long)]
    rate: Option<BytesPerSecond>,
    /// Another size of the file, for example `16 MiB`.
    #[arg(long)]
    size: Option<ByteCount>,
    /// originkill: kill the origin when it has sent so many times the size.
    #[arg(long)]
    kill_at: Option<f64>,
    /// Exit with 1 if a required goal is missed.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Failure::Interrupted) => {
            eprintln!("samara-bench: interrupted; everything it had built is removed");
            ExitCode::from(130)
        }
        Err(failure) => {
            eprintln!("samara-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the exit code may be 0.
fn run(args: &Args) -> Result<bool> {
    interrupt::watch()?;
    prerequisites::check()?;
    if args.cases == ["cleanup"] {
        let removed = workplace::remove_leftovers();
        removed.iter().for_each(|name| println!("removed {name}"));
        println!("{} leftovers removed", removed.len());
        return Ok(true);
    }
    let cases = chosen_cases(&args.cases)?;
    let session = args.session()?;
    let mut document = match &args.json {
        Some(path) => Document::load(path)?,
        None => Document::default(),
    };
    let mut reached = true;
    for standard in cases {
        let case = standard.clone().changed(&args.changes());
        let changed = case.title() != standard.title() || case.kill_at != standard.kill_at;
        let result = session.measure(&case, changed)?;
        print!("{}", report::terminal(&result));
        let missed = |verdict| matches!(verdict, Verdict::Missed | Verdict::Unknown);
        reached &= !result.goals.iter().any(|goal| missed(goal.verdict));
        document.put(result);
        // Saved after each case: an interrupted session keeps what it has.
        if let Some(path) = &args.json {
            document.save(path)?;
        }
    }
    if let Some(path) = &args.markdown {
        use crate::failure::Doing;
        std::fs::write(path, report::markdown(&document))
            .doing(|| format!("writing {}", path.display()))?;
    }
    Ok(reached || !args.check)
}

fn chosen_cases(names: &[String]) -> Result<Vec<Case>> {
    let mut chosen = Vec::new();
    for name in names {
        let known = cases::NAMES.join(", ");
        chosen.extend(cases::named(name).ok_or_else(|| {
            Failure::because(format!("there is no case `{name}`; there are {known}, all, cleanup"))
        })?);
    }
    Ok(chosen)
}

impl Args {
    fn session(&self) -> Result<Session> {
        let beside =
            std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join("samara")));
        let samara = match &self.samara {
            Some(path) => Some(existing(path)?),
            None => beside.filter(|path| path.is_file()),
        };
        let calling = |program: PathBuf, variables: &[(String, String)], flags: &str| Calling {
            program,
            variables: variables.to_vec(),
            flags: flags.split_whitespace().map(str::to_string).collect(),
        };
        let versus = match (&self.vs, &self.vs_pass) {
            (Some(path), _) => Some(existing(path)?),
            (None, Some(_)) => samara.clone(),
            (None, None) if !self.vs_set.is_empty() => samara.clone(),
            (None, None) => None,
        };
        let versus_variables = if self.vs_set.is_empty() { &self.set } else { &self.vs_set };
        let versus_flags = self.vs_pass.as_ref().unwrap_or(&self.pass);
        Ok(Session {
            samara: samara.map(|program| calling(program, &self.set, &self.pass)),
            versus: versus.map(|program| calling(program, versus_variables, versus_flags)),
            rivals: parse_rivals(&self.rivals)?,
            runs: usize::from(self.runs),
            logs: self.keep_logs.clone(),
        })
    }

    fn changes(&self) -> Changes {
        Changes {
            peers: self.peers.map(usize::from),
            rate: self.rate,
            size: self.size,
            kill_at: self.kill_at,
        }
    }
}

fn existing(path: &Path) -> Result<PathBuf> {
    use crate::failure::Doing;
    path.canonicalize().doing(|| format!("looking for {}", path.display()))
}

/// `None` means: those of each case.
fn parse_rivals(text: &str) -> Result<Option<Vec<Rival>>> {
    match text {
        "all" => Ok(None),
        "none" => Ok(Some(Vec::new())),
        names => {
            let parse = |name| <Rival as clap::ValueEnum>::from_str(name, true);
            let rivals: std::result::Result<_, _> =
                names.split(',').map(str::trim).map(parse).collect();
            rivals.map(Some).map_err(|_| {
                Failure::because(format!(
                    "--rivals {names}: known are libtorrent, aria2, uftp, nginx, rsync, iperf3, all, none"
                ))
            })
        }
    }
}

fn parse_variable(text: &str) -> std::result::Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.into(), value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn rivals_are_named_or_all_or_none() {
        assert!(parse_rivals("all").unwrap().is_none());
        assert_eq!(parse_rivals("none").unwrap(), Some(vec![]));
        let some = parse_rivals("aria2, nginx").unwrap();
        assert_eq!(some, Some(vec![Rival::Aria2, Rival::Nginx]));
        assert!(parse_rivals("bittorrent").is_err());
    }

    #[test]
    fn an_unknown_case_is_refused_with_the_known_ones() {
        let fault = chosen_cases(&["swarm16".into()]).unwrap_err().to_string();
        assert!(fault.contains("swarm16") && fault.contains("swarm15"), "{fault}");
    }

    #[test]
    fn rates_and_sizes_are_parsed_with_units() {
        let args = Args::parse_from(["samara-bench", "--rate", "20 Mbit/s", "--size", "16MiB"]);
        assert_eq!(args.rate, Some(BytesPerSecond(2_500_000)));
        assert_eq!(args.size, Some(ByteCount(16 << 20)));
    }
}
