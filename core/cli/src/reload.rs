//! `samara reload`.

use samara_node::documents::ReloadDocument;

use crate::admin::NodeArg;
use crate::exit::Failure;
use crate::output;

/// Let the node read its configuration again: limits, storage, policy and log level are taken, and what needs a
/// restart is named. A file that is wrong changes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    node: NodeArg,
    /// Print what changed as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When no node answers, or its configuration is wrong.
pub fn run(args: &Args) -> Result<(), Failure> {
    let doing = "could not reload the configuration";
    let done: ReloadDocument = args.node.admin().send(doing, "POST", "/v1/reload", None::<&()>)?;
    output::document_or(args.json, &done, || in_words(&done))
}

fn in_words(done: &ReloadDocument) -> String {
    let mut text = String::new();
    let lists = [("changed", &done.changed), ("needs a restart", &done.needs_restart)];
    for (what, keys) in lists.into_iter().filter(|(_, keys)| !keys.is_empty()) {
        text.push_str(&format!("{what}  {}\n", keys.join(", ")));
    }
    if text.is_empty() { "nothing changed\n".to_owned() } else { text }
}
