//! `samara contents`: what the node takes part in.

use samara_model::ByteCount;
use samara_node::documents::{ContentDocument, ContentsDocument};

use crate::admin::NodeArg;
use crate::exit::Failure;
use crate::output;
use crate::status::short;
use crate::table::{Column, table};
use crate::units;

/// List what the node of this machine publishes, fetches and keeps.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    node: NodeArg,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When no node answers.
pub fn run(args: &Args) -> Result<(), Failure> {
    let all: ContentsDocument = args.node.admin().get("could not list contents", "/v1/contents")?;
    output::document_or(args.json, &all, || in_words(&all.contents))
}

const COLUMNS: [Column; 9] = [
    Column::Text("CONTENT"),
    Column::Text("RELEASE"),
    Column::Text("STATE"),
    Column::Number("DONE"),
    Column::Number("SIZE"),
    Column::Number("IN"),
    Column::Number("OUT"),
    Column::Number("PEERS"),
    Column::Text("PATH"),
];

fn in_words(contents: &[ContentDocument]) -> String {
    if contents.is_empty() {
        return "no contents: `samara publish PATH --name NAME --version V` or `samara fetch NAME@VERSION` \
                bring some\n"
            .to_owned();
    }
    let mut text = table(&COLUMNS, &contents.iter().map(row).collect::<Vec<_>>());
    for content in contents.iter().filter(|content| content.reason.is_some()) {
        let reason = content.reason.as_deref().unwrap_or_default();
        text.push_str(&format!("{} {}: {reason}\n", name(content), content.state));
    }
    text
}

fn row(content: &ContentDocument) -> Vec<String> {
    let moves = |rate: u64| if rate == 0 { "-".to_owned() } else { units::speed(rate as f64) };
    let pin = if content.pinned { " (pinned)" } else { "" };
    vec![
        content.content.as_deref().map_or("-", short).to_owned(),
        content.release.clone().unwrap_or_else(|| "-".to_owned()),
        content.state.clone(),
        format!("{} %", units::per_cent(content.done_bytes, content.size_bytes)),
        if content.size_bytes == 0 {
            "-".to_owned()
        } else {
            ByteCount(content.size_bytes).to_string()
        },
        moves(content.received_bytes_per_second),
        moves(content.sent_bytes_per_second),
        content.neighbours.to_string(),
        format!("{}{pin}", content.path.display()),
    ]
}

/// A release, or the first digits of an id.
pub fn name(content: &ContentDocument) -> String {
    let id = || content.content.as_deref().map_or("-", short).to_owned();
    content.release.clone().unwrap_or_else(id)
}
