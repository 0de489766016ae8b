//! A wall clock that jumps a day, forward and back, under nodes that run: `libfaketime` gives it to them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::daemon::{Daemon, folder, text};
use crate::process::{eventually, random_file, same_bytes, start, start_command};

/// Logs that a program reads.
const JSON: &str = "[log]\nformat = \"json\"\n";

/// Nodes that share a clock which a test sets.
struct Clock {
    library: PathBuf,
    /// Tells how far it is ahead of the machine's.
    file: PathBuf,
}

impl Clock {
    /// None where `libfaketime` is not installed.
    fn new(folder: &Path) -> Option<Clock> {
        let below = fs::read_dir("/usr/lib").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let places = below.chain([PathBuf::from("/usr/lib"), PathBuf::from("/usr/lib64")]);
        let library = places
            .map(|place| place.join("faketime/libfaketimeMT.so.1"))
            .find(|library| library.exists())?;
        let clock = Clock { library, file: folder.join("clock") };
        clock.jump(0);
        Some(clock)
    }

    /// Sets it so far ahead.
    fn jump(&self, hours: i64) {
        let fresh = self.file.with_extension("new");
        fs::write(&fresh, format!("{hours:+}h")).expect("written");
        fs::rename(&fresh, &self.file).expect("renamed");
    }

    fn node(&self, folder: &Path, name: &str, more: &[&str]) -> Daemon {
        let (data, config) = (folder.join(name), folder.join("node.toml"));
        if !config.exists() {
            fs::write(&config, JSON).expect("written");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_samara"));
        command
            .args(["node", "--json", "--listen", "127.0.0.1:0", "--data", text(&data)])
            .args(["--config", text(&config)])
            .args(more)
            .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            // Only the wall clock jumps, as on a machine, and times of files are those of the machine.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
        Daemon::of(start_command(&mut command), &data)
    }
}

/// How many hours the node's clock is ahead of the machine's, from a line that it logs when it is asked to.
fn hours_ahead(node: &mut Daemon) -> i64 {
    node.fine(&["reload"]);
    let line = node.process.stderr_line("configuration read again");
    let logged: Value = serde_json::from_str(&line).expect("a line of JSON");
    let theirs = seconds(logged["timestamp"].as_str().expect("a time"));
    (theirs - seconds("now") + 1800).div_euclid(3600)
}

/// Since the Unix epoch, as the program `date` reads it.
fn seconds(time: &str) -> i64 {
    let read = Command::new("date").args(["-u", "+%s", "-d", time]).output().expect("it is there");
    String::from_utf8_lossy(&read.stdout).trim().parse().expect("a number")
}

fn permille(node: &Daemon, release: &str) -> u64 {
    let row = node.row(release).unwrap_or_default();
    let size = row["size_bytes"].as_u64().filter(|size| *size > 0).unwrap_or(u64::MAX);
    row["done_bytes"].as_u64().unwrap_or(0) * 1000 / size
}

fn publish(node: &Daemon, path: &Path, version: &str) {
    node.fine(&["publish", text(path), "--name", "model", "--version", version]);
}

/// All is well: no member was taken for gone since then, and ages are those of a test.
fn check_ages(nodes: &[&Daemon], since: Instant) {
    let sane = |value: &Value, least: f64| {
        value.as_f64().is_some_and(|seconds| (least..1000.0).contains(&seconds))
    };
    for node in nodes {
        let known = since.elapsed().as_secs_f64();
        let status = node.json(&["status"]);
        assert_eq!(status["members"], nodes.len(), "{status}");
        assert!(sane(&status["uptime_seconds"], known), "{status}");
        assert_eq!(status["waiting_count"], 0, "{status}");
        let members = node.json(&["peers"]);
        for row in members["members"].as_array().expect("rows") {
            assert!(sane(&row["age_seconds"], known), "known for {known} s at least: {row}");
        }
        let Some(row) = node.row("model@1") else { continue };
        let id = row["content"].as_str().expect("an id");
        for row in node.json(&["peers", id])["peers"].as_array().expect("rows") {
            assert!(sane(&row["age_seconds"], 0.0), "{row}");
        }
    }
}

#[test]
fn a_clock_that_jumps_disturbs_no_transfer_no_member_and_not_what_is_kept() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let Some(clock) = Clock::new(folder.path()) else {
        eprintln!(
            "skipped: a_clock_that_jumps_disturbs_no_transfer_no_member_and_not_what_is_kept (needs faketime)"
        );
        return;
    };
    for (number, version) in ["1", "2", "3"].iter().enumerate() {
        let size = if number == 0 { 12 << 20 } else { 1 << 20 };
        random_file(&path(version), size, 80 + number as u64);
    }
    // Slow until the last jump, however long the calls take beside other work.
    let config = path("node.toml");
    fs::write(&config, format!("{JSON}[limits]\nup = \"192 KiB/s\"\n")).expect("written");
    let mut origin = clock.node(folder.path(), "origin", &[]);
    let join = ["--join", &origin.address.clone()];
    let keep = [&join[..], &["--set", "storage.keep=1"]].concat();
    let mut peer = clock.node(folder.path(), "peer", &keep);
    let other = clock.node(folder.path(), "other", &join);
    publish(&origin, &path("1"), "1");
    let fetch = start(peer.with(&["fetch", "model@1", "--quiet"]));
    eventually("all know each other", || {
        [&origin, &peer, &other].iter().all(|node| node.json(&["status"])["members"] == 3)
    });
    let began = Instant::now();
    assert_eq!(hours_ahead(&mut origin), 0);

    // Forward, back to before the start, and right again, each while chunks come.
    for (ahead, least) in [(24, 10), (-24, 30), (24, 50), (0, 70)] {
        eventually("it gets on", || permille(&peer, "model@1") >= least);
        assert!(permille(&peer, "model@1") < 1000, "it was over before the clock jumped");
        clock.jump(ahead);
        for node in [&mut origin, &mut peer] {
            assert_eq!(hours_ahead(node), ahead, "the clock of the node did not jump");
        }
        check_ages(&[&origin, &peer, &other], began);
    }
    fs::write(&config, JSON).expect("written");
    origin.fine(&["reload"]);
    let ended = fetch.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let kept = || crate::process::names_in(&path("peer").join("files"));
    assert_eq!(kept(), ["model@1"]);
    assert!(same_bytes(&path("1"), &path("peer").join("files/model@1")));
    let why = peer.json(&["why", "model@1"]);
    let took = why["transfer"]["took_seconds"].as_f64();
    assert!(took.is_some_and(|took| (1.0..600.0).contains(&took)), "{why}");

    // What is published while the clock is a day ahead is older than what comes after it was set right.
    clock.jump(24);
    publish(&origin, &path("2"), "2");
    peer.fine(&["fetch", "model@2", "--quiet"]);
    eventually("the oldest goes", || kept() == ["model@2"]);
    clock.jump(0);
    publish(&origin, &path("3"), "3");
    peer.fine(&["fetch", "model@3", "--quiet"]);
    eventually("the oldest goes", || kept() == ["model@3"]);
    assert!(same_bytes(&path("3"), &path("peer").join("files/model@3")));
    check_ages(&[&origin, &peer, &other], began);
}
