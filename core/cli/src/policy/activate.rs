//! `samara policy activate`: load a policy into a running node.

use std::path::{Path, PathBuf};
use std::time::Duration;

use samara_model::ContentRef;
use samara_node::{PolicyMode, PolicyRequest};

use super::{from_swarm, status};
use crate::admin::NodeArg;
use crate::exit::Failure;
use crate::units;

/// Load a policy into a running node; transfers go on, and lose nothing.
///
/// What was active before stays loaded: `samara policy rollback` goes back at once. When the file is refused,
/// nothing has changed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The `.wasm` file; or the NAME@VERSION or id under which one was published: the node fetches it first, and
    /// pins it. `built-in` is the policy that is part of the node
    #[arg(value_name = "FILE|CONTENT")]
    file: PathBuf,
    /// Run it beside the active policy and count where the two differ; nothing that it decides is done
    #[arg(long)]
    shadow: bool,
    /// Set a parameter of the policy, NAME=VALUE; may be repeated. `samara policy inspect` lists them
    #[arg(long, value_name = "NAME=VALUE", value_parser = units::name_and_value)]
    param: Vec<(String, String)>,
    /// Of a published policy: how long to look for somebody who has it; `forever` is a time, too
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = units::wait)]
    wait: Duration,
    #[command(flatten)]
    node: NodeArg,
    /// Print the status afterwards as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// When no node answers, or it refuses the file.
pub fn run(args: &Args) -> Result<(), Failure> {
    let file = match published(&args.file) {
        Some(content) => from_swarm::fetched(&args.node.admin(), &content, args.wait, args.json)?,
        None => absolute(&args.file),
    };
    let request = PolicyRequest {
        file,
        mode: if args.shadow { PolicyMode::Shadow } else { PolicyMode::Active },
        parameters: args.param.clone(),
    };
    let doing = format!("could not activate {}", args.file.display());
    let status = status::change(&args.node, &doing, "/v1/policy/activate", &request)?;
    status::show(&status, args.json)
}

/// What is meant where there is no such file. The name of the built-in policy is no content.
fn published(file: &Path) -> Option<ContentRef> {
    let text = file.to_str().filter(|_| !file.exists())?;
    text.parse().ok()
}

/// The node may run in another folder; the name of the built-in policy is no file.
fn absolute(file: &PathBuf) -> PathBuf {
    if file.as_os_str() == "built-in" && !file.exists() {
        return file.clone();
    }
    std::path::absolute(file).unwrap_or_else(|_| file.clone())
}
