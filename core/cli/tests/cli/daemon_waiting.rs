//! Nothing is stuck in silence: a fetch to which nothing happens, and a name that nobody knows, are told of after half
//! a minute, by the log, the status, `samara top` and the metrics.

use rustix::process::Signal;

use crate::daemon::{Daemon, folder, text};
use crate::http::get;
use crate::monitoring::free_address;
use crate::process::{eventually, random_file, start};

#[test]
fn what_waits_for_half_a_minute_is_told_of_everywhere() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), 8 << 20, 91);
    let origin = Daemon::start(&path("origin"), &["--set", "limits.up=1MiB/s"]);
    origin.publish(&path("source"), "slow");
    let metrics = free_address();
    let listen = format!("metrics.listen=\"{metrics}\"");
    let mut peer = Daemon::start(&path("peer"), &["--join", &origin.address, "--set", &listen]);
    let fetches = ["slow@1", "late@1"].map(|name| {
        start(peer.with(&["fetch", name, "--wait", "5m", "-o", text(&path(&name[..4]))]))
    });
    eventually("some of it comes", || {
        peer.row("slow@1").is_some_and(|row| row["done_bytes"].as_u64() > Some(0))
    });
    origin.process.signal(Signal::KILL);
    for name in ["late@1", "slow@1"] {
        let id = peer.row(name).expect("a row")["content"].as_str().map(str::to_owned);
        let line = peer.process.stderr_line("no progress");
        assert!(line.contains(name) || id.is_some_and(|id| line.contains(&id)), "{name}: {line}");
        assert!(line.contains("this node is linked with nobody"), "{line}");
    }
    let status = peer.json(&["status"]);
    assert_eq!(status["waiting_count"], 2, "{status}");
    let page = get(&metrics, "/metrics").1;
    for line in ["samara_transfers_stalled 1\n", "samara_transfers_unresolved 1\n"] {
        assert!(page.contains(line), "{line}: {page}");
    }
    for command in [&["status"][..], &["top", "--once"]] {
        let printed = peer.fine(command);
        let words = printed.split_whitespace().collect::<Vec<_>>().join(" ");
        for waits in ["late@1 for ", "(nobody knows this name)", "slow@1 for ", "(nothing comes)"] {
            assert!(words.contains(waits), "{command:?}: {waits}: {words}");
        }
    }
    drop(fetches);
}
