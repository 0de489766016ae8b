//! A node that lives long: publish, fetch, evict, restart and kill, again and again. A short one runs with the other
//! tests; `make soak` runs it for SAMARA_SOAK_MINUTES.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::daemon::{Daemon, folder, text};
use crate::process::{eventually, names_in, random_file, same_bytes};

/// Rounds after which everything that grows only once has grown.
const WARM: u64 = 4;
const SHORT: u64 = 8;

/// What a node takes of the machine.
#[derive(Debug, Clone, Copy)]
struct Cost {
    resident: u64,
    open_files: u64,
    threads: u64,
    tasks: u64,
    disk: u64,
}

fn cost(node: &Daemon) -> Cost {
    let status = node.json(&["status"]);
    let of = |name: &str| status["process"][name].as_u64().expect("a number");
    Cost {
        resident: of("resident_bytes"),
        open_files: of("open_files"),
        threads: of("threads"),
        tasks: of("tasks"),
        disk: bytes_below(&node.data),
    }
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[test]
fn a_long_life_costs_no_more_than_its_first_minutes() {
    let minutes: u64 =
        std::env::var("SAMARA_SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let origin = Daemon::start(&path("origin"), &[]);
    // The origin stays up all the time; the peer comes and goes.
    let join = origin.address.clone();
    let more = ["--join", join.as_str(), "--set", "storage.keep=2"];
    let mut peer = Daemon::start(&path("peer"), &more);
    let mut warm: Option<(Cost, u64)> = None;
    let mut round = 0;
    while round < SHORT || Instant::now() < until {
        round += 1;
        let source = path(&format!("source{round}"));
        random_file(&source, 1 << 20, 1000 + round);
        let version = round.to_string();
        origin.fine(&["publish", text(&source), "--name", "soak", "--version", &version]);
        let release = format!("soak@{round}");
        peer.fine(&["fetch", &release, "--quiet"]);
        let row = peer.row(&release).expect("a row");
        let copy = Path::new(row["path"].as_str().expect("a path")).to_owned();
        assert!(same_bytes(&source, &copy), "round {round}");
        if round % 2 == 0 {
            let how = if round % 4 == 0 { Signal::KILL } else { Signal::TERM };
            peer.process.signal(how);
            peer.process.end();
            peer = Daemon::start(&path("peer"), &more);
        }
        eventually("old releases are evicted", || names_in(&path("peer").join("files")).len() <= 2);
        if round > 2 {
            let old = round - 2;
            origin.fine(&["remove", &format!("soak@{old}")]);
            std::fs::remove_file(path(&format!("source{old}"))).expect("removed");
        }
        if round == WARM {
            warm = Some((cost(&origin), cost(&peer).disk));
        }
    }
    let (before, disk) = warm.expect("it was warm");
    let mut after = cost(&origin);
    eventually("what was used is given back", || {
        after = cost(&origin);
        after.open_files <= before.open_files + 4
            && after.threads <= before.threads + 16
            && after.tasks <= before.tasks + 8
    });
    assert!(after.resident <= before.resident * 13 / 10 + (8 << 20), "{before:?} {after:?}");
    assert!(after.disk <= before.disk + (256 << 10), "{before:?} {after:?}");
    let end = cost(&peer).disk;
    assert!(end <= disk + (2 << 20), "the peer's data directory grew from {disk} to {end}");
    println!("{round} rounds; the origin: {before:?} {after:?}");
}
