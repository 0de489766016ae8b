//! One fetch from its first moment to its result: progress lines, events, and the words of failure.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use samara_model::{ByteCount, ContentRef};
use samara_node::{FetchError, FetchHandle, FetchPhase, FetchProgress, Fetched};

use super::plan::{Target, kept_words};
use crate::exit::Failure;
use crate::json::{self, Complete, Event, Progress};
use crate::meter::{Meter, Speed};
use crate::output::Output;
use crate::signals::Stop;
use crate::units;

/// Longest time without looking at the signals.
pub const TICK: Duration = Duration::from_millis(100);
/// Pause between two events: more of them cost one per cent of a small machine that runs dozens of fetches.
pub const EVENT_PAUSE: Duration = Duration::from_millis(250);
/// Without a change, an event is still repeated this often, as a sign of life.
pub const HEARTBEAT: Duration = Duration::from_secs(1);
/// Changes come by the thousand: looking at 40 of them per second is enough for a person, and elsewhere the
/// signals decide.
const BREATH: Duration = Duration::from_millis(25);

/// Watches one fetch.
pub struct Watch<'a> {
    target: &'a Target,
    handle: &'a FetchHandle,
    state: &'a Path,
    output: &'a Output,
    stop: &'a Stop,
    meter: Meter,
    speed: Speed,
    events: Events,
}

impl<'a> Watch<'a> {
    /// A watch that shows itself on `output`.
    pub fn new(
        target: &'a Target,
        handle: &'a FetchHandle,
        state: &'a Path,
        output: &'a Output,
        stop: &'a Stop,
    ) -> Self {
        let (meter, speed, events) = (output.meter(), Speed::default(), Events::default());
        Watch { target, handle, state, output, stop, meter, speed, events }
    }

    /// Shows progress until there is a result.
    ///
    /// # Errors
    /// When the fetch failed, was stopped, or stdout was closed.
    pub fn until_done(mut self) -> Result<Fetched, Failure> {
        loop {
            let progress = self.handle.wait_change(TICK);
            if let Some(result) = self.handle.result() {
                self.meter.clear();
                return self.finish(result);
            }
            if self.stop.is_set() {
                self.handle.cancel();
                self.meter.clear();
                return Err(self.stopped(&progress));
            }
            if let Err(failure) = self.show(&progress) {
                self.handle.cancel();
                return Err(failure);
            }
            if !nearly_done(&progress) {
                thread::sleep(if self.output.has_bars() { BREATH } else { TICK });
            }
        }
    }

    fn show(&mut self, progress: &FetchProgress) -> Result<(), Failure> {
        let now = Instant::now();
        self.speed.record(now, progress.done.0.saturating_sub(progress.resumed.0));
        let (speed, target) = (&self.speed, self.target);
        self.meter.show(progress.done.0, progress.total.0, || line(target, progress, speed));
        if self.events.are_due(now, progress) {
            self.output.event(&progress_event(self.target, progress))?;
        }
        Ok(())
    }

    fn finish(&self, result: Result<Fetched, FetchError>) -> Result<Fetched, Failure> {
        let fetched = result.map_err(|error| self.failed(&error))?;
        self.output.event(&progress_event(self.target, &fetched.progress))?;
        self.output.event(&Event::Complete(complete_event(&fetched)))?;
        self.output.note(&done_line(self.target, &fetched));
        Ok(fetched)
    }

    fn failed(&self, error: &FetchError) -> Failure {
        let Target { content, output } = self.target;
        let doing = format!("could not fetch {content} to {}", output.display());
        self.with_kept(Failure::new(doing, reason(error)), &self.handle.progress())
    }

    fn stopped(&self, progress: &FetchProgress) -> Failure {
        let doing = format!("stopped before {} was complete", self.target.content);
        self.with_kept(Failure::new(doing, "it was asked to stop"), progress)
    }

    fn with_kept(&self, failure: Failure, progress: &FetchProgress) -> Failure {
        match kept_words(progress.done, progress.total, self.state) {
            Some(kept) => failure.still(kept).next("repeat the same command to go on from there"),
            None => failure.still("nothing was fetched, nothing was changed"),
        }
    }
}

/// What the error says beyond what was being done, which the first line of the failure says.
fn reason(error: &FetchError) -> String {
    let text = error.to_string();
    let beyond = text.strip_prefix("cannot fetch ").and_then(|rest| rest.split_once(": "));
    beyond.map_or(text.clone(), |(_, reason)| reason.to_owned())
}

