//! What has happened in the swarm so far, from the events of its processes.

use std::time::{Duration, Instant};

use super::child::{Message, News, Who};
use super::settings::Settings;
use crate::json::{Complete, Event, Progress};

/// The state of the whole swarm.
#[derive(Debug)]
pub struct Race {
    /// Start of the last fetching process: the zero of all times.
    pub start: Instant,
    /// One per peer.
    pub runners: Vec<Runner>,
    /// Bytes that the origin has sent.
    pub origin_sent: u64,
    /// Copies that the origin had sent when it was killed.
    pub killed_at: Option<f64>,
    /// Why the origin ended, when it did so by itself.
    pub origin_trouble: Option<String>,
}

/// One peer.
#[derive(Debug, Default)]
pub struct Runner {
    /// Its last progress.
    pub progress: Progress,
    /// Its completion.
    pub complete: Option<(Instant, Complete)>,
    /// Why it failed.
    pub trouble: Option<String>,
}

impl Runner {
    /// Whether nothing more is to be expected.
    pub fn is_over(&self) -> bool {
        self.complete.is_some() || self.trouble.is_some()
    }
}

impl Race {
    /// A race of `peers` that starts now.
    pub fn new(peers: u32) -> Race {
        let runners = (0..peers).map(|_| Runner::default()).collect();
        Race {
            start: Instant::now(),
            runners,
            origin_sent: 0,
            killed_at: None,
            origin_trouble: None,
        }
    }

    /// Takes in what a process said.
    pub fn take(&mut self, message: Message) {
        match message.who {
            Who::Origin => self.take_from_origin(message.news),
            Who::Peer(index) => {
                if let Some(runner) = self.runners.get_mut(index) {
                    runner.take(message.at, message.news);
                }
            }
        }
    }

    fn take_from_origin(&mut self, news: News) {
        match news {
            News::Said(Event::Traffic { sent_bytes, .. } | Event::Stopped { sent_bytes }) => {
                self.origin_sent = sent_bytes;
            }
            News::Said(Event::Failed { error, .. }) => self.origin_trouble = Some(error),
            News::Ended if self.killed_at.is_none() && self.origin_trouble.is_none() => {
                self.origin_trouble = Some("the origin ended".to_owned());
            }
            _ => {}
        }
    }

    /// Whether every peer has finished or failed.
    pub fn is_over(&self) -> bool {
        self.runners.iter().all(Runner::is_over)
    }

    /// Number of peers that have finished.
    pub fn finished(&self) -> usize {
        self.runners.iter().filter(|runner| runner.complete.is_some()).count()
    }

    /// Verified bytes on all peers.
    pub fn done_bytes(&self) -> u64 {
        self.runners.iter().map(|runner| runner.progress.done_bytes).sum()
    }

    /// Bytes received in vain by all peers.
    pub fn wasted_bytes(&self) -> u64 {
        self.runners.iter().map(|runner| runner.progress.wasted_bytes).sum()
    }

    /// Copies that the origin has sent.
    pub fn origin_copies(&self, settings: &Settings) -> f64 {
        settings.copies(self.origin_sent)
    }

    /// Time of each peer that finished, ascending.
    pub fn times(&self) -> Vec<Duration> {
        let ends = self.runners.iter().filter_map(|runner| runner.complete.as_ref());
        let mut times: Vec<_> = ends.map(|(at, _)| at.duration_since(self.start)).collect();
        times.sort_unstable();
        times
    }

    /// The first thing that went wrong, in words.
    pub fn first_trouble(&self) -> Option<String> {
        let numbered = self.runners.iter().enumerate();
        let peer = numbered
            .filter_map(|(index, runner)| Some((index, runner.trouble.as_ref()?)))
            .map(|(index, why)| format!("peer {}: {why}", index + 1))
            .next();
        match (&self.origin_trouble, peer) {
            (Some(origin), Some(peer)) => Some(format!("origin: {origin}; {peer}")),
            (Some(origin), None) => Some(format!("origin: {origin}")),
            (None, peer) => peer,
        }
    }
}

impl Runner {
    fn take(&mut self, at: Instant, news: News) {
        match news {
            News::Said(Event::Progress(progress)) => self.progress = progress,
            News::Said(Event::Complete(complete)) => {
                self.progress.done_bytes = complete.size_bytes;
                self.complete = Some((at, complete));
            }
            News::Said(Event::Failed { error, .. }) => self.trouble = Some(error),
            News::Ended if !self.is_over() => {
                self.trouble = Some("the process ended before it was done".to_owned());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(who: Who, event: Event) -> Message {
        Message { who, at: Instant::now(), news: News::Said(event) }
    }

    fn ended(who: Who) -> Message {
        Message { who, at: Instant::now(), news: News::Ended }
    }

    fn complete() -> Event {
        let text = r#"{"event":"complete","content":"c","output":"o","seconds":1.0,"size_bytes":9,
            "chunk_size":16384,"resumed_bytes":0,"received_bytes":9,"sent_bytes":0,"wasted_bytes":0,
            "was_there":false}"#;
        Event::parse(text).expect("a good event")
    }

    #[test]
    fn a_peer_that_ends_before_it_is_done_is_a_failure() {
        let mut race = Race::new(2);
        race.take(said(Who::Peer(0), complete()));
        race.take(ended(Who::Peer(0)));
        assert!(!race.is_over());
        race.take(ended(Who::Peer(1)));
        assert!(race.is_over());
        assert_eq!((race.finished(), race.done_bytes(), race.times().len()), (1, 9, 1));
        assert!(race.first_trouble().is_some_and(|why| why.starts_with("peer 2")));
    }

    #[test]
    fn an_origin_that_was_killed_is_no_trouble() {
        let mut race = Race::new(1);
        race.take(said(Who::Origin, Event::Traffic { at: 0.0, sent_bytes: 5, neighbours: 1 }));
        race.killed_at = Some(1.0);
        race.take(ended(Who::Origin));
        assert_eq!((race.origin_sent, race.first_trouble()), (5, None));
    }
}
