//! `samara node` and the commands that go through it.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::process::{
    Ended, Samara, eventually, random_file, run, same_bytes, start, start_command,
};

/// A running node and its data directory.
pub struct Daemon {
    pub process: Samara,
    pub data: PathBuf,
    pub address: String,
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A folder below `target`, for what a killed process leaves.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

impl Daemon {
    /// Starts a node with its data in `data`.
    pub fn start(data: &Path, more: &[&str]) -> Daemon {
        let args = ["node", "--json", "--data", text(data), "--listen", "127.0.0.1:0"];
        Daemon::of(start(args.iter().chain(more)), data)
    }

    /// A node that was started in another way, with its data in `data`.
    pub fn of(mut process: Samara, data: &Path) -> Daemon {
        let ready = process.event("node_ready");
        let address = ready["listen"].as_str().expect("an address").to_owned();
        Daemon { process, data: data.to_owned(), address }
    }

    /// Runs a command against this node.
    pub fn run(&self, args: &[&str]) -> Ended {
        run(self.with(args))
    }

    /// The arguments of a command against this node.
    pub fn with(&self, args: &[&str]) -> Vec<String> {
        let option = if args[0] == "fetch" { "--admin" } else { "--data" };
        let place =
            if args[0] == "fetch" { self.data.join("admin.sock") } else { self.data.clone() };
        let more = [option, text(&place)];
        args.iter().chain(&more).map(|arg| (*arg).to_owned()).collect()
    }

    /// Runs a command that must do what it is for.
    pub fn fine(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
        ended.stdout
    }

    /// The document of a command.
    pub fn json(&self, args: &[&str]) -> Value {
        let printed = self.fine(&[args, &["--json"]].concat());
        serde_json::from_str(&printed).expect("a document")
    }

    /// The row of a content.
    pub fn row(&self, release: &str) -> Option<Value> {
        let all = self.json(&["contents"]);
        let mut rows = all["contents"].as_array().expect("rows").clone().into_iter();
        rows.find(|row| row["release"] == release || row["content"] == release)
    }

    /// Publishes a file and returns its id.
    pub fn publish(&self, path: &Path, name: &str) -> String {
        let printed = self.fine(&[
            "publish",
            text(path),
            "--name",
            name,
            "--version",
            "1",
            "--chunk-size",
            "64KiB",
        ]);
        printed.split_whitespace().nth(2).expect("an id").to_owned()
    }

    /// Ends it in order.
    pub fn stop(self) -> Ended {
        self.process.signal(Signal::TERM);
        self.process.end()
    }
}

#[test]
fn a_content_goes_from_node_to_node_and_both_remember_it() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), 3 << 20, 1);
    let origin = Daemon::start(&path("origin"), &["--label", "rack=r1"]);
    let id = origin.publish(&path("source"), "org/model");
    assert_eq!(
        origin.publish(&path("source"), "org/model"),
        id,
        "publishing again changes nothing"
    );
    let join = origin.address.clone();
    let peer = Daemon::start(&path("peer"), &["--join", &join]);
    peer.fine(&["fetch", "org/model@1", "-o", text(&path("copy"))]);
    assert!(same_bytes(&path("source"), &path("copy")));
    peer.fine(&["fetch", &id, "--quiet"]);
    peer.fine(&["pin", "org/model@1"]);
    let row = peer.row("org/model@1").expect("a row");
    assert_eq!((&row["state"], &row["pinned"]), (&Value::from("complete"), &Value::from(true)));
    assert_eq!(row["content"], id.as_str());
    let status = peer.json(&["status"]);
    assert_eq!(status["contents"]["complete"], 1, "{status}");
    assert!(status["members"].as_u64() >= Some(2), "{status}");
    let peers = peer.json(&["peers", &id[..8]]);
    assert_eq!(peers["peers"][0]["address"], join.as_str(), "{peers}");
    assert_eq!(peers["peers"][0]["permille"], 1000, "{peers}");
    for command in ["status", "contents", "peers"] {
        let words = peer.fine(&[command]);
        assert!(
            words.contains(if command == "contents" { "org/model@1" } else { "127.0.0.1:" }),
            "{words}"
        );
    }
    // Both are started again: nothing is asked for anew.
    assert_eq!(origin.stop().code, Some(0));
    assert_eq!(peer.stop().code, Some(0));
    let origin = Daemon::start(&path("origin"), &["--set", &format!("node.listen={join}")]);
    assert_eq!(origin.row("org/model@1").expect("a row")["state"], "complete");
    let third = Daemon::start(&path("third"), &["--join", &origin.address]);
    third.fine(&["fetch", "org/model@1"]);
    let row = third.row("org/model@1").expect("a row");
    let managed = PathBuf::from(row["path"].as_str().expect("a path"));
    assert!(
        managed.starts_with(path("third").join("files")) && same_bytes(&path("source"), &managed)
    );
    let peer = Daemon::start(&path("peer"), &["--join", &origin.address]);
    assert_eq!(peer.row("org/model@1").expect("a row")["pinned"], true);
    let placed = third.fine(&["fetch", "org/model@1", "-o", text(&path("placed"))]);
    assert!(placed.contains(text(&path("placed"))), "the copy is named: {placed}");
    assert!(same_bytes(&path("source"), &path("placed")));
    // What lies in the data directory goes, what the user placed stays.
    third.fine(&["remove", "org/model@1"]);
    assert!(!managed.exists() && third.row("org/model@1").is_none());
    assert!(peer.fine(&["remove", &id]).contains("stays"));
    assert!(path("copy").exists());
    eventually("the others know that it is gone", || {
        let peers = origin.json(&["peers", &id]);
        peers["peers"].as_array().is_some_and(|rows| rows.is_empty())
    });
}

