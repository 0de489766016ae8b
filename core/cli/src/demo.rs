//! `samara demo`: a real swarm of real processes on this machine, watched, verified and summed up.

mod child;
mod commands;
mod machine;
mod race;
mod settings;
mod source;
mod summary;
mod swarm;
mod table;
mod verify;
mod workplace;

use std::path::PathBuf;

use samara_model::{ByteCount, BytesPerSecond};

use self::machine::MachineTime;
use self::race::Race;
use self::settings::Settings;
use self::summary::{Effort, Summary};
use self::swarm::Swarm;
use self::workplace::Workplace;
use crate::exit::Failure;
use crate::json;
use crate::node_args::DiscoveryArg;
use crate::output::{Output, OutputArgs, written};
use crate::signals::{Second, Stop};
use crate::units;

/// Watch a swarm: one origin and many peers, real processes on this machine.
///
/// Makes a random file, serves it from one process and fetches it in all others at once, each behind a
/// simulated link of --rate in both directions. Every copy is verified. Works without root, needs about
/// (peers + 1) x size of room in the temporary folder, and leaves nothing behind.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Number of fetching peers
    #[arg(long, value_name = "N", default_value_t = 16)]
    peers: u32,
    /// Size of the file
    #[arg(long, default_value = "256MiB")]
    size: ByteCount,
    /// Speed of every link, in each direction
    #[arg(long, default_value = "100Mbit/s")]
    rate: BytesPerSecond,
    /// How the peers find each other
    #[arg(long, value_name = "HOW", default_value = "both")]
    discovery: DiscoveryArg,
    /// Kill the origin after it has sent this many copies, for example 1.1
    #[arg(long, value_name = "COPIES")]
    kill_origin_after: Option<f64>,
    /// Bytes per chunk, a power of two from 16 KiB to 16 MiB
    #[arg(long, value_name = "SIZE", value_parser = units::chunk_size)]
    chunk_size: Option<u32>,
    /// Work in this new folder and keep it, with every file and every log
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Runs the command.
///
/// # Errors
/// When the values make no sense, when not every peer finished with the right bytes, or when asked to stop.
pub fn run(args: &Args) -> Result<(), Failure> {
    let settings = Settings::check(args)?;
    let output = Output::new(args.output);
    let stop = Stop::on_signals(Second::IsIgnored)?;
    let workplace = Workplace::create(args.keep.as_deref(), &settings)?;
    let digest = source::write(&workplace.source(), settings.size, &output, &stop)?;
    let (race, effort) = run_swarm(&settings, &workplace, &output, &stop)?;
    let copies = verify::copies(&race, &workplace, settings.size);
    let verified = verify::count_equal(&copies, &digest, &output, &stop)?;
    let summary = Summary::new(&settings, &race, effort, verified);
    if args.output.json {
        written(json::write_line(&summary))?;
    } else {
        output.result(&summary.text(&settings))?;
    }
    judge(&summary, &race, &workplace)
}

/// Runs the processes to the end of the race and stops them; returns what happened, and at what cost.
fn run_swarm(
    settings: &Settings,
    workplace: &Workplace,
    output: &Output,
    stop: &Stop,
) -> Result<(Race, Effort), Failure> {
    let mut swarm = Swarm::start(settings, workplace, output, stop)?;
    let before = MachineTime::now();
    let race = swarm.watch(settings, output, stop)?;
    let machine_busy =
        MachineTime::now().zip(before).and_then(|(now, before)| now.busy_since(before));
    let effort = Effort { cpu_seconds: swarm.cpu_seconds(), machine_busy };
    output.note("stopping the processes and verifying every copy");
    swarm.stop();
    Ok((race, effort))
}

/// Success is: all finished, all verified.
fn judge(summary: &Summary, race: &Race, workplace: &Workplace) -> Result<(), Failure> {
    if summary.is_success() {
        return Ok(());
    }
    let why = race.first_trouble().unwrap_or_else(|| "a copy differs from the source".to_owned());
    let failure = Failure::new(
        format!(
            "only {} of {} peers finished, {} copies are right",
            summary.finished, summary.peers, summary.verified
        ),
        why,
    )
    .already_told();
    Err(match workplace.kept() {
        Some(folder) => failure.next(format!("look at the logs in {}", folder.display())),
        None => failure.next("repeat it with --keep DIR to look at the logs"),
    })
}
