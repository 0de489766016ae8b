//! `samara remove`.

use samara_node::documents::RemovedDocument;

use crate::admin::{NodeArg, content_path};
use crate::exit::Failure;
use crate::output;

/// Stop serving a content and forget it. Its files are removed where they lie in the data directory; files that
/// you published or fetched to a place of your own stay.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A content id, at least its first 6 digits, or NAME@VERSION
    content: String,
    #[command(flatten)]
    node: NodeArg,
    /// Print what was removed as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When no node answers, or files cannot be removed.
pub fn run(args: &Args) -> Result<(), Failure> {
    let doing = format!("could not remove {}", args.content);
    let path = content_path(&args.content, "");
    let removed: RemovedDocument = args.node.admin().send(&doing, "DELETE", &path, None::<&()>)?;
    output::document_or(args.json, &removed, || match (&removed.removed, &removed.kept) {
        (Some(path), _) => format!("removed  {}  with {}\n", args.content, path.display()),
        (None, Some(path)) => format!("removed  {}; {} stays\n", args.content, path.display()),
        (None, None) => format!("removed  {}\n", args.content),
    })
}
