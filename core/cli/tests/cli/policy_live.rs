//! `samara policy activate`, `rollback` and `status`, and `--policy`, on processes that run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::daemon::{self, Daemon};
use crate::process::{Ended, Samara, eventually, run, start};

/// A folder below `target`, with an origin that serves 24 MiB at 6 MiB/s, and its data directory.
struct Origin {
    folder: tempfile::TempDir,
    samara: Samara,
    content: String,
    address: String,
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

impl Origin {
    fn start(extra: &[&str]) -> Origin {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let source = folder.path().join("source");
        let bytes: Vec<u8> =
            (0..6_000_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        fs::write(&source, bytes).expect("written");
        let data = folder.path().join("data");
        let mut args = vec!["serve", text(&source), "--name", "live", "--version", "1", "--json"];
        args.extend(["--data", text(&data), "--listen", "127.0.0.1:0", "--limit-up", "6MiB/s"]);
        args.extend(["--chunk-size", "64KiB", "--label", "rack=r1"]);
        args.extend(extra);
        let mut samara = start(&args);
        let ready = samara.event("ready");
        let word = |key: &str| ready[key].as_str().expect("a text").to_owned();
        let (content, address) = (word("content"), word("advertise"));
        Origin { folder, samara, content, address }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn fetch(&self, name: &str) -> Samara {
        let output = self.path(name);
        let args = ["fetch", &self.content, "-o", text(&output), "--join", &self.address];
        start(args.into_iter().chain(["--json", "--label", "rack=r1", "--listen", "127.0.0.1:0"]))
    }

    fn policy(&self, args: &[&str]) -> Ended {
        let data = self.path("data");
        run([&["policy"], args, &["--data", text(&data)]].concat())
    }

    fn status(&self) -> Value {
        let ended = self.policy(&["status", "--json"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str(&ended.stdout).expect("a document")
    }

    fn same(&self, name: &str) {
        let read = |name: &str| fs::read(self.path(name)).expect("read");
        assert!(read("source") == read(name), "{name} differs");
    }
}

/// A policy of the checkout, built into `folder`.
pub fn built(folder: &Path, name: &str) -> String {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies").join(name);
    let output = folder.join(format!("{name}.wasm"));
    let ended = run(["policy", "build", text(&crate_folder), "--output", text(&output)]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    text(&output).to_owned()
}

#[test]
fn a_policy_is_swapped_shadowed_and_rolled_back_on_a_live_swarm() {
    let origin = Origin::start(&[]);
    let socket = fs::metadata(origin.path("data/admin.sock")).expect("the socket");
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    let (rarest, random) =
        (built(origin.folder.path(), "rarest-first"), built(origin.folder.path(), "random"));
    assert_eq!(origin.status()["active"]["id"], "built-in");
    let mut peers = [origin.fetch("one"), origin.fetch("two")];
    for peer in &mut peers {
        peer.event_where("progress", |event| event["done_bytes"].as_u64() > Some(0));
    }
    let ended = origin.policy(&["activate", &random, "--shadow"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = origin.policy(&["activate", &rarest, "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let status: Value = serde_json::from_str(&ended.stdout).expect("a document");
    assert_eq!(status["active"]["name"], "rarest-first");
    assert_eq!(status["previous"]["id"], "built-in");
    for (at, peer) in peers.into_iter().enumerate() {
        assert_eq!(peer.end().code, Some(0));
        origin.same(["one", "two"][at]);
    }
    let status = origin.status();
    assert!(status["active"]["calls"].as_u64() > Some(0), "{status}");
    let hooks = status["shadow"]["hooks"].as_array().expect("hooks").clone();
    let compared = |key: &str| hooks.iter().filter_map(|hook| hook[key].as_u64()).sum::<u64>();
    assert!(compared("same") + compared("differs") > 0, "{status}");
    let ended = origin.policy(&["rollback"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("active   balanced"), "{ended:?}");
    let ended = origin.policy(&["rollback", "--shadow", "--json"]);
    let status: Value = serde_json::from_str(&ended.stdout).expect("a document");
    assert_eq!(status["shadow"], Value::Null);
    assert_eq!(status["previous"]["name"], "rarest-first");
}

#[test]
fn a_policy_comes_through_the_swarm_like_any_content() {
    let folder = daemon::folder();
    let module = built(folder.path(), "random");
    let far = Daemon::start(&folder.path().join("far"), &[]);
    let near = Daemon::start(&folder.path().join("near"), &["--join", &far.address]);
    far.publish(Path::new(&module), "chance");
    let status = near.json(&["policy", "activate", "chance@1"]);
    assert_eq!(status["active"]["name"], "random");
    let file = status["active"]["file"].as_str().expect("a path");
    assert!(file.starts_with(text(&near.data)), "{status}");
    assert!(fs::read(file).expect("it stays") == fs::read(&module).expect("read"));
    let row = near.row("chance@1").expect("it is a content");
    assert_eq!(row["pinned"], true, "{row}");
    let unknown = near.run(&["policy", "activate", "nobody-has-it"]);
    assert!(unknown.stderr.contains("check the path"), "{unknown:?}");
    assert_eq!(near.json(&["policy", "status"])["active"]["name"], "random");
    for node in [near, far] {
        assert_eq!(node.stop().code, Some(0));
    }
}

#[test]
fn a_policy_comes_although_the_node_is_restarted_while_it_is_looked_for() {
    let folder = daemon::folder();
    let module = built(folder.path(), "random");
    let far = Daemon::start(&folder.path().join("far"), &[]);
    let join = ["--join", &far.address];
    let near = Daemon::start(&folder.path().join("near"), &join);
    let waits = ["policy", "activate", "late@1", "--wait", "5m"];
    let mut caller = start(near.with(&waits));
    caller.stderr_line("late@1  finding peers");
    near.process.signal(Signal::KILL);
    near.process.end();
    let near = Daemon::start(&folder.path().join("near"), &join);
    far.publish(Path::new(&module), "late");
    let ended = caller.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(near.json(&["policy", "status"])["active"]["name"], "random");
}

#[test]
fn who_waits_for_a_policy_that_is_looked_for_already_waits_no_longer_than_it_said() {
    let folder = daemon::folder();
    let node = Daemon::start(&folder.path().join("node"), &[]);
    let fetching = start(node.with(&["fetch", "late@1", "--wait", "5m"]));
    eventually("it is looked for", || node.row("late@1").is_some());
    let ended = node.run(&["policy", "activate", "late@1", "--wait", "1s"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for words in ["for 1.00 s", "goes on looking", "the active policy stays active"] {
        assert!(ended.stderr.contains(words), "{words}: {ended:?}");
    }
    assert_eq!(node.row("late@1").expect("a row")["state"], "finding", "it goes on");
    drop(fetching);
}

#[test]
fn what_is_no_policy_is_refused_and_the_active_one_unharmed() {
    let origin = Origin::start(&[]);
    let good = built(origin.folder.path(), "balanced");
    assert_eq!(origin.policy(&["activate", &good, "--param", "candidates=4"]).code, Some(0));
    let bad = origin.path("bad.wasm");
    fs::write(&bad, "not a module").expect("written");
    let cut = origin.path("cut.wasm");
    let bytes = fs::read(&good).expect("read");
    fs::write(&cut, &bytes[..bytes.len() / 3]).expect("written");
    let refusals: [(&[&str], &str); 5] = [
        (&[text(&bad)], "bad.wasm is not a WASM component"),
        (&[text(&cut)], "cut.wasm is a damaged"),
        (&["/nowhere/p.wasm"], "check the path"),
        (&[&good, "--param", "speed=1"], "has no parameter `speed`"),
        (&[&good, "--param", "candidates=99"], "from 1 to 8"),
    ];
    for (args, words) in refusals {
        let ended = origin.policy(&[&["activate"], args].concat());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(words), "{words}: {ended:?}");
        assert!(ended.stderr.contains("the active policy stays active"), "{ended:?}");
    }
    let status = origin.status();
    assert_eq!(status["generation"], 1);
    assert_eq!(status["active"]["parameters"]["candidates"], "4");
    assert_eq!(origin.fetch("copy").end().code, Some(0));
    origin.same("copy");
}

#[test]
fn a_policy_from_the_command_line_is_active_from_the_start_or_nothing_starts() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let good = built(folder.path(), "balanced");
    let origin = Origin::start(&["--policy", &good, "--policy-param", "candidates=2"]);
    let status = origin.status();
    assert_eq!(status["active"]["file"], good.as_str());
    assert_eq!(status["active"]["parameters"]["candidates"], "2");
    assert_eq!(origin.fetch("copy").end().code, Some(0));
    assert!(origin.status()["active"]["calls"].as_u64() > Some(0));
    let bad = folder.path().join("bad.wasm");
    fs::write(&bad, "not a module").expect("written");
    let output = folder.path().join("out");
    let args = ["fetch", &origin.content, "-o", text(&output), "--join", &origin.address];
    let ended = run(args.into_iter().chain(["--policy", text(&bad)]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("is not a WASM component"), "{ended:?}");
    let ended = run(["policy", "status", "--data", text(folder.path())]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no node answers at"), "{ended:?}");
    drop(origin.samara);
}
