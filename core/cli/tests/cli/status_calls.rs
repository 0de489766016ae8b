//! A node that is asked for its status a hundred times a second, in mid-transfer. With `SAMARA_PAIRS=N` it is a
//! measurement: N pairs of transfers, one with and one without the calls, in turns, for each kind of link and caller
//! (`make bench-status`).

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::{Daemon, text};
use crate::process::random_file;

const EVERY: Duration = Duration::from_millis(10);

/// How the caller connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// One connection for all calls, as a program that watches.
    KeepsAlive,
    /// A connection for each call, as `samara status` and `curl`.
    ConnectsAnew,
}

/// Asks until it is told to stop, and says how often it was answered.
fn ask(socket: &Path, caller: Caller, stop: &AtomicBool) -> u64 {
    let connect = || UnixStream::connect(socket).expect("the node listens");
    let mut kept = (caller == Caller::KeepsAlive).then(connect);
    let (began, mut answered) = (Instant::now(), 0);
    while !stop.load(Ordering::Relaxed) {
        let status = match &mut kept {
            Some(stream) => one_status(stream),
            None => one_status(&mut connect()),
        };
        assert_eq!(status["state"], "ready", "{status}");
        answered += 1;
        // What a slow machine missed is made up for.
        let next = began + EVERY * answered as u32;
        thread::park_timeout(next.saturating_duration_since(Instant::now()));
    }
    answered
}

fn one_status(stream: &mut UnixStream) -> Value {
    stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: samara\r\n\r\n").expect("it reads");
    let (mut answer, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        let count = stream.read(&mut buffer).expect("it answers");
        assert!(count > 0, "the answer is cut off");
        answer.extend_from_slice(&buffer[..count]);
        let text = std::str::from_utf8(&answer).expect("text");
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines();
        let length =
            lines.find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        if body.len() >= length.parse().expect("a number") {
            return serde_json::from_str(body).expect("a document");
        }
    }
}

/// An origin and a peer, with their files in memory where that is possible.
struct Pair {
    _origin: Daemon,
    peer: Daemon,
    _folder: tempfile::TempDir,
}

impl Pair {
    fn start(size: usize, cap: Option<&str>) -> Pair {
        let memory = PathBuf::from("/dev/shm");
        let place = if memory.is_dir() { memory } else { env!("CARGO_TARGET_TMPDIR").into() };
        let folder = tempfile::tempdir_in(place).expect("a folder");
        let path = |name: &str| folder.path().join(name);
        random_file(&path("source"), size, 41);
        let cap = cap.map(|cap| format!("limits.up=\"{cap}\""));
        let more: Vec<&str> = cap.iter().flat_map(|cap| ["--set", cap]).collect();
        let origin = Daemon::start(&path("origin"), &more);
        origin.fine(&["publish", text(&path("source")), "--name", "m", "--version", "1"]);
        let peer = Daemon::start(&path("peer"), &["--join", &origin.address]);
        Pair { _origin: origin, peer, _folder: folder }
    }

    /// Fetches once: how long the chunks took, and how many calls were answered meanwhile.
    fn transfer(&self, caller: Option<Caller>) -> (f64, u64) {
        let stop = Arc::new(AtomicBool::new(false));
        let calls = caller.map(|caller| {
            let (socket, stop) = (self.peer.data.join("admin.sock"), stop.clone());
            thread::spawn(move || ask(&socket, caller, &stop))
        });
        self.peer.fine(&["fetch", "m@1", "--quiet"]);
        stop.store(true, Ordering::Relaxed);
        let answered = calls.map_or(0, |calls| calls.join().expect("the caller is fine"));
        let why = self.peer.json(&["why", "m@1"]);
        let phases = why["phases"].as_array().expect("phases").iter();
        let seconds = phases.filter(|one| one["name"] == "transferring");
        let seconds = seconds.filter_map(|one| one["seconds"].as_f64()).sum();
        self.peer.fine(&["remove", "m@1"]);
        (seconds, answered)
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    if all.len() % 2 == 1 { all[middle] } else { (all[middle - 1] + all[middle]) / 2.0 }
}

#[test]
fn a_node_answers_a_hundred_calls_a_second_in_mid_transfer() {
    let pairs = std::env::var("SAMARA_PAIRS").ok().and_then(|text| text.parse::<usize>().ok());
    let Some(pairs) = pairs else {
        let pair = Pair::start(8 << 20, Some("4 MiB/s"));
        for caller in [Caller::KeepsAlive, Caller::ConnectsAnew] {
            let (seconds, answered) = pair.transfer(Some(caller));
            // How many it asks for in that time depends on the machine.
            assert!(seconds > 0.0 && answered > 0, "{caller:?}: {answered} answers in {seconds} s");
        }
        return;
    };
    for (size, cap) in [(256 << 20, Some("1 Gbit/s")), (2 << 30, None)] {
        let pair = Pair::start(size, cap);
        pair.transfer(None);
        for caller in [Caller::KeepsAlive, Caller::ConnectsAnew] {
            let mut ratios = Vec::new();
            for number in 0..pairs {
                // In turns, and each comes first as often as the other.
                let with_first = number % 2 == 1;
                let one = pair.transfer(with_first.then_some(caller));
                let other = pair.transfer((!with_first).then_some(caller));
                let (without, with) = if with_first { (other, one) } else { (one, other) };
                let rate = with.1 as f64 / with.0;
                println!(
                    "{cap:?} {caller:?}: {:.3} s without, {:.3} s with {rate:.0} calls/s",
                    without.0, with.0
                );
                ratios.push(with.0 / without.0);
            }
            let median = median(ratios);
            println!(
                "{cap:?} {caller:?}: median of {pairs} pairs {:+.2} %",
                100.0 * (median - 1.0)
            );
        }
    }
}
