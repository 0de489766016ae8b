//! Who gets how much of an origin that cannot send as much as is wanted of it.

use crate::daemon::{Daemon, folder, text};
use crate::process::{Samara, eventually, random_file, start};

const SIZE: usize = 8 << 20;
/// What was sent before is not counted: one of the fetches begins first.
const BEGUN: u64 = 1 << 20;
/// Before one of them is over.
const ENOUGH: u64 = 7 << 20;

/// An origin with the contents `a@1` and `b@1`, of which `a` has this priority.
fn origin(folder: &tempfile::TempDir, priority: &str) -> Daemon {
    let path = |name: &str| folder.path().join(name);
    let origin = Daemon::start(&path("origin"), &["--set", "limits.up=\"2 MiB/s\""]);
    for (name, priority) in [("a", priority), ("b", "1")] {
        let source = path(name);
        random_file(&source, SIZE, u64::from(name.as_bytes()[0]));
        let what = ["publish", text(&source), "--priority", priority];
        let release = ["--name", name, "--version", "1", "--chunk-size", "64KiB"];
        origin.fine(&[&what[..], &release[..]].concat());
    }
    origin
}

fn fetch(node: &Daemon, content: &str) -> Samara {
    start(node.with(&["fetch", content]))
}

/// How often as much of `a` as of `b` the origin sent while both were wanted.
fn ratio(origin: &Daemon) -> f64 {
    let sent = || {
        let all = origin.json(&["contents"]);
        let rows = all["contents"].as_array().expect("rows");
        let of = |name: &str| {
            rows.iter().find(|row| row["release"] == name).map(|row| &row["sent_bytes"])
        };
        ["a@1", "b@1"].map(|name| of(name).and_then(|sent| sent.as_u64()).expect("it is there"))
    };
    let mut before = [0; 2];
    eventually("both are sent", || {
        before = sent();
        before.iter().all(|sent| *sent >= BEGUN)
    });
    let mut after = [0; 2];
    eventually("one is nearly sent", || {
        after = sent();
        after.iter().any(|sent| *sent >= ENOUGH)
    });
    (after[0] - before[0]) as f64 / (after[1] - before[1]) as f64
}

#[test]
fn a_peer_that_wants_two_contents_gets_them_by_priority() {
    let folder = folder();
    let origin = origin(&folder, "3");
    let peer = Daemon::start(&folder.path().join("peer"), &["--join", &origin.address]);
    let fetches = ["b@1", "a@1"].map(|content| fetch(&peer, content));
    let ratio = ratio(&origin);
    drop(fetches);
    assert!((2.0..=4.5).contains(&ratio), "{ratio:.2} times as much, and not three times");
}

#[test]
fn peers_that_want_different_contents_get_them_by_priority() {
    let folder = folder();
    let origin = origin(&folder, "3");
    let peers = ["b@1", "a@1"].map(|content| {
        let peer = Daemon::start(&folder.path().join(content), &["--join", &origin.address]);
        let fetch = fetch(&peer, content);
        (peer, fetch)
    });
    let ratio = ratio(&origin);
    drop(peers);
    assert!((2.0..=4.5).contains(&ratio), "{ratio:.2} times as much, and not three times");
}

#[test]
fn contents_of_one_priority_get_the_same_however_many_want_each() {
    let folder = folder();
    let origin = origin(&folder, "1");
    let peers = ["b@1", "a@1", "a@1", "a@1"].iter().enumerate().map(|(number, content)| {
        let data = folder.path().join(format!("peer{number}"));
        let peer = Daemon::start(&data, &["--join", &origin.address]);
        let fetch = fetch(&peer, content);
        (peer, fetch)
    });
    let peers: Vec<_> = peers.collect();
    let ratio = ratio(&origin);
    drop(peers);
    assert!((0.6..=1.7).contains(&ratio), "{ratio:.2} times as much, and not the same");
}
