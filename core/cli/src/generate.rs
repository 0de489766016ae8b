//! `samara generate`: completions and man pages, for packages.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::Cli;
use crate::exit::Failure;

/// Write shell completions and man pages into a folder.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder; it is made where it does not exist
    folder: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When the folder cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let (completions, man) = (args.folder.join("completions"), args.folder.join("man"));
    let doing = format!("could not write to {}", args.folder.display());
    let written = fs::create_dir_all(&completions)
        .and_then(|()| fs::create_dir_all(&man))
        .and_then(|()| write(&completions, &man));
    written.map_err(|why| Failure::because(doing, &why))
}

fn write(completions: &Path, man: &Path) -> std::io::Result<()> {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "samara", completions)?;
    }
    clap_mangen::generate_to(Cli::command(), man)
}
