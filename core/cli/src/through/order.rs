//! An order to fetch that a node of this machine carries out, looked on until it is done. That survives a restart of the
//! node, and giving the order again changes nothing.

use std::thread;
use std::time::{Duration, Instant};

use samara_model::ByteCount;
use samara_node::documents::{ContentDocument, FetchDocument, FetchOrder, WhyDocument};

use super::{POLL, Patient};
use crate::admin::{Admin, AskError, content_path};
use crate::exit::Failure;
use crate::json::{self, Event, Progress};
use crate::meter::{Meter, Speed};
use crate::output::Output;
use crate::signals::Stop;
use crate::units;

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

/// Somebody who gave an order and looks on.
pub struct Watch<'a> {
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
}

impl<'a> Watch<'a> {
    /// Nothing is asked yet.
    pub fn new(
        order: &'a FetchOrder,
        wait: Duration,
        admin: &'a Admin,
        output: &'a Output,
        stop: &'a Stop,
    ) -> Watch<'a> {
        Watch {
            order,
            wait,
            silence: Silence::default(),
            patient: Patient::new(admin, output),
            admin,
            output,
            stop,
            meter: output.meter(),
            speed: Speed::default(),
        }
    }

    /// Gives the order, looks on while it is carried out, and gives it again until the content is where it is wanted.
    ///
    /// # Errors
    /// When the node does not come back, the content cannot be fetched, or nobody has it for longer than this caller
    /// waits.
    pub fn until_here(mut self) -> Result<FetchDocument, Failure> {
        let ended = self.look_on();
        self.meter.clear();
        ended
    }

    fn doing(&self) -> String {
        format!("could not fetch {}", self.order.content)
    }

    fn look_on(&mut self) -> Result<FetchDocument, Failure> {
        loop {
            let told = self.give_order()?;
            match told.state.as_str() {
                "here" => return Ok(told),
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
