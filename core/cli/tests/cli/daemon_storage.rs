//! What lies in a node's data directory: bounds, pins, scrubs; and `samara why`.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::{Daemon, folder, text};
use crate::http::get;
use crate::monitoring::free_address;
use crate::process::{eventually, random_file, same_bytes, start};

#[test]
fn the_oldest_go_pinned_ones_stay_and_files_of_the_user_are_never_touched() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let origin = Daemon::start(&path("origin"), &[]);
    let admin = free_address();
    let quota = ["--set", "storage.quota=5 MiB", "--admin", &admin];
    let more = [&["--join", &origin.address], &quota[..]].concat();
    let peer = Daemon::start(&path("peer"), &more);
    for (number, name) in ["pinned", "oldest", "outside", "middle", "newest"].iter().enumerate() {
        random_file(&path(name), 2 << 20, 20 + number as u64);
        origin.publish(&path(name), name);
        let release = format!("{name}@1");
        match *name {
            "pinned" => peer.fine(&["fetch", &release, "--pin"]),
            "outside" => peer.fine(&["fetch", &release, "-o", text(&path("mine"))]),
            _ => peer.fine(&["fetch", &release]),
        };
    }
    eventually("the oldest two are gone", || {
        peer.row("oldest@1").is_none() && peer.row("middle@1").is_none()
    });
    let files = crate::process::names_in(&path("peer").join("files"));
    assert_eq!(files, ["newest@1", "pinned@1"]);
    assert!(same_bytes(&path("outside"), &path("mine")));
    let (_, page) = get(&admin, "/metrics");
    for evictions in ["{reason=\"quota\"} 2", "{reason=\"keep\"} 0", "{reason=\"min_free\"} 0"] {
        assert!(
            page.contains(&format!("samara_store_evictions_total{evictions}")),
            "{evictions}: {page}"
        );
    }
    let status = peer.json(&["status"]);
    assert!(status["storage"]["used_bytes"].as_u64() <= Some(5 << 20), "{status}");
    // What can never fit is refused with the remedy.
    peer.fine(&["pin", "newest@1"]);
    let ended = peer.run(&["fetch", "oldest@1"]);
    assert!(
        ended.code == Some(1) && ended.stderr.contains("does not fit into the quota"),
        "{ended:?}"
    );
    eventually("the neighbour knows what was evicted", || {
        let peers = origin.json(&["peers", "middle@1"]);
        peers["peers"].as_array().is_some_and(|rows| rows.is_empty())
    });
}

/// A file system in memory, of 12 MiB; unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where mounting is not allowed.
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).expect("created");
        let options = ["-t", "tmpfs", "-o", "size=12m", "none"];
        let mounted = Command::new("mount").args(options).arg(&at).output().ok()?;
        mounted.status.success().then_some(SmallDisk(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn what_shall_stay_free_stays_free_fetches_wait_for_room_and_go_on() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let Some(disk) = SmallDisk::mount(path("disk")) else {
        eprintln!(
            "skipped: what_shall_stay_free_stays_free_fetches_wait_for_room_and_go_on (needs root)"
        );
        return;
    };
    let origin = Daemon::start(&path("origin"), &["--set", "limits.up=1MiB/s"]);
    for (name, seed) in [("begun", 41), ("next", 42)] {
        random_file(&path(name), 4 << 20, seed);
        origin.publish(&path(name), name);
    }
    let more = ["--join", &origin.address.clone(), "--set", "storage.min_free=4 MiB"];
    let peer = Daemon::start(&disk.0.join("data"), &more);
    let state = |name: &str| {
        let row = peer.row(name).unwrap_or_default();
        (row["state"].as_str().unwrap_or_default().to_owned(), row)
    };
    // One that has begun is parked when somebody else takes the room ...
    let begun = start(peer.with(&["fetch", "begun@1", "--wait", "forever"]));
    eventually("chunks come", || state("begun@1").1["done_bytes"].as_u64() > Some(1 << 18));
    let ballast = disk.0.join("ballast");
    fs::write(&ballast, vec![7; 5 << 20]).expect("there is room for that");
    eventually("it is parked", || state("begun@1").0 == "parked");
    let why = peer.json(&["why", "begun@1"]);
    assert_eq!(why["reasons"][0]["code"], "parked", "{why}");
    assert!(
        why["reasons"][0]["text"].as_str().is_some_and(|text| text.contains("storage.min_free")),
        "{why}"
    );
    let status = peer.json(&["status"]);
    assert!(status["storage"]["free_bytes"].as_u64() >= Some(4 << 20), "{status}");
    // ... and one that does not fit does not begin, and does not fail either.
    let next = start(peer.with(&["fetch", "next@1", "--wait", "forever"]));
    eventually("it waits", || state("next@1").0 == "parked");
    fs::remove_file(ballast).expect("removed");
    assert_eq!(begun.end().code, Some(0));
    assert!(same_bytes(&path("begun"), &disk.0.join("data/files/begun@1")));
    // There is room for one beside what stays free; a third of the same size needs the first to go.
    eventually("the oldest makes room", || state("next@1").0 == "complete");
    assert_eq!(next.end().code, Some(0));
    assert!(same_bytes(&path("next"), &disk.0.join("data/files/next@1")));
    let status = peer.json(&["status"]);
    assert!(status["storage"]["free_bytes"].as_u64() >= Some(4 << 20), "{status}");
    drop(peer);
}

#[test]
fn what_the_disk_lost_is_found_withdrawn_and_fetched_again() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), 1 << 20, 30);
    let origin = Daemon::start(&path("origin"), &[]);
    origin.publish(&path("source"), "model");
    let peer = Daemon::start(&path("peer"), &["--join", &origin.address]);
    peer.fine(&["fetch", "model@1"]);
    let sound = peer.json(&["scrub", "model@1"]);
    assert_eq!((&sound["chunks"], &sound["reason"]), (&Value::from(16), &Value::Null), "{sound}");
    let file = PathBuf::from(peer.row("model@1").expect("a row")["path"].as_str().expect("a path"));
    let mut bytes = fs::read(&file).expect("read");
    bytes[500_000] ^= 1;
    fs::write(&file, bytes).expect("written");
    let damaged = peer.run(&["scrub", "model@1"]);
    assert_eq!(damaged.code, Some(1), "{damaged:?}");
    eventually("it is withdrawn", || peer.row("model@1").expect("a row")["state"] == "withdrawn");
    let why = peer.json(&["why", "model@1"]);
    assert_eq!(why["reasons"][0]["code"], "over", "{why}");
    peer.fine(&["fetch", "model@1"]);
    assert!(same_bytes(&path("source"), &file));
}

