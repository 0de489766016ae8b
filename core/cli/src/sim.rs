//! `samara sim`: a whole fleet on this machine, with virtual links and a virtual clock.

mod compare;
mod decider;
mod plot;
mod run;

pub use decider::Decider;
pub use run::{load as load_scenario, watching};

use crate::exit::Failure;

/// Simulate a fleet on this machine: the engine and policy of the node, virtual links, a virtual clock.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Run(run::Args),
    Compare(compare::Args),
}

impl Args {
    /// Whether the results are documents.
    pub fn json(&self) -> bool {
        match &self.command {
            Command::Run(args) => args.output.json,
            Command::Compare(args) => args.output.json,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When a scenario cannot be, or when what must hold did not.
pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::Run(args) => run::run(args),
        Command::Compare(args) => compare::run(args),
    }
}
