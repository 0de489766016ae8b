//! Data directories of other versions. `tests/data/format-1` is one as version 0.1.0 wrote it, and never changes:
//! a content that was fetched and pinned, and one that was interrupted. What the contents consist of is computed,
//! and where they lie is filled in.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::daemon::{Daemon, folder, text};
use crate::process::{eventually, run};

const HOLD: &str = "005a3c0e481efb38b9469f0146118a68146d010db15ebac3a2ae042650c66673";
const PART: &str = "16598a015867d66f85128dd04ec61d5e49148fc2e02c75df86daef5b5927a7e0";
const PEER: &str = "25b9032fa65459dd08ad0110c344d6789dc874e6680dbd8e217f5a58ec5caed5";

/// The bytes of a frozen content.
fn pattern(size: u64, number: u64) -> Vec<u8> {
    (0..size).map(|at| ((at + number).wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("created");
    for entry in fs::read_dir(from).expect("the fixture is there") {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).expect("readable");
        if path.is_dir() {
            copy_tree(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("copied");
        }
    }
}

/// Replaces words in a file.
fn fill(path: &Path, words: &[(&str, String)]) {
    let mut all = fs::read_to_string(path).expect("text");
    for (word, value) in words {
        all = all.replace(word, value);
    }
    fs::write(path, all).expect("written");
}

/// The frozen directory at `data`, as if it had always been there.
fn thaw(data: &Path) {
    let frozen = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/format-1");
    copy_tree(&frozen, data);
    let files = data.join("files");
    fs::create_dir(&files).expect("created");
    fs::write(files.join("hold@1"), pattern(40_000, 1)).expect("written");
    fs::write(files.join(".part@1.16598a015867d66f.part"), pattern(400_000, 2)).expect("written");
    let place = || ("@DATA@", text(data).to_owned());
    fill(&data.join("state/catalogue.json"), &[place()]);
    fill(&data.join(format!("contents/{PART}/meta.json")), &[place()]);
    let meta = data.join(format!("contents/{HOLD}/meta.json"));
    let found = fs::metadata(files.join("hold@1")).expect("it is there");
    let changed = found.mtime() * 1_000_000_000 + found.mtime_nsec();
    let all = fs::read_to_string(&meta).expect("text");
    let of = |key: &str| {
        let (_, after) = all.split_once(&format!("\"{key}\":")).expect("a stamp");
        after.split([',', '}']).next().expect("a number").to_owned()
    };
    let (mtime, inode) = (of("mtime_ns"), of("inode"));
    fill(&meta, &[place(), (&mtime, changed.to_string()), (&inode, found.ino().to_string())]);
}

#[test]
fn a_data_directory_of_the_first_format_is_taken_up_as_it_was() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let data = path("data");
    thaw(&data.clone());
    let data = data.canonicalize().expect("it is there");
    let node = Daemon::start(&data, &[]);
    assert_eq!(node.json(&["status"])["peer"], PEER, "the same node");
    let hold = node.row("hold@1").expect("a row");
    assert_eq!((&hold["state"], &hold["pinned"]), (&"complete".into(), &true.into()), "{hold}");
    assert_eq!(hold["content"], HOLD);
    eventually("what was verified is kept", || {
        let part = node.row("part@1").expect("a row");
        let resumed = part["resumed_bytes"].as_u64().expect("a number");
        part["state"] == "transferring" && resumed > 0 && resumed < 400_000
    });
    // It waits, whatever its caller had wanted: that one is gone.
    let catalogue = fs::read_to_string(data.join("state/catalogue.json")).expect("text");
    assert!(!catalogue.contains("30000"), "{catalogue}");
    // Both go on: one is served, the other one gets the rest.
    let address = node.address.clone();
    let other = Daemon::start(&path("other"), &["--join", &address]);
    other.fine(&["fetch", HOLD, "-o", text(&path("copy")), "--quiet"]);
    assert!(fs::read(path("copy")).expect("fetched") == pattern(40_000, 1));
    fs::write(path("source"), pattern(400_000, 2)).expect("written");
    let more = ["--name", "part", "--version", "1", "--chunk-size", "16KiB"];
    // The manifest names the file.
    fs::create_dir(path("origin")).expect("created");
    fs::rename(path("source"), path("origin/part")).expect("renamed");
    other.fine(&[&["publish", text(&path("origin/part"))][..], &more].concat());
    eventually("the rest comes", || node.row("part@1").expect("a row")["state"] == "complete");
    assert!(fs::read(data.join("files/part@1")).expect("finished") == pattern(400_000, 2));
}

#[test]
fn a_data_directory_of_a_later_format_is_refused_with_the_remedy_and_not_touched() {
    let folder = folder();
    let data = folder.path().join("data");
    thaw(&data);
    let version = "samara data directory, format 2\n";
    fs::write(data.join("version"), version).expect("written");
    let before = fs::read(data.join("state/catalogue.json")).expect("there");
    let refused = run(["node", "--data", text(&data), "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for words in ["format 2", "nothing was changed", "use the version that wrote it"] {
        assert!(refused.stderr.contains(words), "{words}: {refused:?}");
    }
    assert_eq!(fs::read_to_string(data.join("version")).expect("there"), version);
    assert_eq!(fs::read(data.join("state/catalogue.json")).expect("there"), before);
}
