//! Labels of a running node that its operator changes: who hears of it, and what follows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::daemon::{Daemon, folder, text};
use crate::policy_live::built;
use crate::process::{Samara, eventually, random_file, same_bytes, start};

/// A node with a config file of its own, which says where it stands.
struct Placed {
    node: Daemon,
    config: PathBuf,
    peer: String,
}

fn said(rack: &str) -> String {
    format!(
        "[node.labels]\nrack = \"{rack}\"\ntier = \"{rack}-tier\"\n[limits]\nup = \"2 MiB/s\"\n"
    )
}

impl Placed {
    fn start(folder: &Path, name: &str, rack: &str, more: &[&str]) -> Placed {
        let config = folder.join(format!("{name}.toml"));
        fs::write(&config, said(rack)).expect("written");
        let node =
            Daemon::start(&folder.join(name), &[&["--config", text(&config)], more].concat());
        let peer = node.json(&["status"])["peer"].as_str().expect("an id").to_owned();
        Placed { node, config, peer }
    }

    fn says(&self, rack: &str) {
        fs::write(&self.config, said(rack)).expect("written");
    }

    /// Rows of members by their id.
    fn members(&self) -> BTreeMap<String, Value> {
        by_peer(&self.node.json(&["peers"])["members"])
    }

    /// What this node believes of another, over a link or by gossip.
    fn believes(&self, other: &Placed) -> Value {
        self.members().get(&other.peer).map_or(Value::Null, |row| row["labels"].clone())
    }

    fn copy(&self) -> PathBuf {
        self.config.with_extension("copy")
    }

    fn fetch(&self) -> Samara {
        start(self.node.with(&["fetch", "model@1", "--quiet", "-o", text(&self.copy())]))
    }

    fn done_permille(&self) -> u64 {
        let row = self.node.row("model@1").unwrap_or_default();
        row["done_bytes"].as_u64().unwrap_or(0) * 1000
            / row["size_bytes"].as_u64().filter(|size| *size > 0).unwrap_or(u64::MAX)
    }

    fn until_permille(&self, permille: u64) {
        eventually("it gets on", || self.done_permille() >= permille);
    }

    /// Bytes received over each live link.
    fn received(&self) -> BTreeMap<String, u64> {
        let rows = self.members().into_iter().filter(|(_, row)| row["source"] == "link");
        rows.map(|(peer, row)| (peer, row["received_bytes"].as_u64().expect("bytes"))).collect()
    }
}

fn by_peer(rows: &Value) -> BTreeMap<String, Value> {
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| (row["peer"].as_str().expect("an id").to_owned(), row.clone())).collect()
}

/// Share of what came since `before` that came from these.
fn share_of(nodes: &[Placed], before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> f64 {
    let of = |bytes: &BTreeMap<String, u64>, peer: &String| bytes.get(peer).copied().unwrap_or(0);
    let since = |peer: &String| of(now, peer) - of(before, peer);
    let theirs: u64 = nodes.iter().map(|node| since(&node.peer)).sum();
    theirs as f64 / now.keys().map(since).sum::<u64>() as f64
}

#[test]
fn a_node_that_moves_to_another_rack_is_seen_there_and_the_policy_follows_while_it_transfers() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let module = built(folder.path(), "rack-local");
    random_file(&path("source"), 40 << 20, 71);
    let module = format!("policy.module={module}");
    // One member of a rack brings in what comes from outside.
    let policy = ["--set", &module, "--set", "policy.params.cross=0"];
    let origin = Placed::start(folder.path(), "origin", "r1", &policy);
    origin.node.publish(&path("source"), "model");
    let join = [&policy[..], &["--join", &origin.node.address]].concat();
    let peer = |name: &str, rack: &str| Placed::start(folder.path(), name, rack, &join);
    let one: Vec<Placed> = ["a0", "a1", "a2", "a3"].map(|name| peer(name, "r1")).into();
    let two: Vec<Placed> = ["b0", "b1", "b2", "b3"].map(|name| peer(name, "r2")).into();
    let mover = peer("mover", "r2");
    let all: Vec<&Placed> = one.iter().chain(&two).chain([&mover]).collect();
    let fetches: Vec<_> = all.iter().map(|node| node.fetch()).collect();

    mover.until_permille(100);
    let begun = mover.received();
    mover.until_permille(400);
    let (before, links) = (mover.received(), mover.members());
    mover.says("r1");
    mover.node.process.signal(Signal::HUP);

    // The free label goes with it: there is a link.
    let moved = json!({ "rack": "r1", "tier": "r1-tier" });
    eventually("it says so itself", || mover.node.json(&["status"])["labels"] == moved);
    eventually("others see where it stands", || origin.believes(&mover) == moved);
    assert!(mover.done_permille() < 850, "the transfer is too fast for this test");

    // What was promised before may still come.
    mover.until_permille(600);
    let changed = mover.received();
    mover.until_permille(950);
    let (after, links_after) = (mover.received(), mover.members());
    let (then, now) = (share_of(&two, &begun, &before), share_of(&two, &changed, &after));
    println!("from its first rack: {then:.3} of the bytes before it moved, {now:.3} after");
    assert!(now * 2.0 <= then, "{then} before it moved, {now} afterwards");

    // Everybody has heard of it.
    for other in one.iter().chain(&two) {
        eventually("the others see where it stands", || other.believes(&mover) == moved);
    }
    let peers = origin.node.json(&["peers", "model@1"]);
    assert_eq!(by_peer(&peers["peers"])[&mover.peer]["labels"], moved, "{peers}");
    let words = origin.node.fine(&["peers"]);
    assert!(words.contains("rack=r1 tier=r1-tier"), "{words}");

    // No link ended: those of before are there, and have counted on.
    for (peer, row) in links.iter().filter(|(_, row)| row["source"] == "link") {
        let later = &links_after[peer];
        assert_eq!(later["source"], "link", "{later}");
        let bytes = |row: &Value, key: &str| row[key].as_u64().expect("bytes");
        for key in ["sent_bytes", "received_bytes"] {
            assert!(bytes(row, key) <= bytes(later, key), "{row} {later}");
        }
    }
    for (node, fetch) in all.iter().zip(fetches) {
        assert_eq!(fetch.end().code, Some(0));
        assert!(same_bytes(&path("source"), &node.copy()), "{}", node.peer);
    }
    let row = mover.node.row("model@1").expect("a row");
    assert_eq!((&row["resumed_bytes"], &row["state"]), (&json!(0), &json!("complete")), "{row}");
}
