//! `samara unpin`.

use samara_node::documents::ContentDocument;

use crate::admin::{NodeArg, content_path};
use crate::contents::name;
use crate::exit::Failure;
use crate::output;

/// Let a content be evicted again.
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
    let doing = format!("could not unpin {}", args.content);
    let path = content_path(&args.content, "/pin");
    let content: ContentDocument = args.node.admin().send(&doing, "DELETE", &path, None::<&()>)?;
    output::document_or(args.json, &content, || {
        format!("not pinned any more  {}\n", name(&content))
    })
}
