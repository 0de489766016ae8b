//! `samara config`: look at a configuration before a node does.

use std::io::Write;
use std::path::PathBuf;

use samara_node::config::{Config, Setting};

use crate::exit::Failure;
use crate::output::written;

/// Check a configuration of `samara node`, or print its schema.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say everything that is wrong with a file, each with its line. Nothing is started or changed
    Check {
        /// The file
        file: PathBuf,
        /// Set a key as `samara node` would, KEY=VALUE; may be repeated
        #[arg(long, value_name = "KEY=VALUE", value_parser = Setting::parse)]
        set: Vec<Setting>,
    },
    /// Print the JSON Schema of the file, with all keys, defaults and descriptions
    Schema,
}

/// Runs the command.
///
/// # Errors
/// When something is wrong with the file; exit code 2.
pub fn run(args: &Args) -> Result<(), Failure> {
    let text = match &args.command {
        Command::Check { file, set } => {
            Config::load(Some(file), set).map_err(|error| wrong(&error))?;
            format!("fine  {}\n", file.display())
        }
        Command::Schema => {
            let text = serde_json::to_string_pretty(&Config::schema());
            text.map_err(|why| Failure::because("could not write the schema", &why))? + "\n"
        }
    };
    written(std::io::stdout().write_all(text.as_bytes()))
}

/// All mistakes of a configuration, in one block.
pub fn wrong(error: &samara_node::config::ConfigError) -> Failure {
    let count = error.mistakes.len();
    let mistakes = if count == 1 { "a mistake".to_owned() } else { format!("{count} mistakes") };
    Failure::usage(format!("the configuration has {mistakes}"))
        .list(error.to_string())
        .still("nothing was started or changed")
}
