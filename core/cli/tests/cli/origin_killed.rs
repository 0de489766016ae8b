//! The origin is killed as soon as one copy of the content is out: the peers finish among themselves.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use tempfile::tempdir;

use crate::process::{fetch_args, random_file, same_bytes, start, start_command};

const SIZE: u64 = 4 << 20;
const CHUNK: u64 = 64 << 10;
const PEERS: usize = 4;
/// The downlinks are the bottleneck: when the first copy is out, each peer still lacks about half of it.
const DOWN: &str = "768 KiB/s";

/// By the clock that the events of all processes carry.
#[expect(clippy::disallowed_methods, reason = "compared with the events' time of day")]
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs_f64()
}

#[test]
fn all_finish_when_the_origin_is_killed_after_one_copy_is_out() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    random_file(&source, SIZE as usize, 40);
    let mut command = Command::new(env!("CARGO_BIN_EXE_samara"));
    command.args(["serve", "--name", "orphan", "--version", "1", "--listen", "127.0.0.1:0"]);
    command.args(["--json", "--chunk-size", "64 KiB"]).arg(&source);
    command.env("TMPDIR", env!("CARGO_TARGET_TMPDIR")).env("SAMARA_LOG", "samara_node=info");
    let mut origin = start_command(&mut command);
    let ready = origin.event("ready");
    let address = ready["listen"].as_str().expect("an address").to_owned();

    let more = ["--limit-down", DOWN, "--linger", "forever"];
    let copies: Vec<_> = (0..PEERS).map(|at| folder.path().join(format!("copy{at}"))).collect();
    let mut peers: Vec<_> =
        copies.iter().map(|copy| start(fetch_args("orphan@1", copy, &address, &more))).collect();

    // The last chunks of the first pass may be on their way when it is reported: a few more make sure of them.
    origin.stderr_line("every chunk was sent once");
    origin.event_where("traffic", |event| event["sent_bytes"].as_u64() >= Some(SIZE + 8 * CHUNK));
    origin.signal(Signal::KILL);
    let ended = origin.end();
    assert_eq!(ended.code, None, "it was killed: {ended:?}");
    let dead_at = now();

    for peer in &mut peers {
        // Fails when the peer had finished before.
        peer.event_where("progress", |event| {
            event["at"].as_f64() > Some(dead_at) && event["done_bytes"].as_u64() < Some(SIZE)
        });
    }
    for (peer, copy) in peers.iter_mut().zip(&copies) {
        peer.event("complete");
        assert!(same_bytes(&source, copy), "{}", copy.display());
    }
}
