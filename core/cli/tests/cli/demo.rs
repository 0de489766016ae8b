//! `samara demo`: a small one runs through, and nothing is left behind however it ends.

use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::{TempDir, tempdir};

use crate::process::{Samara, eventually, names_in, processes_with, start_command};

/// Starts a demo whose temporary files are in `folder`.
fn start_demo(folder: &TempDir, more: &[&str]) -> Samara {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samara"));
    command.args(["demo", "--peers", "4"]).args(more).env("TMPDIR", folder.path());
    start_command(&mut command)
}

fn check_nothing_is_left(folder: &Path) {
    assert_eq!(names_in(folder), Vec::<String>::new());
    let processes = processes_with(folder.to_str().expect("UTF-8"));
    assert!(processes.is_empty(), "{processes:?} still run");
}

/// Fetching processes of a demo whose temporary files are in `folder`.
fn fetching(folder: &Path) -> Vec<u32> {
    processes_with(&format!("{}/samara-demo-", folder.display()))
}

#[test]
fn a_small_demo_ends_with_one_document() {
    let folder = tempdir().expect("a temporary folder");
    let demo = start_demo(&folder, &["--size", "4MiB", "--rate", "200Mbit/s", "--json"]);
    let ended = demo.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary = ended.document();
    assert_eq!((&summary["peers"], &summary["verified"]), (&4.into(), &4.into()), "{summary}");
    assert_eq!(summary["size_bytes"], 4 << 20);
    assert_eq!(summary["rate_bytes_per_s"], 25_000_000);
    assert_eq!(summary["origin_killed_at_copies"], serde_json::Value::Null);
    for key in ["last_s", "p50_s", "limit_s", "ratio_to_limit", "origin_copies", "machine_busy"] {
        assert!(summary[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {summary}");
    }
    assert_eq!(summary["single_server_s"], 0.6711);
    check_nothing_is_left(folder.path());
}

#[test]
fn a_person_gets_lines_and_a_summary() {
    let folder = tempdir().expect("a temporary folder");
    let ended = start_demo(&folder, &["--size", "2MiB", "--rate", "50Mbit/s"]).end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("x the limit of"), "{ended:?}");
    assert!(ended.stdout.contains("4 of 4 copies by BLAKE3"), "{ended:?}");
    assert!(ended.stderr.contains("4 of 4 complete"), "{ended:?}");
}

#[test]
fn a_demo_that_is_stopped_leaves_nothing_behind() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = tempdir().expect("a temporary folder");
        let mut demo = start_demo(&folder, &["--size", "16MiB", "--rate", "4Mbit/s"]);
        demo.stderr_line("total ");
        demo.signal(signal);
        let ended = demo.end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("error: the demo was stopped"), "{ended:?}");
        check_nothing_is_left(folder.path());
    }
}

#[test]
fn a_demo_that_is_killed_takes_its_processes_along() {
    let folder = tempdir().expect("a temporary folder");
    let mut demo = start_demo(&folder, &["--size", "16MiB", "--rate", "4Mbit/s"]);
    demo.stderr_line("total ");
    assert_eq!(fetching(folder.path()).len(), 5, "an origin and four peers");
    demo.signal(Signal::KILL);
    drop(demo);
    eventually("all processes are gone", || fetching(folder.path()).is_empty());
}

#[test]
fn a_crashed_peer_is_named_and_the_others_finish() {
    let folder = tempdir().expect("a temporary folder");
    let more = ["--size", "4MiB", "--rate", "10Mbit/s", "--json"];
    let demo = start_demo(&folder, &more);
    eventually("all processes run", || fetching(folder.path()).len() == 5);
    let victim = processes_with(&format!("{}/samara-demo-", folder.path().display()))
        .into_iter()
        .find(|id| {
            let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains("peer-03")
        })
        .and_then(|id| Pid::from_raw(id as i32))
        .expect("peer 3 runs");
    kill_process(victim, Signal::KILL).expect("it runs");
    let ended = demo.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let summary = ended.document();
    assert_eq!((&summary["finished"], &summary["verified"]), (&3.into(), &3.into()), "{summary}");
    assert!(summary["error"].as_str().is_some_and(|why| why.contains("peer 3")), "{summary}");
    check_nothing_is_left(folder.path());
}

#[test]
fn the_origin_is_killed_when_it_has_sent_enough() {
    let folder = tempdir().expect("a temporary folder");
    let more = ["--size", "8MiB", "--rate", "20Mbit/s", "--kill-origin-after", "1.0", "--json"];
    // An origin tells ten times a second what it sent. On a busy machine all may be over before it says that
    // one copy is out: then there was nothing to kill, and another swarm is asked.
    let killed = (0..5).find_map(|_| {
        let summary = start_demo(&folder, &more).end().document();
        check_nothing_is_left(folder.path());
        summary["origin_killed_at_copies"].as_f64()
    });
    assert!(killed.is_some_and(|copies| copies >= 1.0), "{killed:?}");
}

#[test]
fn each_way_of_finding_peers_works_alone() {
    for discovery in ["tracker", "gossip"] {
        let folder = tempdir().expect("a temporary folder");
        let more = ["--size", "2MiB", "--rate", "50Mbit/s", "--json", "--discovery", discovery];
        let ended = start_demo(&folder, &more).end();
        assert_eq!(ended.code, Some(0), "{discovery}: {ended:?}");
        assert_eq!(ended.document()["discovery"], discovery);
        check_nothing_is_left(folder.path());
    }
}

#[test]
fn a_demo_is_stopped_while_it_makes_its_file() {
    let folder = tempdir().expect("a temporary folder");
    let demo = start_demo(&folder, &["--size", "1GiB"]);
    eventually("it writes", || !names_in(folder.path()).is_empty());
    demo.signal(Signal::INT);
    assert_eq!(demo.end().code, Some(1));
    check_nothing_is_left(folder.path());
}
