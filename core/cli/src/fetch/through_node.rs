//! `samara fetch` without `--join`: the node of this machine fetches, this command watches. It survives a
//! restart of the node, and giving it again changes nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use samara_model::{ByteCount, ContentRef};
use samara_node::documents::{FetchDocument, FetchOrder};

use super::Args;
use crate::admin::Admin;
use crate::exit::Failure;
use crate::json::{Complete, Event};
use crate::output::Output;
use crate::signals::{Second, Stop};
use crate::through::Watch;

/// Fetches everything, one after the other to watch, all at once for the node.
///
/// # Errors
/// When no node answers, or a content cannot be fetched.
pub fn run(args: &Args, admin: &Admin) -> Result<(), Failure> {
    let output = Output::new(args.output_args);
    let stop = Stop::on_signals(Second::ExitsAtOnce)?;
    let orders = args.content.iter().map(|content| {
        let output = output_of(args, content)?;
        Ok(FetchOrder {
            content: content.to_string(),
            output,
            wait_ms: (args.wait != Duration::MAX).then_some(args.wait.as_millis() as u64),
            priority: args.priority,
            pin: args.pin,
        })
    });
    let orders = orders.collect::<Result<Vec<FetchOrder>, Failure>>()?;
    for order in &orders {
        let doing = format!("could not fetch {}", order.content);
        let _begun: FetchDocument = admin.send(&doing, "POST", "/v1/fetch", Some(order))?;
    }
    let mut failures = Vec::new();
    for order in &orders {
        let began = Instant::now();
        let told = Watch::new(order, args.wait, admin, &output, &stop).until_here();
        failures.extend(told.and_then(|told| done(&output, order, &told, began)).err());
    }
    let Some(last) = failures.pop() else { return Ok(()) };
    failures.iter().for_each(|failure| failure.report(args.output_args.json));
    Err(last)
}

/// Several contents go below one folder, each under its name.
fn output_of(args: &Args, content: &ContentRef) -> Result<Option<PathBuf>, Failure> {
    let Some(given) = &args.output else { return Ok(None) };
    let given = Path::new(given);
    let path = std::path::absolute(given)
        .map_err(|why| Failure::usage(format!("cannot use the output path: {why}")))?;
    if args.content.len() == 1 {
        return Ok(Some(path));
    }
    let name = content.to_string().replace('/', "_");
    Ok(Some(path.join(name)))
}

fn done(
    output: &Output,
    order: &FetchOrder,
    told: &FetchDocument,
    began: Instant,
) -> Result<(), Failure> {
    let content = &told.content;
    output.event(&Event::Complete(Complete {
        content: content.content.clone().unwrap_or_default(),
        output: told.output.display().to_string(),
        seconds: began.elapsed().as_secs_f64(),
        size_bytes: content.size_bytes,
        chunk_size: content.chunk_bytes,
        resumed_bytes: content.resumed_bytes,
        received_bytes: content.received_bytes,
        sent_bytes: content.sent_bytes,
        wasted_bytes: content.wasted_bytes,
        was_there: content.received_bytes == 0,
    }))?;
    let size = ByteCount(content.size_bytes);
    let name = &order.content;
    output.result(&format!("complete  {} is {name}, {size}", told.output.display()))
}