#[test]
fn ten_callers_fetch_a_content_once() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), 4 << 20, 2);
    let origin = Daemon::start(&path("origin"), &["--set", "limits.up=4MiB/s"]);
    let id = origin.publish(&path("source"), "once");
    let peer = Daemon::start(&path("peer"), &["--join", &origin.address]);
    let outputs: Vec<PathBuf> =
        (0..10).map(|number| path(&format!("copy{}", number % 3))).collect();
    let callers: Vec<Samara> = outputs
        .iter()
        .enumerate()
        .map(|(number, output)| {
            let name = if number % 2 == 0 { "once@1" } else { id.as_str() };
            start(peer.with(&["fetch", name, "-o", text(output), "--quiet"]))
        })
        .collect();
    for caller in callers {
        let ended = caller.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    for output in &outputs {
        assert!(same_bytes(&path("source"), output), "{output:?}");
    }
    let status = peer.json(&["status"]);
    let received = status["traffic"]["received_bytes"].as_u64().expect("a number");
    assert!(received < (4 << 20) + (4 << 18), "it was received more than once: {received}");
}

#[test]
fn what_cannot_be_is_told_with_the_remedy() {
    let folder = folder();
    let data = folder.path().join("data");
    let node = Daemon::start(&data, &["--set", "node.roles=peer"]);
    let again = run(["node", "--data", text(&data), "--listen", "127.0.0.1:0"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stderr.contains("is in use by process"), "{again:?}");
    let other = folder.path().join("other");
    let port = run(["node", "--data", text(&other), "--listen", &node.address]);
    assert_eq!(port.code, Some(1), "{port:?}");
    assert!(port.stderr.contains("another port") || port.stderr.contains("in use"), "{port:?}");
    let refused = node.run(&["publish", "/etc/hostname", "--name", "a", "--version", "1"]);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("gives it no role `origin`"),
        "{refused:?}"
    );
    let lost = node.run(&["fetch", "nothing@1", "--wait", "1s"]);
    assert!(lost.code == Some(1) && lost.stderr.contains("nothing@1"), "{lost:?}");
    assert_eq!(node.row("nothing@1").expect("a row")["state"], "failed");
    let unknown = node.run(&["remove", "what@1"]);
    assert!(unknown.stderr.contains("`samara contents` lists"), "{unknown:?}");
    let nobody = run(["status", "--data", text(&other)]);
    assert!(
        nobody.code == Some(1) && nobody.stderr.contains("start one with `samara node`"),
        "{nobody:?}"
    );
    let wrong = run(["node", "--data", text(&other), "--set", "limits.upp=1", "--listen", "x"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(
        wrong.stderr.contains("did you mean `limits.up`") && wrong.stderr.contains("--listen"),
        "{wrong:?}"
    );
}

#[test]
fn a_service_manager_hears_of_everything_and_a_reload_takes_what_it_can() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let socket = UnixDatagram::bind(path("notify")).expect("bound");
    socket.set_read_timeout(Some(crate::process::DEADLINE)).expect("set");
    let heard = |words: &str| {
        let mut bytes = [0u8; 500];
        loop {
            let count = socket.recv(&mut bytes).unwrap_or_else(|why| panic!("{words}: {why}"));
            if String::from_utf8_lossy(&bytes[..count]).contains(words) {
                return;
            }
        }
    };
    let config = |text: &str| fs::write(path("node.toml"), text).expect("written");
    config("[log]\nformat = \"json\"\n[limits]\nup = \"1 Gbit/s\"\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_samara"));
    command
        .args(["node", "--json", "--listen", "127.0.0.1:0", "--data", text(&path("data"))])
        .args(["--config", text(&path("node.toml"))])
        .env("NOTIFY_SOCKET", path("notify"))
        .env("WATCHDOG_USEC", "200000");
    let mut node = Daemon::of(start_command(&mut command), &path("data"));
    heard("READY=1");
    heard("WATCHDOG=1");
    config("[log]\nformat = \"json\"\n[limits]\nup = \"2 Gbit/s\"\n[node]\ncluster = \"other\"\n");
    node.process.signal(Signal::HUP);
    heard("RELOADING=1");
    heard("READY=1");
    let status = node.json(&["status"]);
    assert_eq!(status["limits"]["up_bytes_per_second"], 250_000_000, "{status}");
    let line = node.process.stderr_line("configuration read again");
    let logged: Value = serde_json::from_str(&line).expect("a line of JSON");
    assert!(
        logged["needs_restart"].as_str().is_some_and(|keys| keys.contains("node.cluster")),
        "{line}"
    );
    let reload = node.json(&["reload"]);
    assert_eq!(reload["needs_restart"][0], "node.cluster", "{reload}");
    config("[limits]\nup = 3\n");
    let refused = node.run(&["reload"]);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("node.toml:2: limits.up"),
        "{refused:?}"
    );
    assert_eq!(node.json(&["status"])["limits"]["up_bytes_per_second"], 250_000_000);
    node.process.signal(Signal::TERM);
    heard("STOPPING=1");
    assert_eq!(node.process.end().code, Some(0));
}
