//! A network that comes up after the node, in a network namespace of its own.

use std::process::Command;

use crate::daemon::{Daemon, folder};
use crate::process::{eventually, start_command};

/// Runs a command in the network of a process.
fn inside(node: &Daemon, words: &[&str]) {
    let id = node.process.id().to_string();
    let done = Command::new("nsenter").args(["-t", &id, "-n"]).args(words).output();
    let done = done.expect("nsenter is there");
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn may_make_networks() -> bool {
    let tried = Command::new("unshare").args(["-n", "ip", "link", "show"]).output();
    tried.is_ok_and(|tried| tried.status.success())
}

fn node(prefix: &[&str], folder: &std::path::Path, name: &str, more: &[&str]) -> Daemon {
    let data = folder.join(name);
    let (program, words) = prefix.split_first().expect("a command");
    let mut command = Command::new(program);
    command
        .args(words)
        .arg(env!("CARGO_BIN_EXE_samara"))
        .args(["node", "--json", "--data"])
        .arg(&data)
        .args(more)
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    Daemon::of(start_command(&mut command), &data)
}

#[test]
fn a_node_that_starts_before_its_network_is_dialled_where_it_can_be_later() {
    if !may_make_networks() {
        eprintln!(
            "skipped: a_node_that_starts_before_its_network_is_dialled_where_it_can_be_later (needs root)"
        );
        return;
    }
    let folder = folder();
    // `exec`, so that the process is the node itself.
    let early = node(&["unshare", "-n"], folder.path(), "early", &["--listen", "0.0.0.0:7300"]);
    assert_eq!(early.json(&["status"])["advertise"], "127.0.0.1:7300", "there is no route");
    inside(&early, &["ip", "link", "set", "lo", "up"]);
    inside(&early, &["ip", "link", "add", "late0", "type", "veth", "peer", "name", "late1"]);
    inside(&early, &["ip", "address", "add", "10.77.0.5/24", "dev", "late0"]);
    inside(&early, &["ip", "link", "set", "late0", "up"]);
    inside(&early, &["ip", "link", "set", "late1", "up"]);
    inside(&early, &["ip", "route", "add", "default", "dev", "late0"]);
    eventually("it notices the route", || early.json(&["status"])["advertise"] == "10.77.0.5:7300");
    // Whoever joins hears of it under that address.
    let id = early.process.id().to_string();
    let enter = ["nsenter", "-t", &id, "-n"];
    let more = ["--listen", "10.77.0.5:7301", "--join", "10.77.0.5:7300"];
    let other = node(&enter, folder.path(), "other", &more);
    let third = ["--listen", "10.77.0.5:7302", "--join", "10.77.0.5:7301"];
    let third = node(&enter, folder.path(), "third", &third);
    let peer = early.json(&["status"])["peer"].clone();
    for node in [&other, &third] {
        eventually("gossip tells where it is", || {
            let members = node.json(&["peers"]);
            let rows = members["peers"].as_array().or(members["members"].as_array());
            rows.is_some_and(|rows| {
                rows.iter().any(|row| row["peer"] == peer && row["address"] == "10.77.0.5:7300")
            })
        });
    }
}
