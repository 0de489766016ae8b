//! `make policies`: builds the policies in the folders that are given.

use std::path::Path;
use std::process::ExitCode;

use samara_policy_build::{BuildError, BuildOptions, build};

fn main() -> ExitCode {
    let mut failed = false;
    for folder in std::env::args().skip(1) {
        match build(Path::new(&folder), &BuildOptions::default()) {
            Ok(built) => {
                println!("{} ({} bytes)", built.path.display(), built.component.len());
            }
            Err(error @ BuildError::NoClang { .. }) => println!("skipped: {error}"),
            Err(error) => {
                eprintln!("error: could not build {folder}: {error}");
                failed = true;
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
