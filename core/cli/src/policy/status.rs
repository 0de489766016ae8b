//! `samara policy status`: which policies a running node has, and how they fare.

use std::fmt::Write as _;

use samara_node::{HookRow, PolicyRow, PolicyStatus};
use serde::Serialize;

use crate::admin::NodeArg;
use crate::exit::Failure;
use crate::output;

/// Show which policies a running node has, and how they fare.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    node: NodeArg,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// When no node answers.
pub fn run(args: &Args) -> Result<(), Failure> {
    let status = args.node.admin().get("could not ask for the policies", "/v1/policy")?;
    show(&status, args.json)
}

/// Wants something changed; the answer is the status afterwards.
///
/// # Errors
/// When no node answers, or it refuses.
pub fn change(
    node: &NodeArg,
    doing: &str,
    path: &str,
    body: &impl Serialize,
) -> Result<PolicyStatus, Failure> {
    let changed = node.admin().send(doing, "POST", path, Some(body));
    changed.map_err(|failure| failure.still("the active policy stays active"))
}

/// Prints a status.
///
/// # Errors
/// When stdout is closed.
pub fn show(status: &PolicyStatus, json: bool) -> Result<(), Failure> {
    output::document_or(json, status, || in_words(status))
}

fn in_words(status: &PolicyStatus) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "generation {}", status.generation);
    row(&mut text, "active", &status.active);
    if status.quarantined {
        text.push_str(
            "         in quarantine: it went on failing, and the built-in policy answers in its place\n",
        );
    }
    if let Some(shadow) = &status.shadow {
        row(&mut text, "shadow", shadow);
    }
    if let Some(previous) = &status.previous {
        let _ = writeln!(
            text,
            "previous {} {}  {}",
            previous.name,
            previous.version,
            short(&previous.id)
        );
    }
    text
}

fn row(text: &mut String, role: &str, row: &PolicyRow) {
    let policy = &row.policy;
    let _ = writeln!(
        text,
        "{role:<8} {} {}  {}  {}  {} answers",
        policy.name,
        policy.version,
        short(&policy.id),
        row.condition,
        row.calls
    );
    if !policy.file.is_empty() {
        let _ = writeln!(text, "         {}", policy.file);
    }
    let parameters: Vec<String> =
        row.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !parameters.is_empty() {
        let _ = writeln!(text, "         {}", parameters.join(" "));
    }
    row.hooks.iter().for_each(|hook| hook_row(text, hook));
    if row.memory_bytes > 0 {
        let memory = samara_model::ByteCount(row.memory_bytes);
        let _ = writeln!(text, "         {memory} of memory at most, in each thread that asks");
    }
    if let Some(fault) = &row.last_fault {
        let _ = writeln!(text, "         last fault: it {fault}");
    }
}

fn hook_row(text: &mut String, hook: &HookRow) {
    let _ = write!(
        text,
        "         {:<10} {:>8} calls  {:>6} us median  {:>6} us p99",
        hook.hook, hook.calls, hook.p50_us, hook.p99_us
    );
    if hook.fuel > 0 {
        let _ = write!(text, "  {:>8} fuel each", hook.fuel / hook.calls.max(1));
    }
    if hook.same + hook.differs > 0 {
        let _ = write!(text, "  {} same  {} other", hook.same, hook.differs);
    }
    if hook.skipped > 0 {
        let _ = write!(text, "  {} skipped", hook.skipped);
    }
    for (why, times) in &hook.fallbacks {
        let _ = write!(text, "  {times} {why}");
    }
    text.push('\n');
}

/// Enough of a hash to tell two apart.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
