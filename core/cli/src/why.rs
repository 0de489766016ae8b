//! `samara why`: why a content stands where it stands.

use std::fmt::Write as _;
use std::time::Duration;

use samara_model::ByteCount;
use samara_node::documents::{ExchangeDocument, TransferDocument, WhyDocument};

use crate::admin::{NodeArg, content_path};
use crate::exit::Failure;
use crate::output;
use crate::units;

/// Say why a content is not further: what is missing, who has it, what keeps it and what to do; of a complete one,
/// where the time went.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A content id, at least its first 6 digits, or NAME@VERSION
    content: String,
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
    let doing = format!("could not ask why {} is not further", args.content);
    let why: WhyDocument = args.node.admin().get(&doing, &content_path(&args.content, "/why"))?;
    output::document_or(args.json, &why, || in_words(&args.content, &why))
}

fn in_words(name: &str, why: &WhyDocument) -> String {
    let mut text = String::new();
    let _ = match why.missing_chunks {
        0 => writeln!(text, "{name} is {}", why.state),
        missing => writeln!(
            text,
            "{name} is {}: {missing} of {} chunks are missing, {}, and come at {}",
            why.state,
            why.chunks,
            ByteCount(why.missing_bytes),
            units::speed(why.received_bytes_per_second as f64)
        ),
    };
    for reason in &why.reasons {
        let _ = writeln!(text, "  {:<20} {}", reason.code, reason.text);
        let _ = writeln!(text, "  {:<20} {}", "", reason.remedy);
    }
    for phase in &why.phases {
        let took = span(phase.seconds);
        let _ = writeln!(text, "  {:<20} {took}", phase.name);
    }
    match (&why.transfer, why.bound_seconds) {
        (Some(transfer), _) => add_transfer(&mut text, transfer),
        (None, Some(bound)) => {
            let span = span(bound);
            let _ = writeln!(text, "  at the cap on what is received it takes {span} at least");
        }
        (None, None) => {}
    }
    let ExchangeDocument { offers, declined_busy, declined_have, expired, served, requests } =
        why.exchange;
    if offers + served + requests + expired > 0 {
        let _ = writeln!(
            text,
            "  {offers} offers sent ({declined_busy} declined as busy, {declined_have} as not needed), {served} chunks \
             served, {requests} requested, {expired} promises expired"
        );
    }
    text
}

fn span(seconds: f64) -> String {
    units::for_people(Duration::from_secs_f64(seconds.clamp(0.0, 1e9)))
}

/// The limit, and where the distance to it went.
fn add_transfer(text: &mut String, transfer: &TransferDocument) {
    let line = units::speed(transfer.line_bytes_per_second as f64);
    if transfer.line_from == "whole-transfer" {
        let _ = writeln!(
            text,
            "  it took {}: {} came at {line}, in too short a time to tell what the line carries; besides",
            span(transfer.took_seconds),
            ByteCount(transfer.fetched_bytes),
        );
        add_losses(text, transfer);
        return;
    }
    let known = if transfer.line_from == "cap" { "its cap" } else { "its fastest second" };
    let _ = writeln!(
        text,
        "  it took {}; {} for {} nodes take {} at least, over a line of {line} ({known})",
        span(transfer.took_seconds),
        ByteCount(transfer.fetched_bytes),
        transfer.receivers,
        span(transfer.limit_seconds),
    );
    if let Some(ratio) = transfer.ratio_to_limit {
        let _ = writeln!(text, "  {ratio:.2} times the limit; the rest went to");
    }
    add_losses(text, transfer);
}

fn add_losses(text: &mut String, transfer: &TransferDocument) {
    for loss in &transfer.losses {
        let _ = writeln!(text, "  {:<20} {:<8} {}", loss.code, span(loss.seconds), loss.text);
    }
}
