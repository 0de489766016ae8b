//! The documents of `--json`: one event per line on stdout. Written by `serve` and `fetch`, read again by
//! `demo`, so that one type is the contract. Keys are only ever added.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// What happened, for a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// `serve` reads and hashes its source.
    Hashing {
        /// Bytes hashed so far.
        done_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    },
    /// `serve` is ready to be fetched from.
    Ready {
        /// Id of the content.
        content: String,
        /// NAME@VERSION.
        release: String,
        /// Bytes.
        size: u64,
        /// Chunks.
        chunks: u32,
        /// Files.
        files: usize,
        /// Where it listens, with the port that was really taken.
        listen: SocketAddr,
        /// What others dial.
        advertise: SocketAddr,
        /// Id of the node.
        peer: String,
    },
    /// `samara node` is ready.
    NodeReady {
        /// Id of the node.
        peer: String,
        /// Where it listens, with the port that was really taken.
        listen: SocketAddr,
        /// What others dial.
        advertise: SocketAddr,
        /// Its admin socket.
        admin: String,
    },
    /// `publish` is done: the node serves it.
    Published {
        /// Id of the content.
        content: String,
        /// NAME@VERSION.
        release: String,
        /// Bytes.
        size: u64,
        /// Chunks.
        chunks: u32,
        /// Files.
        files: u64,
    },
    /// `--metrics` is answered.
    Metrics {
        /// Where, with the port that was really taken.
        listen: SocketAddr,
    },
    /// What `serve` has sent so far.
    Traffic {
        /// Seconds since the Unix epoch.
        at: f64,
        /// Bytes of chunks sent.
        sent_bytes: u64,
        /// Live neighbours.
        neighbours: u32,
    },
    /// A moment of `fetch`.
    Progress(Progress),
    /// A content is in its place.
    Complete(Complete),
    /// `fetch --linger` or `serve` ended in order.
    Stopped {
        /// Bytes of chunks sent in all.
        sent_bytes: u64,
    },
    /// The command failed.
    Failed {
        /// What was being done, and why it did not work.
        error: String,
        /// What is still true.
        #[serde(skip_serializing_if = "Option::is_none")]
        still: Option<String>,
        /// What to do next.
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// Something that a person should know.
    Notice {
        /// `source_changed`, `bad_peer`, `actor_restarted`, `release_refused` or `warning`.
        kind: String,
        /// For a person.
        text: String,
    },
}

/// A moment of `fetch`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Seconds since the Unix epoch.
    pub at: f64,
    /// The content as it was asked for.
    pub content: String,
    /// `finding`, `manifest`, `checking`, `transferring`, `parked`, `finishing` or `complete`.
    pub phase: String,
    /// Why it is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Bytes verified and on disk.
    pub done_bytes: u64,
    /// Bytes in all; zero until the manifest is here.
    pub total_bytes: u64,
    /// Bytes received from peers.
    pub received_bytes: u64,
    /// Bytes sent to peers.
    pub sent_bytes: u64,
    /// Received bytes that were thrown away.
    pub wasted_bytes: u64,
    /// Live neighbours.
    pub neighbours: u32,
}

/// A content is in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Complete {
    /// Id of the content.
    pub content: String,
    /// Where it is.
    pub output: String,
    /// From the request to the rename.
    pub seconds: f64,
    /// Bytes.
    pub size_bytes: u64,
    /// Bytes of a chunk.
    pub chunk_size: u32,
    /// Bytes that an earlier run had left.
    pub resumed_bytes: u64,
    /// Bytes received from peers.
    pub received_bytes: u64,
    /// Bytes sent to peers so far.
    pub sent_bytes: u64,
    /// Received bytes that were thrown away.
    pub wasted_bytes: u64,
    /// It was in place before the fetch began.
    pub was_there: bool,
}

impl Event {
    /// Writes the event as one line to stdout.
    ///
    /// # Errors
    /// When stdout is closed or cannot be written.
    pub fn write(&self) -> io::Result<()> {
        write_line(self)
    }

    /// Reads one line; `None` for a line that is no event of this version.
    pub fn parse(line: &str) -> Option<Event> {
        serde_json::from_str(line).ok()
    }
}

/// Writes any document as one line to stdout.
///
/// # Errors
/// When stdout is closed or cannot be written.
pub fn write_line(document: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(document)?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}

/// Seconds since the Unix epoch by the wall clock, which may jump: for people and logs.
#[expect(clippy::disallowed_methods, reason = "events carry the time of day")]
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_object_with_its_name() {
        let event = Event::Progress(Progress { phase: "parked".to_owned(), ..Progress::default() });
        let text = serde_json::to_string(&event).expect("plain data");
        assert!(text.starts_with(r#"{"event":"progress","at":0.0,"#), "{text}");
        assert!(!text.contains("reason"), "{text}");
        assert_eq!(Event::parse(&text), Some(event));
        assert_eq!(Event::parse(r#"{"event":"from_the_future"}"#), None);
        assert_eq!(Event::parse("not json"), None);
    }
}
