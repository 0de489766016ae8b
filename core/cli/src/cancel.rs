//! `samara cancel`.

use samara_node::documents::ContentDocument;

use crate::admin::{NodeArg, content_path};
use crate::contents::name;
use crate::exit::Failure;
use crate::output;

/// End a fetch or a publication that is under way. What came stays, and the same fetch goes on from there.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A content id, at least its first 6 digits, or NAME@VERSION
    content: String,
    #[command(flatten)]
    node: NodeArg,
    /// Print how it stands afterwards as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When no node answers, or it refuses.
pub fn run(args: &Args) -> Result<(), Failure> {
    let doing = format!("could not cancel {}", args.content);
    let path = content_path(&args.content, "/cancel");
    let content: ContentDocument = args.node.admin().send(&doing, "POST", &path, None::<&()>)?;
    output::document_or(args.json, &content, || format!("cancelled  {}\n", name(&content)))
}
