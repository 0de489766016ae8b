//! Two hundred contents on one node, twenty at a time.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use crate::daemon::{Daemon, folder, text};
use crate::process::{random_file, run, same_bytes};

const CONTENTS: u64 = 200;
const AT_ONCE: u64 = 20;

#[test]
fn two_hundred_contents_are_fetched_twenty_at_once_and_are_there_after_a_restart() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("sources")).expect("created");
    let source = |number: u64| path("sources").join(format!("c{number}"));
    let origin = Daemon::start(&path("origin"), &[]);
    for number in 0..CONTENTS {
        random_file(&source(number), 40_000 + number as usize * 400, 6000 + number);
        origin.publish(&source(number), &format!("c{number}"));
    }
    let peer = Daemon::start(&path("peer"), &["--join", &origin.address]);
    thread::scope(|scope| {
        for lane in 0..AT_ONCE {
            let numbers = (lane..CONTENTS).step_by(AT_ONCE as usize);
            let fetch = |number| peer.with(&["fetch", &format!("c{number}@1"), "--quiet"]);
            let lane: Vec<Vec<String>> = numbers.map(fetch).collect();
            scope.spawn(move || {
                for args in lane {
                    let ended = run(&args);
                    assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
                }
            });
        }
    });
    let all_there = |node: &Daemon| {
        let rows = node.json(&["contents"]);
        let rows = rows["contents"].as_array().expect("rows").clone();
        assert_eq!(rows.len() as u64, CONTENTS);
        for row in &rows {
            assert_eq!(row["state"], "complete", "{row}");
            let release = row["release"].as_str().expect("a release");
            let number: u64 = release[1..].trim_end_matches("@1").parse().expect("a number");
            let copy = Path::new(row["path"].as_str().expect("a path"));
            assert!(same_bytes(&source(number), copy), "{release}");
        }
    };
    all_there(&peer);
    // Nothing came twice.
    let received = peer.json(&["status"])["traffic"]["received_bytes"].as_u64().expect("bytes");
    let size: u64 = (0..CONTENTS).map(|number| 40_000 + number * 400).sum();
    assert!(received <= size + size / 20, "{received} bytes came for {size}");
    assert_eq!(peer.stop().code, Some(0));
    let began = Instant::now();
    let peer = Daemon::start(&path("peer"), &["--join", &origin.address]);
    println!("ready after {:?} with {CONTENTS} contents", began.elapsed());
    all_there(&peer);
    // Each of them is served again: the origin is gone, and a newcomer gets one.
    assert_eq!(origin.stop().code, Some(0));
    let newcomer = Daemon::start(&path("newcomer"), &["--join", &peer.address]);
    newcomer.fine(&["fetch", "c199@1", "-o", text(&path("copy")), "--quiet"]);
    assert!(same_bytes(&source(199), &path("copy")));
}
