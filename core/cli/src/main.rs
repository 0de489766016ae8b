//! The program `samara`.
//!
//! One file per subcommand, each with its `Args` (the help text is the doc comment) and `run`. What they
//! share: [`admin`] how a node is asked, [`exit`] how a failure is told and which code the process ends with, [`output`] what is printed
//! where, [`json`] the documents of `--json`, [`meter`] progress, [`signals`] Ctrl-C, [`units`] how values
//! are written. Everything that happens on the network or on disk happens in `samara-node`.

mod admin;
mod cancel;
mod config;
mod contents;
mod demo;
mod exit;
mod fetch;
mod generate;
mod json;
mod meter;
mod node;
mod node_args;
mod output;
mod peers;
mod pin;
mod policy;
mod publish;
mod reload;
mod remove;
mod scrub;
mod serve;
mod signals;
mod sim;
mod status;
mod table;
mod through;
mod top;
mod units;
mod unpin;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit::Failure;

/// Bring one big file or folder to a whole fleet, at about the speed of sending it once.
///
/// Every receiver passes on what it has while it still receives. Nobody needs a central server.
#[derive(Debug, Parser)]
#[command(name = "samara", version, after_help = FIRST_USE)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const FIRST_USE: &str = "First use:
  samara demo                                                   watch a swarm on this machine
  samara serve ./model --name llama --version 2.1 --listen 0.0.0.0:7300
  samara fetch llama@2.1 -o ./model --join ORIGIN:7300          on each receiving machine
With a node on every machine:
  samara node --join ORIGIN:7300                                or as a service, see docs/operators.md
  samara publish ./model --name llama --version 2.1
  samara fetch llama@2.1 -o ./model

Exit codes: 0 done, 1 failed, 2 wrong usage. SAMARA_LOG=debug shows what happens inside.";

#[derive(Debug, Subcommand)]
enum Command {
    Node(node::Args),
    Publish(publish::Args),
    Fetch(fetch::Args),
    Status(status::Args),
    Contents(contents::Args),
    Peers(peers::Args),
    Top(top::Args),
    Why(why::Args),
    Cancel(cancel::Args),
    Pin(pin::Args),
    Unpin(unpin::Args),
    Remove(remove::Args),
    Scrub(scrub::Args),
    Reload(reload::Args),
    Config(config::Args),
    Serve(serve::Args),
    Demo(demo::Args),
    Policy(policy::Args),
    Sim(sim::Args),
    #[command(hide = true)]
    Generate(generate::Args),
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    if !matches!(command, Command::Node(_)) {
        show_logs();
    }
    let (done, json) = match command {
        Command::Node(args) => (node::run(&args), args.json),
        Command::Publish(args) => (publish::run(&args), args.output.json),
        Command::Status(args) => (status::run(&args), args.json),
        Command::Contents(args) => (contents::run(&args), args.json),
        Command::Peers(args) => (peers::run(&args), args.json),
        Command::Top(args) => (top::run(&args), false),
        Command::Cancel(args) => (cancel::run(&args), args.of.json),
        Command::Pin(args) => (pin::run(&args), args.of.json),
        Command::Unpin(args) => (unpin::run(&args), args.of.json),
        Command::Why(args) => (why::run(&args), args.json),
        Command::Scrub(args) => (scrub::run(&args), args.json),
        Command::Remove(args) => (remove::run(&args), args.of.json),
        Command::Reload(args) => (reload::run(&args), args.json),
        Command::Config(args) => (config::run(&args), false),
        Command::Serve(args) => (serve::run(&args), args.output.json),
        Command::Fetch(args) => (fetch::run(&args), args.output_args.json),
        Command::Demo(args) => (demo::run(&args), args.output.json),
        Command::Policy(args) => (policy::run(&args), args.json()),
        Command::Generate(args) => (generate::run(&args), false),
        Command::Sim(args) => (sim::run(&args), args.json()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => end_with(&failure, json),
    }
}

fn end_with(failure: &Failure, json: bool) -> ExitCode {
    failure.report(json);
    failure.exit_code()
}

/// Logs of all commands but `node` go to stderr if `SAMARA_LOG` asks for them; what a person must know is told without them.
fn show_logs() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SAMARA_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
