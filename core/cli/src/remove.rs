//! `samara remove`.

use samara_node::documents::RemovedDocument;

use crate::admin::OneContent;
use crate::exit::Failure;
use crate::output;

/// Stop serving a content and forget it. Its files are removed where they lie in the data directory; files that
/// you published or fetched to a place of your own stay.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub of: OneContent,
}

/// Runs the command.
///
/// # Errors
/// When no node answers, or files cannot be removed.
pub fn run(args: &Args) -> Result<(), Failure> {
    let removed: RemovedDocument = args.of.send("remove", "DELETE", "")?;
    output::document_or(args.of.json, &removed, || match (&removed.removed, &removed.kept) {
        (Some(path), _) => format!("removed  {}  with {}\n", args.of.content, path.display()),
        (None, Some(path)) => format!("removed  {}; {} stays\n", args.of.content, path.display()),
        (None, None) => format!("removed  {}\n", args.of.content),
    })
}
