//! Interrupted fetches: nothing is lost, repeating the command goes on.

use std::path::Path;

use rustix::process::Signal;
use tempfile::tempdir;

use crate::process::{
    Samara, eventually, fetch_args, names_in, processes_with, random_file, run, same_bytes, serve,
    start,
};

const SIZE: usize = 8 << 20;

/// Waits until something, and not everything, is there.
fn await_some(fetch: &mut Samara) {
    fetch.event_where("progress", |event| {
        let done = event["done_bytes"].as_u64().unwrap_or(0);
        done >= 256 << 10 && done < SIZE as u64
    });
}

/// Interrupts a slow fetch with `signal`, repeats it, and checks that it went on where it was.
fn check_resumes_after(signal: Signal, ends: impl FnOnce(Samara)) {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    random_file(&source, SIZE, 20);
    let origin = serve(&source, "big", &[]);
    let into = folder.path().join("into");
    std::fs::create_dir(&into).expect("a new folder");
    let output = into.join("copy");
    let slow = ["--limit-down", "2 MiB/s"];
    let mut fetch = start(fetch_args("big@1", &output, &origin.address, &slow));
    await_some(&mut fetch);
    fetch.signal(signal);
    ends(fetch);
    assert!(!output.exists(), "the output appears only when it is complete");
    check_repeats(&source, &output, &origin.address);
    assert_eq!(names_in(&into), ["copy"], "nothing is left behind");
}

fn check_repeats(source: &Path, output: &Path, join: &str) {
    let ended = run(fetch_args("big@1", output, join, &[]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let complete = ended.event("complete");
    assert!(complete["resumed_bytes"].as_u64() > Some(0), "{complete}");
    assert!(complete["received_bytes"].as_u64() < Some(SIZE as u64), "{complete}");
    assert!(same_bytes(source, output));
}

#[test]
fn a_fetch_goes_on_after_ctrl_c() {
    check_resumes_after(Signal::INT, |fetch| {
        let ended = fetch.end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("stopped before big@1 was complete"), "{ended:?}");
        assert!(ended.stderr.contains("repeat the same command"), "{ended:?}");
    });
}

#[test]
fn a_fetch_goes_on_after_it_was_killed() {
    check_resumes_after(Signal::KILL, |fetch| {
        assert_eq!(fetch.end().code, None);
    });
}

#[test]
fn a_fetch_that_was_stopped_before_its_first_chunk_leaves_nothing_in_the_end() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    random_file(&source, SIZE, 22);
    let origin = serve(&source, "big", &[]);
    let into = folder.path().join("into");
    std::fs::create_dir(&into).expect("a new folder");
    let output = into.join("copy");
    let crawl = ["--limit-down", "8 kbit/s"];
    let mut fetch = start(fetch_args("big@1", &output, &origin.address, &crawl));
    fetch.event_where("progress", |event| event["phase"] == "transferring");
    fetch.signal(Signal::INT);
    assert_eq!(fetch.end().code, Some(1));
    let ended = run(fetch_args("big@1", &output, &origin.address, &[]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(names_in(&into), ["copy"], "nothing is left behind");
}

#[test]
fn a_fetch_stops_at_once_while_nobody_is_found() {
    let folder = tempdir().expect("a temporary folder");
    let output = folder.path().join("copy");
    let mut fetch = start(fetch_args("a@1", &output, "127.0.0.1:1", &["--wait", "1h"]));
    fetch.event("progress");
    fetch.signal(Signal::INT);
    let ended = fetch.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(names_in(folder.path()), Vec::<String>::new(), "nothing is left behind");
}

#[test]
fn a_wish_to_stop_that_arrives_twice_is_one() {
    let folder = tempdir().expect("a temporary folder");
    let output = folder.path().join("copy");
    for _ in 0..5 {
        let mut fetch = start(fetch_args("a@1", &output, "127.0.0.1:1", &["--wait", "1h"]));
        fetch.event("progress");
        fetch.signal(Signal::INT);
        fetch.signal(Signal::TERM);
        assert_eq!(fetch.end().code, Some(1));
        assert_eq!(names_in(folder.path()), Vec::<String>::new(), "it was stopped in order");
    }
}

#[test]
fn a_closed_stdin_stops_a_child_of_the_demo() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    random_file(&source, 100_000, 21);
    // The helper gives it /dev/null as stdin, which ends at once.
    let origin = serve(&source, "child", &["--stop-with-stdin"]);
    assert_eq!(origin.process.end().code, Some(0));
    eventually("it is gone", || processes_with(source.to_str().expect("UTF-8")).is_empty());
}

#[test]
fn serve_stops_at_once_while_it_hashes() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("huge");
    // Sparse: no bytes on disk, minutes of hashing.
    let huge = std::fs::File::create(&source).and_then(|file| file.set_len(200 << 30));
    huge.expect("the test folder takes sparse files");
    let path = source.to_str().expect("UTF-8");
    let args =
        ["serve", path, "--name", "a", "--version", "1", "--listen", "127.0.0.1:0", "--json"];
    let mut serve = start(args);
    serve.event("hashing");
    serve.signal(Signal::INT);
    assert_eq!(serve.end().code, Some(0));
}
