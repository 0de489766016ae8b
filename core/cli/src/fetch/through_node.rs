//! `samara fetch` without `--join`: the node of this machine fetches, this command watches. It survives a
//! restart of the node, and giving it again changes nothing.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use samara_model::{ByteCount, ContentRef};
use samara_node::documents::{ContentDocument, FetchDocument, FetchOrder, WhyDocument};

use super::Args;
use crate::admin::{Admin, AskError, content_path};
use crate::exit::Failure;
use crate::json::{self, Complete, Event, Progress};
use crate::meter::{Meter, Speed};
use crate::output::Output;
use crate::signals::{Second, Stop};
use crate::through::{POLL, Patient};
use crate::units;

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
        let mut watch = Watch {
            order,
            wait: args.wait,
            silence: Silence::default(),
            patient: Patient::new(admin, &output),
            admin,
            output: &output,
            stop: &stop,
            meter: output.meter(),
            speed: Speed::default(),
            began: Instant::now(),
        };
        let ended = watch.until_done();
        watch.meter.clear();
        failures.extend(ended.err());
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

/// A node gives a fetch up by itself, after the longest wait of all its callers. Whoever has waited for so much longer
/// than he wanted has joined one that goes on.
const GRACE: Duration = Duration::from_secs(5);
/// Once chunks have come, a node goes on without a source for at least this time.
const LEAST: Duration = Duration::from_secs(15);

/// Since when nothing has happened to a content.
#[derive(Default)]
struct Silence(Option<(Instant, String, u64)>);

impl Silence {
    /// How long nothing has happened.
    fn look(&mut self, content: &ContentDocument, now: Instant) -> Duration {
        let received = content.received_bytes + content.done_bytes;
        match &self.0 {
            Some((since, state, bytes)) if (state, *bytes) == (&content.state, received) => {
                now.saturating_duration_since(*since)
            }
            _ => {
                self.0 = Some((now, content.state.clone(), received));
                Duration::ZERO
            }
        }
    }

    /// There is hope: look again a while later.
    fn forgive(&mut self) {
        if let Some((since, ..)) = &mut self.0 {
            *since += GRACE;
        }
    }
}

struct Watch<'a> {
    order: &'a FetchOrder,
    /// How long nothing may happen while nobody has what is missing.
    wait: Duration,
    silence: Silence,
    patient: Patient<'a>,
    admin: &'a Admin,
    output: &'a Output,
    stop: &'a Stop,
    meter: Meter,
    speed: Speed,
    began: Instant,
}

