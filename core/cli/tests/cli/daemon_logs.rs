//! What a node logs: one line per change of state, none per chunk.

use rustix::process::Signal;

use crate::daemon::{Daemon, folder, text};
use crate::process::random_file;

/// What two nodes log about a content of so many bytes in chunks of 16 KiB, level and message of each line.
fn logged(size: usize) -> [Vec<String>; 2] {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), size, 95);
    let origin = Daemon::start(&path("origin"), &[]);
    let names = ["--name", "model", "--version", "1", "--chunk-size", "16KiB"];
    origin.fine(&[&["publish", text(&path("source"))], &names[..]].concat());
    let peer = Daemon::start(&path("peer"), &["--join", &origin.address]);
    peer.fine(&["fetch", "model@1", "--quiet"]);
    assert_eq!(peer.row("model@1").expect("a row")["chunks"], size >> 14);
    peer.fine(&["remove", "model@1"]);
    [peer, origin].map(|node| {
        node.process.signal(Signal::TERM);
        let ended = node.process.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        // The time comes first.
        let words = |line: &str| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
        ended.stderr.lines().map(words).collect()
    })
}

#[test]
fn a_log_has_a_line_for_each_change_and_none_for_each_chunk() {
    let [few, many] = [8 << 14, 1024 << 14].map(logged);
    for (few, many) in few.iter().zip(&many) {
        assert!(many.len() <= few.len() + 3, "8 chunks: {few:#?}\n1024 chunks: {many:#?}");
        assert!(many.len() < 20, "{many:#?}");
    }
    let [peer, origin] = &many;
    let once = |lines: &[String], words: &str| {
        let found = lines.iter().filter(|line| line.contains(words)).count();
        assert_eq!(found, 1, "{words}: {lines:#?}");
    };
    for words in ["fetch begins", "INFO fetched", "removed", "stops"] {
        once(peer, words);
    }
    for words in ["publication begins", "INFO published", "stops"] {
        once(origin, words);
    }
}
