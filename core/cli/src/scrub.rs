//! `samara scrub`.

use samara_model::ByteCount;
use samara_node::documents::ScrubDocument;

use crate::admin::{NodeArg, content_path};
use crate::exit::Failure;
use crate::output;

/// Read a complete content again and compare it with its hashes. What is wrong is not served any more.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A content id, at least its first 6 digits, or NAME@VERSION
    content: String,
    #[command(flatten)]
    node: NodeArg,
    /// Print what was found as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When no node answers, or the content is damaged.
pub fn run(args: &Args) -> Result<(), Failure> {
    let doing = format!("could not scrub {}", args.content);
    let path = content_path(&args.content, "/scrub");
    let found: ScrubDocument = args.node.admin().send_patiently(&doing, "POST", &path)?;
    output::document_or(args.json, &found, || {
        let bytes = ByteCount(found.bytes);
        format!(
            "read  {}  {bytes} in {} chunks, {} bad\n",
            args.content,
            found.chunks,
            found.bad_chunks.len()
        )
    })?;
    match (&found.reason, found.bad_chunks.len()) {
        (None, 0) => Ok(()),
        (Some(why), 0) => Err(Failure::new(doing, why)),
        (_, bad) => Err(Failure::new(
            format!("{} is damaged", args.content),
            format!("{bad} chunks are wrong"),
        )
        .still("nothing of it is served any more")
        .next("look at the disk, remove the content and fetch it again")),
    }
}
