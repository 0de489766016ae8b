//! `samara policy`: from nothing to a policy that a node can load.
//!
//! One file per subcommand; [`module`] is what those share that are given a file. Those that talk to a
//! running node use [`crate::admin`].

mod activate;
mod bench;
mod build;
mod check;
mod from_swarm;
mod inspect;
mod loading;
pub mod module;
mod new;
mod rollback;
mod simulate;
mod status;
mod test;

use crate::exit::Failure;

/// Write, build, check and measure selection policies.
///
/// A policy decides who talks to whom and which chunk moves next. It is a small WASM component that can do
/// nothing but compute, so nothing that it does breaks a transfer.
#[derive(Debug, clap::Args)]
#[command(after_help = FIRST_USE)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

const FIRST_USE: &str = "First use:
  samara policy new near                      a folder with an example and the SDK
  cd near && cargo test
  samara policy build                         -> target/policies/near.wasm
  samara policy check target/policies/near.wasm";

#[derive(Debug, clap::Subcommand)]
enum Command {
    New(new::Args),
    Build(build::Args),
    Check(check::Args),
    Inspect(inspect::Args),
    Test(test::Args),
    Bench(bench::Args),
    Simulate(simulate::Args),
    Activate(activate::Args),
    Rollback(rollback::Args),
    Status(status::Args),
}

impl Args {
    /// Whether a failure is told as a document on stdout, too.
    pub fn json(&self) -> bool {
        match &self.command {
            Command::New(_) | Command::Build(_) => false,
            Command::Check(args) => args.json,
            Command::Inspect(args) => args.json,
            Command::Test(args) => args.json,
            Command::Bench(args) => args.json,
            Command::Simulate(args) => args.output.json,
            Command::Activate(args) => args.json,
            Command::Rollback(args) => args.json,
            Command::Status(args) => args.json,
        }
    }
}

/// Runs the subcommand.
///
/// # Errors
/// When it cannot do what it is for.
pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::New(args) => new::run(args),
        Command::Build(args) => build::run(args),
        Command::Check(args) => check::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Test(args) => test::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Activate(args) => activate::run(args),
        Command::Rollback(args) => rollback::run(args),
        Command::Status(args) => status::run(args),
    }
}