impl Watch<'_> {
    fn doing(&self) -> String {
        format!("could not fetch {}", self.order.content)
    }

    /// Gives the order, looks on while it is carried out, and gives it again until it is where it is wanted.
    fn until_done(&mut self) -> Result<(), Failure> {
        loop {
            let told = self.give_order()?;
            match told.state.as_str() {
                "here" => return self.done(&told),
                "copying" => {
                    self.meter
                        .show(0, 1, || format!("{}  copying it to its place", self.order.content));
                    self.pause()?;
                }
                _ => self.until_complete()?,
            }
        }
    }

    fn give_order(&mut self) -> Result<FetchDocument, Failure> {
        let body = serde_json::to_string(self.order)
            .map_err(|why| Failure::because(self.doing(), &why))?;
        let told = self.patient.ask("POST", "/v1/fetch", Some(&body));
        told.map_err(|error| self.admin.failure(&self.doing(), error))
    }

    /// Looks on until the content is complete on the node, or will not be.
    fn until_complete(&mut self) -> Result<(), Failure> {
        let path = content_path(&self.order.content, "");
        loop {
            let content: ContentDocument = match self.patient.ask("GET", &path, None) {
                Ok(content) => content,
                // It was killed before it had written the order down: give it again.
                Err(AskError::Refused { status: 404, .. }) if self.patient.was_gone() => {
                    return Ok(());
                }
                Err(error) => return Err(self.admin.failure(&self.doing(), error)),
            };
            self.show(&content)?;
            match content.state.as_str() {
                "complete" => return Ok(()),
                "failed" | "cancelled" | "withdrawn" => return Err(self.failed(&content)),
                _ => {
                    self.lose_patience(&content)?;
                    self.pause()?;
                }
            }
        }
    }

    /// Ends watching a fetch that others began and that nobody can serve: it goes on for them, and this caller does not
    /// wait for longer than it said.
    fn lose_patience(&mut self, content: &ContentDocument) -> Result<(), Failure> {
        let silent = self.silence.look(content, Instant::now());
        let started = if content.chunks > 0 { LEAST } else { Duration::ZERO };
        let waits = ["finding", "manifest", "transferring"].contains(&content.state.as_str());
        if !waits || silent < self.wait.max(started).saturating_add(GRACE) {
            return Ok(());
        }
        let path = content_path(&self.order.content, "/why");
        let why: WhyDocument = match self.patient.ask("GET", &path, None) {
            Ok(why) => why,
            // The next look at the content tells it.
            Err(AskError::Refused { .. }) => return Ok(()),
            Err(error) => return Err(self.admin.failure(&self.doing(), error)),
        };
        if why.sources > 0 || why.untried > 0 {
            self.silence.forgive();
            return Ok(());
        }
        let name = &self.order.content;
        let waited = units::for_people(self.wait);
        Err(Failure::new(self.doing(), format!("{} for {waited}", why.first_reason()))
            .still("the node goes on looking for it, as others asked for it, too")
            .next(format!(
                "repeat the command with a longer --wait; `samara cancel {name}` ends it for all"
            )))
    }

    fn pause(&self) -> Result<(), Failure> {
        if self.stop.is_set() {
            let name = &self.order.content;
            return Err(Failure::new(format!("stopped watching {name}"), "it was asked to stop")
                .still("the node goes on fetching it")
                .next(format!(
                    "repeat the command to watch again; `samara cancel {name}` ends it"
                )));
        }
        thread::sleep(POLL);
        Ok(())
    }

    fn failed(&self, content: &ContentDocument) -> Failure {
        let why = content.reason.clone().unwrap_or_else(|| format!("it was {}", content.state));
        let failure = Failure::new(self.doing(), why);
        if content.done_bytes == 0 {
            return failure;
        }
        let (done, total) = (ByteCount(content.done_bytes), ByteCount(content.size_bytes));
        failure
            .still(format!("{done} of {total} are verified and kept by the node"))
            .next("repeat the same command to go on from there")
    }

    fn show(&mut self, content: &ContentDocument) -> Result<(), Failure> {
        self.speed.record(Instant::now(), content.done_bytes.saturating_sub(content.resumed_bytes));
        self.output.event(&Event::Progress(Progress {
            at: json::now(),
            content: self.order.content.clone(),
            phase: content.state.clone(),
            reason: content.reason.clone(),
            done_bytes: content.done_bytes,
            total_bytes: content.size_bytes,
            received_bytes: content.received_bytes,
            sent_bytes: content.sent_bytes,
            wasted_bytes: content.wasted_bytes,
            neighbours: content.neighbours,
        }))?;
        let (name, speed) = (&self.order.content, &self.speed);
        self.meter.show(content.done_bytes, content.size_bytes, || line(name, content, speed));
        Ok(())
    }

    fn done(&self, told: &FetchDocument) -> Result<(), Failure> {
        let content = &told.content;
        self.output.event(&Event::Complete(Complete {
            content: content.content.clone().unwrap_or_default(),
            output: told.output.display().to_string(),
            seconds: self.began.elapsed().as_secs_f64(),
            size_bytes: content.size_bytes,
            chunk_size: content.chunk_bytes,
            resumed_bytes: content.resumed_bytes,
            received_bytes: content.received_bytes,
            sent_bytes: content.sent_bytes,
            wasted_bytes: content.wasted_bytes,
            was_there: content.received_bytes == 0,
        }))?;
        let size = ByteCount(content.size_bytes);
        let name = &self.order.content;
        self.output.result(&format!("complete  {} is {name}, {size}", told.output.display()))
    }
}

fn line(name: &str, content: &ContentDocument, speed: &Speed) -> String {
    let total = ByteCount(content.size_bytes);
    let share = units::per_cent(content.done_bytes, content.size_bytes);
    let peers = units::count(content.neighbours, "peer");
    match (content.state.as_str(), &content.reason) {
        ("finding", _) => format!("{name}  finding peers"),
        ("manifest", _) => format!("{name}  fetching the manifest  {peers}"),
        ("transferring", _) => {
            let now = units::speed(speed.per_second());
            let left = speed.time_for(content.size_bytes.saturating_sub(content.done_bytes));
            let left = left
                .map_or("stalled".to_owned(), |left| format!("{} left", units::for_people(left)));
            format!("{name}  {share} % of {total}  {now}  {peers}  {left}")
        }
        (state, Some(reason)) => format!("{name}  {state}: {reason}  {share} % of {total}"),
        (state, None) => format!("{name}  {state}  {share} % of {total}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_the_time_since_bytes_came_or_the_state_changed() {
        let mut silence = Silence::default();
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let content = |state: &str, done_bytes| ContentDocument {
            state: state.to_owned(),
            done_bytes,
            ..ContentDocument::default()
        };
        assert_eq!(silence.look(&content("finding", 0), at(0)), Duration::ZERO);
        assert_eq!(silence.look(&content("finding", 0), at(9)), Duration::from_secs(9));
        assert_eq!(silence.look(&content("transferring", 0), at(10)), Duration::ZERO);
        assert_eq!(silence.look(&content("transferring", 7), at(11)), Duration::ZERO);
        assert_eq!(silence.look(&content("transferring", 7), at(18)), Duration::from_secs(7));
        silence.forgive();
        assert_eq!(silence.look(&content("transferring", 7), at(19)), Duration::from_secs(3));
    }
}