/// Whether the result is so near that it must not be missed by a breath.
fn nearly_done(progress: &FetchProgress) -> bool {
    let missing = progress.total.0.saturating_sub(progress.done.0);
    match progress.phase {
        FetchPhase::Finishing | FetchPhase::Complete => true,
        FetchPhase::Transferring => missing <= progress.total.0 / 32,
        _ => false,
    }
}

/// Decides when an event is due: at most four per second, at least one.
#[derive(Default)]
struct Events {
    last: Option<(Instant, FetchProgress)>,
}

impl Events {
    fn are_due(&mut self, now: Instant, progress: &FetchProgress) -> bool {
        let due = self.last.as_ref().is_none_or(|(at, before)| {
            let pause = if before == progress { HEARTBEAT } else { EVENT_PAUSE };
            now.duration_since(*at) >= pause
        });
        if due {
            self.last = Some((now, progress.clone()));
        }
        due
    }
}

/// The event for a moment of a fetch.
pub fn progress_event(target: &Target, progress: &FetchProgress) -> Event {
    let reason = match &progress.phase {
        FetchPhase::Parked { reason } => Some(reason.clone()),
        _ => None,
    };
    Event::Progress(Progress {
        at: json::now(),
        content: target.content.to_string(),
        phase: progress.phase.word().to_owned(),
        reason,
        done_bytes: progress.done.0,
        total_bytes: progress.total.0,
        received_bytes: progress.received.0,
        sent_bytes: progress.sent.0,
        wasted_bytes: progress.wasted.0,
        neighbours: progress.neighbours,
    })
}

fn complete_event(fetched: &Fetched) -> Complete {
    Complete {
        content: fetched.content.to_string(),
        output: fetched.output.display().to_string(),
        seconds: fetched.took.as_secs_f64(),
        size_bytes: fetched.size.0,
        chunk_size: fetched.chunk_size,
        resumed_bytes: fetched.progress.resumed.0,
        received_bytes: fetched.progress.received.0,
        sent_bytes: fetched.progress.sent.0,
        wasted_bytes: fetched.progress.wasted.0,
        was_there: fetched.was_there,
    }
}

/// One line of progress for a person.
fn line(target: &Target, progress: &FetchProgress, speed: &Speed) -> String {
    let content = short_name(target);
    let FetchProgress { done, total, .. } = progress;
    let peers = units::count(progress.neighbours, "peer");
    let amount = || format!("{} % of {total}", units::per_cent(done.0, total.0));
    match &progress.phase {
        FetchPhase::Finding => format!("{content}  finding peers"),
        FetchPhase::Manifest => format!("{content}  fetching the manifest  {peers}"),
        FetchPhase::Checking => format!("{content}  checking what is here  {}", amount()),
        FetchPhase::Parked { reason } => format!("{content}  parked: {reason}  {}", amount()),
        FetchPhase::Finishing => format!("{content}  finishing  {}", amount()),
        FetchPhase::Complete => format!("{content}  complete  {total}"),
        FetchPhase::Transferring => {
            let now = units::speed(speed.per_second());
            let left = speed.time_for(total.0.saturating_sub(done.0));
            let left = left
                .map_or("stalled".to_owned(), |left| format!("{} left", units::for_people(left)));
            format!("{content}  {}  {now}  {peers}  {left}", amount())
        }
    }
}

/// A release as it is, an id by its first digits.
fn short_name(target: &Target) -> String {
    match &target.content {
        ContentRef::Id(id) => id.short().to_string(),
        ContentRef::Release(release) => release.to_string(),
    }
}

fn done_line(target: &Target, fetched: &Fetched) -> String {
    let Fetched { output, size, took, was_there, progress, .. } = fetched;
    let (content, output) = (short_name(target), output.display());
    if *was_there {
        return format!("already there  {output} is {content}, {size}");
    }
    let fresh = size.0.saturating_sub(progress.resumed.0);
    let speed = units::speed(fresh as f64 / took.as_secs_f64().max(0.001));
    let resumed = match progress.resumed {
        ByteCount(0) => String::new(),
        resumed => format!(", {resumed} of it from before"),
    };
    format!(
        "complete  {output} is {content}, {size} in {} ({speed}){resumed}",
        units::for_people(*took)
    )
}
