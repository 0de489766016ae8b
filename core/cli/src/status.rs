//! `samara status`: the node as a whole.

use std::fmt::Write as _;
use std::time::Duration;

use samara_model::{ByteCount, BytesPerSecond};
use samara_node::documents::{StatusDocument, StorageDocument, TrafficDocument};

use crate::admin::NodeArg;
use crate::exit::Failure;
use crate::output;
use crate::units;

/// Waiting fetches that are named one by one.
const WAITING_NAMED: usize = 3;

/// Show how the node of this machine stands.
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
    let status: StatusDocument =
        args.node.admin().get("could not ask for the status", "/v1/status")?;
    output::document_or(args.json, &status, || in_words(&status))
}

fn in_words(status: &StatusDocument) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<10} {value}");
    };
    let up = units::for_people(Duration::from_secs_f64(status.uptime_seconds.clamp(0.0, 1e9)));
    line(
        "node",
        format!("{}  {}, up {up}, samara {}", short(&status.peer), status.state, status.samara),
    );
    let listens = if status.listen == status.advertise {
        status.listen.clone()
    } else {
        format!("{}, others dial {}", status.listen, status.advertise)
    };
    line("address", format!("{listens}  cluster {}  {}", status.cluster, status.roles.join(", ")));
    if !status.labels.is_empty() {
        let labels = status.labels.iter().map(|(key, value)| format!("{key}={value}"));
        line("labels", labels.collect::<Vec<_>>().join(" "));
    }
    let members = match status.members {
        Some(count) => format!("{count} members up, "),
        None => String::new(),
    };
    line("others", format!("{members}{} linked", status.links));
    line("contents", contents(status));
    if let Some(waiting) = waiting(status) {
        line("waiting", waiting);
    }
    line("traffic", traffic(&status.traffic));
    line("limits", limits(status));
    line("storage", storage(&status.storage));
    let policy = &status.policy;
    let quarantined =
        if policy.quarantined { "  in quarantine: the built-in one answers" } else { "" };
    line("policy", format!("{} {}{quarantined}", policy.name, policy.version));
    let process = &status.process;
    line(
        "process",
        format!(
            "{}  {} resident, {:.1} s of processor, {} threads, {} open files",
            process.pid,
            ByteCount(process.resident_bytes),
            process.cpu_seconds,
            process.threads,
            process.open_files
        ),
    );
    text
}

fn contents(status: &StatusDocument) -> String {
    if status.contents.is_empty() {
        return "none".to_owned();
    }
    let counts = status.contents.iter().map(|(state, count)| format!("{count} {state}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// What has waited for too long, the longest first; `None` while nothing has.
pub fn waiting(status: &StatusDocument) -> Option<String> {
    let told = status.waiting.iter().take(WAITING_NAMED).map(|one| {
        let since = units::for_people(Duration::from_secs_f64(one.seconds.clamp(0.0, 1e9)));
        let what = match one.code.as_str() {
            "unknown-name" => "nobody knows this name",
            _ => "nothing comes",
        };
        format!("{} for {since} ({what})", shown(&one.content))
    });
    let told: Vec<String> = told.collect();
    let (first, more) = (status.waiting.first()?, status.waiting_count);
    let more = more.saturating_sub(told.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let why = shown(&first.content);
    Some(format!("{}{more}: `samara why {why}` says why", told.join(", ")))
}

/// Ids are long, names are not.
fn shown(content: &str) -> &str {
    if content.contains('@') { content } else { short(content) }
}

fn traffic(traffic: &TrafficDocument) -> String {
    format!(
        "{} in all received at {}, {} sent at {}",
        ByteCount(traffic.received_bytes),
        units::speed(traffic.received_bytes_per_second as f64),
        ByteCount(traffic.sent_bytes),
        units::speed(traffic.sent_bytes_per_second as f64)
    )
}

fn limits(status: &StatusDocument) -> String {
    let cap = |limit: Option<u64>| match limit {
        Some(rate) => BytesPerSecond(rate).to_string(),
        None => "no cap".to_owned(),
    };
    let limits = &status.limits;
    format!("{} down, {} up", cap(limits.down_bytes_per_second), cap(limits.up_bytes_per_second))
}

fn storage(storage: &StorageDocument) -> String {
    let quota =
        storage.quota_bytes.map_or(String::new(), |quota| format!(" of {}", ByteCount(quota)));
    let free = storage.free_bytes.map_or(String::new(), |free| {
        format!(
            ", {} free (at least {} stay so)",
            ByteCount(free),
            ByteCount(storage.min_free_bytes)
        )
    });
    format!("{}{quota} in {}{free}", ByteCount(storage.used_bytes), storage.data.display())
}

/// Enough of an id to tell two apart, and to name it with.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use samara_node::documents::WaitingDocument;

    #[test]
    fn what_waits_for_too_long_is_named_with_the_command_that_says_why() {
        let waits = |content: &str, code: &str, seconds| WaitingDocument {
            content: content.to_owned(),
            code: code.to_owned(),
            seconds,
        };
        let mut status: StatusDocument = serde_json::from_value(serde_json::json!({
            "version": 1, "samara": "", "state": "ready", "peer": "", "cluster": "", "listen": "",
            "advertise": "", "roles": [], "labels": {}, "uptime_seconds": 1.0, "members": null,
            "links": 0, "contents": {}, "traffic": serde_json::to_value(TrafficDocument::default()).unwrap(),
            "limits": {}, "storage": serde_json::to_value(StorageDocument::default()).unwrap(),
            "policy": { "name": "", "version": "", "quarantined": false },
            "process": serde_json::to_value(samara_node::documents::ProcessDocument::default()).unwrap(),
        }))
        .expect("a node without the newer keys is understood");
        assert_eq!(waiting(&status), None);
        status.waiting_count = 5;
        status.waiting = vec![
            waits("llama@2.1", "unknown-name", 180.0),
            waits("1c611887363fad5a", "stalled", 42.0),
        ];
        let text = waiting(&status).expect("two wait");
        for words in [
            "llama@2.1 for ",
            "(nobody knows this name), 1c611887363f for ",
            "(nothing comes) and 3 more: `samara why llama@2.1` says why",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