#[test]
fn what_the_disk_loses_in_silence_is_found_in_the_background_at_the_rate_that_is_set() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), 4 << 20, 32);
    let origin = Daemon::start(&path("origin"), &[]);
    origin.publish(&path("source"), "model");
    let config = path("node.toml");
    fs::write(&config, "").expect("written");
    let more = ["--join", &origin.address, "--config", text(&config)];
    let peer = Daemon::start(&path("peer"), &more);
    peer.fine(&["fetch", "model@1"]);
    let row = peer.row("model@1").expect("a row");
    let file = fs::File::options().write(true).open(row["path"].as_str().expect("a path"));
    let file = file.expect("opened");
    // In the last chunk, and the file looks as it did.
    let written = file.metadata().and_then(|found| found.modified()).expect("a time");
    file.write_all_at(&[0; 9], (4 << 20) - 9).expect("written");
    file.set_modified(written).expect("set");
    fs::write(&config, "[storage]\nscrub = \"1 MiB/s\"\n").expect("written");
    let began = Instant::now();
    peer.fine(&["reload"]);
    let mut state = String::new();
    eventually("it is withdrawn", || {
        let row = peer.row("model@1").expect("a row");
        state = row["state"].as_str().expect("a state").to_owned();
        state != "complete"
    });
    assert_eq!(state, "withdrawn");
    // 64 chunks at 16 a second, of which the last is bad; what comes after it is not waited for.
    assert!(began.elapsed() >= Duration::from_millis(3900), "{:?}", began.elapsed());
}

#[test]
fn why_names_the_reason_and_the_remedy() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), 8 << 20, 31);
    let origin = Daemon::start(&path("origin"), &["--set", "limits.up=1MiB/s"]);
    origin.publish(&path("source"), "slow");
    let peer = Daemon::start(&path("peer"), &["--join", &origin.address]);
    let code = |release: &str| {
        let why = peer.json(&["why", release]);
        assert!(why["reasons"][0]["remedy"].as_str().is_some_and(|text| !text.is_empty()), "{why}");
        why["reasons"][0]["code"].as_str().expect("a code").to_owned()
    };
    let nowhere = start(peer.with(&["fetch", "nowhere@1", "--wait", "forever"]));
    eventually("its name is looked for", || {
        peer.row("nowhere@1").is_some() && code("nowhere@1") == "unknown-name"
    });
    peer.fine(&["cancel", "nowhere@1"]);
    assert_eq!(nowhere.end().code, Some(1));
    assert_eq!(code("nowhere@1"), "over");
    let caller = start(peer.with(&["fetch", "slow@1", "--wait", "forever"]));
    eventually("it comes", || peer.row("slow@1").is_some() && code("slow@1") == "moving");
    assert!(peer.fine(&["why", "slow@1"]).contains("chunks are missing"));
    drop(origin);
    eventually("nobody is left", || code("slow@1") == "no-links");
    peer.fine(&["cancel", "slow@1"]);
    drop(caller);
}
