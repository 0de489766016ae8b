//! The time after `serve` is ready: what is sent, what goes wrong, and the end.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use samara_node::{Node, Notice, Published};

use super::TICK;
use crate::exit::Failure;
use crate::json::{self, Event};
use crate::meter::{Meter, Speed};
use crate::node_args;
use crate::output::Output;
use crate::signals::Stop;
use crate::units;

/// How long a withdrawn source keeps its node alive, so that every peer hears of it.
const FAREWELL: Duration = Duration::from_secs(5);

/// A published source and its node, until the end.
pub struct Service<'a> {
    /// The node that serves.
    pub node: &'a Node,
    /// What it serves.
    pub published: &'a Published,
    /// What the node has to say.
    pub notices: Receiver<Notice>,
    /// Where it is shown.
    pub output: &'a Output,
}

impl Service<'_> {
    /// Serves until asked to stop, or until nothing is left to serve.
    ///
    /// # Errors
    /// When the source changed, the node ended, or stdout was closed.
    pub fn run(&self, stop: &Stop) -> Result<(), Failure> {
        let mut traffic = Traffic::new(self.output);
        let end = self.until_the_end(stop, &mut traffic);
        traffic.meter.clear();
        end
    }

    fn until_the_end(&self, stop: &Stop, traffic: &mut Traffic) -> Result<(), Failure> {
        let mut withdrawn: Option<(Instant, PathBuf)> = None;
        loop {
            match self.notices.recv_timeout(TICK) {
                Ok(notice) => {
                    self.tell(&notice)?;
                    if let Notice::SourceChanged { path, .. } = notice {
                        withdrawn.get_or_insert((Instant::now() + FAREWELL, path));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.node_ended()),
            }
            traffic.show(self)?;
            match &withdrawn {
                Some((end, path)) if stop.is_set() || Instant::now() >= *end => {
                    return Err(self.source_changed(path));
                }
                None if stop.is_set() => return Ok(()),
                _ => {}
            }
        }
    }

    fn tell(&self, notice: &Notice) -> Result<(), Failure> {
        let (line, event) = node_args::tell(notice);
        self.output.note(&line);
        self.output.event(&event)
    }

    /// Bytes of chunks sent so far.
    pub fn sent(&self) -> u64 {
        self.node.traffic(self.published.content).map_or(0, |traffic| traffic.sent.0)
    }

    fn source_changed(&self, path: &Path) -> Failure {
        Failure::new(
            format!("stopped serving {}", self.published.release),
            format!("{} changed after it was published", path.display()),
        )
        .still("nobody got wrong bytes; peers that have chunks pass them on among themselves")
        .next("publish what is there now under a new version")
    }

    fn node_ended(&self) -> Failure {
        Failure::new(format!("stopped serving {}", self.published.release), "the node ended")
            .next("run it again with SAMARA_LOG=debug to see why")
    }
}

/// Shows what was sent: ten times a second while it moves, once a second otherwise.
struct Traffic {
    meter: Meter,
    speed: Speed,
    last: Option<(Instant, u64, u32)>,
}

impl Traffic {
    fn new(output: &Output) -> Traffic {
        Traffic { meter: output.spinner(), speed: Speed::default(), last: None }
    }

    fn show(&mut self, service: &Service<'_>) -> Result<(), Failure> {
        let now = Instant::now();
        let Some(traffic) = service.node.traffic(service.published.content) else {
            return Ok(());
        };
        let (sent, neighbours) = (traffic.sent.0, traffic.neighbours);
        let due = self.last.is_none_or(|(at, bytes, count)| {
            let pause = if (bytes, count) == (sent, neighbours) { 10 * TICK } else { TICK };
            now.duration_since(at) >= pause
        });
        if !due {
            return Ok(());
        }
        self.last = Some((now, sent, neighbours));
        self.speed.record(now, sent);
        let copies = sent as f64 / service.published.size.0.max(1) as f64;
        self.meter.show(0, 1, || {
            let speed = units::speed(self.speed.per_second());
            format!(
                "serving {}  {speed}  {copies:.2} copies sent",
                units::count(neighbours, "peer")
            )
        });
        service.output.event(&Event::Traffic { at: json::now(), sent_bytes: sent, neighbours })
    }
}
