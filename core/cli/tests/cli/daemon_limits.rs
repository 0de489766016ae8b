//! Caps for classes of peers, and where the time of a fetch went.

use crate::daemon::{Daemon, folder, text};
use crate::process::{random_file, same_bytes, start};

#[test]
fn peers_of_another_zone_share_a_cap_that_those_of_the_same_rack_do_not_feel() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), 16 << 20, 51);
    let place = |zone: &'static str| {
        let rack = format!("node.labels.rack={zone}1");
        let zone = format!("node.labels.zone={zone}");
        ["--set".to_owned(), zone, "--set".to_owned(), rack]
    };
    let cap = ["--set".to_owned(), "limits.remote.up=512 KiB/s".to_owned()];
    let node = |name: &str, zone: &'static str, more: &[&str]| {
        let own = [&place(zone)[..], &cap[..]].concat();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        Daemon::start(&path(name), &[&own[..], more].concat())
    };
    let origin = node("origin", "a", &[]);
    origin.publish(&path("source"), "model");
    let status = origin.json(&["status"]);
    assert_eq!(status["limits"]["remote"]["up_bytes_per_second"], 512 << 10, "{status}");
    // A cap says what the line carries, also of a fetch that takes less than a second.
    let line = ["--join", &origin.address, "--set", "limits.down=32 MiB/s"];
    let near = node("near", "a", &line);
    let far = node("far", "b", &["--join", &origin.address]);
    let slow = start(far.with(&["fetch", "model@1", "-o", text(&path("far-copy"))]));
    near.fine(&["fetch", "model@1", "-o", text(&path("near-copy"))]);
    assert!(same_bytes(&path("source"), &path("near-copy")));
    // At most 1 MiB a second can have come to the other zone, from both.
    let row = far.row("model@1").expect("a row");
    assert_ne!(row["state"], "complete", "{row}");
    let why = near.json(&["why", "model@1"]);
    let transfer = &why["transfer"];
    assert!(transfer["limit_seconds"].as_f64() > Some(0.0), "{why}");
    assert_eq!((&transfer["line_from"], &transfer["line_seconds"]), (&"cap".into(), &0.5.into()));
    let lost: f64 = transfer["losses"]
        .as_array()
        .expect("losses")
        .iter()
        .map(|loss| loss["seconds"].as_f64().expect("seconds"))
        .sum();
    let took = transfer["took_seconds"].as_f64().expect("seconds");
    assert!(lost <= took, "{why}");
    assert!(near.fine(&["why", "model@1"]).contains("times the limit"), "{why}");
    far.fine(&["cancel", "model@1"]);
    assert_eq!(slow.end().code, Some(1));
}
