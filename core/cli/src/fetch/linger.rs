//! After a fetch is done: going on serving others, until the time is over or nothing is left to serve.

use std::collections::BTreeSet;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use samara_model::{ByteCount, ContentId};
use samara_node::{FetchPhase, FetchProgress, Fetched, Node, Notice};

use super::plan::Target;
use super::watch::{EVENT_PAUSE, HEARTBEAT, progress_event};
use crate::exit::Failure;
use crate::meter::{Meter, Speed};
use crate::output::Output;
use crate::signals::Stop;
use crate::units::{self, Linger};

/// Finished contents that are still served.
pub struct Lingering<'a> {
    /// The node that serves them.
    pub node: &'a Node,
    /// What is served, in the order of `targets`.
    pub fetched: &'a [Fetched],
    /// What was asked for.
    pub targets: &'a [Target],
    /// Where it is shown.
    pub output: &'a Output,
}

impl Lingering<'_> {
    /// Serves for `how_long` and returns the bytes that were sent since the fetch began.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn run(
        &self,
        how_long: Linger,
        notices: &Receiver<Notice>,
        stop: &Stop,
    ) -> Result<u64, Failure> {
        let end = match how_long {
            Linger::None => return Ok(self.sent()),
            Linger::For(span) => Some(Instant::now() + span),
            Linger::Forever => None,
        };
        let mut withdrawn = BTreeSet::new();
        let mut shown = Shown::new(self);
        while !stop.is_set() && end.is_none_or(|end| Instant::now() < end) {
            if let Some(Notice::SourceChanged { content, .. }) =
                super::tell_next(notices, self.output)?
            {
                withdrawn.insert(content);
            }
            if self.fetched.iter().all(|fetched| withdrawn.contains(&fetched.content)) {
                self.output.note("nothing is left to serve");
                break;
            }
            shown.refresh(self)?;
        }
        shown.meter.clear();
        Ok(self.sent())
    }

    fn sent(&self) -> u64 {
        self.fetched.iter().map(|fetched| self.traffic(fetched.content, fetched).sent.0).sum()
    }

    fn traffic(&self, content: ContentId, fetched: &Fetched) -> FetchProgress {
        let traffic = self.node.traffic(content).unwrap_or_else(|| fetched.progress.clone());
        FetchProgress { phase: FetchPhase::Complete, ..traffic }
    }
}

/// What was last shown, so that only news are.
struct Shown {
    meter: Meter,
    speed: Speed,
    last: Vec<(Instant, u64)>,
}

impl Shown {
    fn new(lingering: &Lingering<'_>) -> Shown {
        let last = lingering.fetched.iter().map(|done| (Instant::now(), done.progress.sent.0));
        Shown { meter: lingering.output.spinner(), speed: Speed::default(), last: last.collect() }
    }

    /// An event per content when something was sent, at most once per tick, and once a second at least.
    fn refresh(&mut self, lingering: &Lingering<'_>) -> Result<(), Failure> {
        let now = Instant::now();
        let (mut sent, mut neighbours) = (0, 0);
        let contents = lingering.fetched.iter().zip(lingering.targets).zip(&mut self.last);
        for ((fetched, target), (at, before)) in contents {
            let traffic = lingering.traffic(fetched.content, fetched);
            sent += traffic.sent.0;
            neighbours += traffic.neighbours;
            let pause = if traffic.sent.0 == *before { HEARTBEAT } else { EVENT_PAUSE };
            if now.duration_since(*at) >= pause {
                (*at, *before) = (now, traffic.sent.0);
                lingering.output.event(&progress_event(target, &traffic))?;
            }
        }
        self.speed.record(now, sent);
        let speed = units::speed(self.speed.per_second());
        let peers = units::count(neighbours, "peer");
        self.meter
            .show(0, 1, || format!("passing on to {peers}  {speed}  {} sent", ByteCount(sent)));
        Ok(())
    }
}
