//! `samara unpin`.

use samara_node::documents::ContentDocument;

use crate::admin::OneContent;
use crate::contents::name;
use crate::exit::Failure;
use crate::output;

/// Let a content be evicted again.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub of: OneContent,
}

/// Runs the command.
///
/// # Errors
/// When no node answers, or it refuses.
pub fn run(args: &Args) -> Result<(), Failure> {
    let content: ContentDocument = args.of.send("unpin", "DELETE", "/pin")?;
    output::document_or(args.of.json, &content, || {
        format!("not pinned any more  {}\n", name(&content))
    })
}
