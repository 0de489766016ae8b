//! `samara pin`.

use samara_node::documents::ContentDocument;

use crate::admin::{NodeArg, content_path};
use crate::contents::name;
use crate::exit::Failure;
use crate::output;

/// Never evict a content, whatever the quota.
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
    let doing = format!("could not pin {}", args.content);
    let path = content_path(&args.content, "/pin");
    let content: ContentDocument = args.node.admin().send(&doing, "PUT", &path, None::<&()>)?;
    output::document_or(args.json, &content, || format!("pinned  {}\n", name(&content)))
}
