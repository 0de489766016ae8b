//! `samara cancel`.

use samara_node::documents::ContentDocument;

use crate::admin::OneContent;
use crate::contents::name;
use crate::exit::Failure;
use crate::output;

/// End a fetch or a publication that is under way. What came stays, and the same fetch goes on from there.
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
    let content: ContentDocument = args.of.send("cancel", "POST", "/cancel")?;
    output::document_or(args.of.json, &content, || format!("cancelled  {}\n", name(&content)))
}
