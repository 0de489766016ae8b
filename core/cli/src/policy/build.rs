//! `samara policy build`.

use std::fs;
use std::path::{Path, PathBuf};

use samara_policy_build::{BuildOptions, build, componentize};
use samara_policy_host::Limits;

use super::module;
use crate::exit::Failure;
use crate::output::written;

/// Build a policy into a WASM component
///
/// A folder is compiled with cargo for wasm32-unknown-unknown. A core module (`.wasm` from any other
/// language, with the exports of the contract) is wrapped as it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The policy's folder, or a core module
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Where to put the component. By default `target/policies/NAME.wasm` of the policy's workspace
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Do not touch the network
    #[arg(long)]
    offline: bool,
}

/// Runs the command.
///
/// # Errors
/// When it does not compile, or a node would not load it.
pub fn run(args: &Args) -> Result<(), Failure> {
    let path = if args.path.is_file() { wrap(args)? } else { compile(args)? };
    let module = module::load(&path, Limits::default())?;
    let text = format!(
        "{}  {}  {} bytes  {}",
        path.display(),
        module.description().name,
        module.size(),
        module.id()
    );
    written(write_line(&text))
}

fn compile(args: &Args) -> Result<PathBuf, Failure> {
    let options = BuildOptions { output: args.output.clone(), offline: args.offline };
    let built = build(&args.path, &options).map_err(|error| {
        Failure::because(format!("could not build {}", args.path.display()), &error)
    })?;
    Ok(shown_from_here(built.path))
}

fn wrap(args: &Args) -> Result<PathBuf, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::new(format!("could not build {}", args.path.display()), why)
    };
    let output = args.output.clone().ok_or_else(|| {
        Failure::usage(
            "a core module is not overwritten: say with --output where to put the component",
        )
    })?;
    let core = fs::read(&args.path).map_err(|error| failed(&error))?;
    let component = componentize(&core).map_err(|error| failed(&error))?;
    fs::write(&output, component).map_err(|error| failed(&error))?;
    Ok(output)
}

/// Relative where that is shorter to read and type.
fn shown_from_here(path: PathBuf) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).map(Path::to_owned).unwrap_or(path)
}

fn write_line(text: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout().lock(), "{text}")
}
