//! What a node was asked for goes on after it was stopped or killed.

use rustix::process::Signal;

use crate::daemon::{Daemon, folder, text};
use crate::process::{eventually, random_file, same_bytes, start};

/// An origin that needs about eight seconds for its file, and a peer.
struct Pair {
    folder: tempfile::TempDir,
    origin: Daemon,
    peer: Daemon,
}

fn pair(seed: u64) -> Pair {
    let folder = folder();
    random_file(&folder.path().join("source"), 8 << 20, seed);
    let origin = Daemon::start(&folder.path().join("origin"), &["--set", "limits.up=1MiB/s"]);
    origin.publish(&folder.path().join("source"), "slow");
    let peer = Daemon::start(&folder.path().join("peer"), &["--join", &origin.address]);
    Pair { folder, origin, peer }
}

impl Pair {
    fn until_it_moves(&self) -> u64 {
        let mut done = 0;
        eventually("chunks come", || {
            let row = self.peer.row("slow@1");
            done = row.and_then(|row| row["done_bytes"].as_u64()).unwrap_or(0);
            done > 1 << 20
        });
        done
    }
}

#[test]
fn a_fetch_survives_a_killed_and_a_stopped_node_underneath() {
    let Pair { folder, origin, peer } = {
        let pair = pair(11);
        let copy = pair.folder.path().join("copy");
        // The command goes on over both restarts.
        let caller = start(pair.peer.with(&["fetch", "slow@1", "-o", text(&copy)]));
        let before = pair.until_it_moves();
        let Pair { folder, origin, peer } = pair;
        peer.process.signal(Signal::KILL);
        peer.process.end();
        let peer = Daemon::start(&folder.path().join("peer"), &["--join", &origin.address]);
        let mut row = None;
        eventually("it goes on", || {
            row = peer.row("slow@1");
            row.as_ref().is_some_and(|row| row["state"] == "transferring")
        });
        let resumed = row.and_then(|row| row["resumed_bytes"].as_u64()).expect("a number");
        assert!(resumed + (1 << 20) > before, "{resumed} of {before} bytes were kept");
        assert_eq!(peer.stop().code, Some(0));
        let peer = Daemon::start(&folder.path().join("peer"), &["--join", &origin.address]);
        origin.fine(&["status"]);
        let ended = caller.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        Pair { folder, origin, peer }
    };
    assert!(same_bytes(&folder.path().join("source"), &folder.path().join("copy")));
    assert_eq!(peer.row("slow@1").expect("a row")["state"], "complete");
    drop(origin);
}

#[test]
fn what_was_cancelled_stays_cancelled_and_goes_on_when_it_is_wanted_again() {
    let pair = pair(12);
    let copy = pair.folder.path().join("copy");
    let caller = start(pair.peer.with(&["fetch", "slow@1", "-o", text(&copy)]));
    pair.until_it_moves();
    pair.peer.fine(&["cancel", "slow@1"]);
    let ended = caller.end();
    assert!(ended.code == Some(1) && ended.stderr.contains("cancelled"), "{ended:?}");
    let again = pair.peer.run(&["cancel", "slow@1"]);
    assert!(again.stderr.contains("nothing is under way"), "{again:?}");
    let Pair { folder, origin, peer } = pair;
    peer.stop();
    let peer = Daemon::start(&folder.path().join("peer"), &["--join", &origin.address]);
    assert_eq!(peer.row("slow@1").expect("a row")["state"], "cancelled");
    origin.fine(&["status"]);
    let caller = start(peer.with(&["fetch", "slow@1", "--json"]));
    let mut caller = caller;
    let resumed = caller.event_where("progress", |event| event["phase"] == "transferring");
    assert!(resumed["done_bytes"].as_u64() > Some(1 << 20), "{resumed}");
    peer.fine(&["remove", "slow@1"]);
    let ended = caller.end();
    assert!(
        ended.code == Some(1) && ended.stderr.contains("takes part in no content"),
        "{ended:?}"
    );
    let left = crate::process::names_in(folder.path());
    assert!(left.iter().all(|name| !name.ends_with(".part")), "{left:?}");
}

/// A fetch that a restarted node takes up again is fetched for ever, and who joined it waited for ever, too.
#[test]
fn a_caller_who_joins_a_fetch_that_was_resumed_waits_for_no_longer_than_it_said() {
    let folder = folder();
    let peer = Daemon::start(&folder.path().join("peer"), &[]);
    let caller = start(peer.with(&["fetch", "late@1", "--wait", "5m"]));
    eventually("it is looked for", || peer.row("late@1").is_some());
    drop(caller);
    assert_eq!(peer.stop().code, Some(0));
    let peer = Daemon::start(&folder.path().join("peer"), &[]);
    let joined = peer.run(&["fetch", "late@1", "--wait", "1s"]);
    assert_eq!(joined.code, Some(1), "{joined:?}");
    for words in ["linked with nobody", "for 1.00 s", "goes on looking", "samara cancel late@1"] {
        assert!(joined.stderr.contains(words), "{words}: {joined:?}");
    }
    assert_eq!(peer.row("late@1").expect("a row")["state"], "finding", "it goes on");
}
