//! `samara peers`: whom the node knows, and who has a content.

use std::collections::BTreeMap;
use std::time::Duration;

use samara_model::ByteCount;
use samara_node::documents::{MembersDocument, PeersDocument};

use crate::admin::{NodeArg, content_path};
use crate::exit::Failure;
use crate::output;
use crate::status::short;
use crate::table::{Column, table};
use crate::units;

/// Show who has a content, how that is known and how old the news is; without a content, whom the node knows.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A content id, at least its first 6 digits, or NAME@VERSION
    content: Option<String>,
    #[command(flatten)]
    node: NodeArg,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When no node answers, or it does not know the content.
pub fn run(args: &Args) -> Result<(), Failure> {
    let admin = args.node.admin();
    match &args.content {
        Some(content) => {
            let doing = format!("could not ask who has {content}");
            let peers: PeersDocument = admin.get(&doing, &content_path(content, "/peers"))?;
            output::document_or(args.json, &peers, || holders(&peers))
        }
        None => {
            let members: MembersDocument =
                admin.get("could not ask for the members", "/v1/peers")?;
            output::document_or(args.json, &members, || all(&members))
        }
    }
}

fn age(seconds: f64) -> String {
    units::for_people(Duration::from_secs_f64(seconds.clamp(0.0, 1e9)))
}

fn labels(labels: &BTreeMap<String, String>) -> String {
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    labels.join(" ")
}

fn holders(document: &PeersDocument) -> String {
    if document.peers.is_empty() {
        return format!("nobody is known to have {}\n", short(&document.content));
    }
    let columns = [
        Column::Text("PEER"),
        Column::Text("ADDRESS"),
        Column::Number("HAS"),
        Column::Number("CHUNKS"),
        Column::Text("SOURCE"),
        Column::Number("AGE"),
        Column::Text("LABELS"),
    ];
    let rows = document.peers.iter().map(|peer| {
        let chunks =
            peer.chunks.map_or("-".to_owned(), |some| format!("{some}/{}", document.chunks));
        vec![
            short(&peer.peer).to_owned(),
            peer.address.clone(),
            format!("{:.1} %", f64::from(peer.permille) / 10.0),
            chunks,
            peer.source.clone(),
            age(peer.age_seconds),
            labels(&peer.labels),
        ]
    });
    table(&columns, &rows.collect::<Vec<_>>())
}

fn all(document: &MembersDocument) -> String {
    if document.members.is_empty() {
        return "nobody is known yet: `node.join` names any node of the cluster\n".to_owned();
    }
    let columns = [
        Column::Text("PEER"),
        Column::Text("ADDRESS"),
        Column::Text("SOURCE"),
        Column::Number("RECEIVED"),
        Column::Number("SENT"),
        Column::Number("KNOWN FOR"),
        Column::Text("LABELS"),
    ];
    let rows = document.members.iter().map(|member| {
        vec![
            short(&member.peer).to_owned(),
            member.address.clone(),
            member.source.clone(),
            ByteCount(member.received_bytes).to_string(),
            ByteCount(member.sent_bytes).to_string(),
            member.age_seconds.map_or("-".to_owned(), age),
            labels(&member.labels),
        ]
    });
    table(&columns, &rows.collect::<Vec<_>>())
}
