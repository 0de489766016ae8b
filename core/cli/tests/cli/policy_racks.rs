//! What a policy changes, on processes that run: bytes between racks.

use std::path::Path;
use std::time::Instant;

use crate::daemon::{folder, text};
use crate::http::get;
use crate::policy_live::built;
use crate::process::{Samara, random_file, run, same_bytes, start};

const PEERS: usize = 11;

/// Twelve processes in two racks, each with 3 MiB/s up, of which one has 40 MiB.
struct Racks {
    folder: tempfile::TempDir,
    peers: Vec<Samara>,
    /// Where the metrics of each are; the origin's last.
    metrics: Vec<String>,
    _origin: Samara,
}

/// Bytes sent within racks and between them, by all.
#[derive(Clone, Copy)]
struct Sent {
    inside: f64,
    across: f64,
    at: Instant,
}

impl Racks {
    fn start() -> Racks {
        let folder = folder();
        let source = folder.path().join("source");
        random_file(&source, 40 << 20, 11);
        let data = folder.path().join("origin");
        let rack = |at: usize| format!("rack=r{}", at % 2);
        let common = |at: usize| {
            let label = rack(at);
            ["--metrics", "127.0.0.1:0", "--limit-up", "3MiB/s", "--label"]
                .into_iter()
                .map(str::to_owned)
                .chain([label])
                .collect::<Vec<String>>()
        };
        let mut args: Vec<String> = ["serve", text(&source), "--name", "racks", "--version", "1"]
            .into_iter()
            .chain(["--data", text(&data), "--listen", "127.0.0.1:0", "--json"])
            .chain(["--chunk-size", "64KiB"])
            .map(str::to_owned)
            .collect();
        args.extend(common(PEERS));
        let mut origin = start(&args);
        let address = origin.event("ready")["advertise"].as_str().expect("a text").to_owned();
        let origin_metrics = metrics_of(&mut origin);
        let mut peers = Vec::new();
        let mut metrics = Vec::new();
        for at in 0..PEERS {
            let (output, data) = (folder.path().join(format!("copy{at}")), peer_data(&folder, at));
            let mut args: Vec<String> = ["fetch", "racks@1", "-o", text(&output), "--json"]
                .into_iter()
                .chain(["--data", text(&data), "--join", &address, "--listen", "127.0.0.1:0"])
                .chain(["--linger", "forever"])
                .map(str::to_owned)
                .collect();
            args.extend(common(at));
            let mut peer = start(&args);
            metrics.push(metrics_of(&mut peer));
            peers.push(peer);
        }
        metrics.push(origin_metrics);
        Racks { folder, peers, metrics, _origin: origin }
    }

    /// Waits until the first peer has this share.
    fn until_percent(&mut self, percent: u64) -> Sent {
        self.peers[0].event_where("progress", |event| {
            let (done, total) = (event["done_bytes"].as_u64(), event["total_bytes"].as_u64());
            matches!((done, total), (Some(done), Some(total)) if total > 0 && done * 100 >= total * percent)
        });
        self.sent()
    }

    fn sent(&self) -> Sent {
        let mut sent = Sent { inside: 0.0, across: 0.0, at: Instant::now() };
        for address in &self.metrics {
            let (_, page) = get(address, "/metrics");
            for line in page.lines() {
                let Some(line) = line.strip_prefix("samara_sent_bytes_total{") else { continue };
                let (labels, value) = line.rsplit_once(' ').expect("labels and a value");
                let value: f64 = value.parse().expect("a number");
                match labels.contains("scope=\"rack\"") {
                    true => sent.inside += value,
                    false => sent.across += value,
                }
            }
        }
        sent
    }

    fn activate(&self, module: &str) {
        let peers = (0..PEERS).map(|at| peer_data(&self.folder, at));
        for data in peers.chain([self.folder.path().join("origin")]) {
            let ended = run(["policy", "activate", module, "--data", text(&data)]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
    }
}

impl Sent {
    /// Share of the bytes that crossed since then, and how many a second.
    fn crossing_since(&self, before: Sent) -> (f64, f64) {
        let (inside, across) = (self.inside - before.inside, self.across - before.across);
        (across / (inside + across), across / (self.at - before.at).as_secs_f64())
    }
}

fn peer_data(folder: &tempfile::TempDir, at: usize) -> std::path::PathBuf {
    folder.path().join(format!("data{at}"))
}

fn metrics_of(process: &mut Samara) -> String {
    process.event("metrics")["listen"].as_str().expect("an address").to_owned()
}

#[test]
fn rack_local_on_a_running_swarm_at_least_halves_what_crosses_between_racks() {
    let modules = folder();
    let module = built(Path::new(modules.path()), "rack-local");
    let mut racks = Racks::start();
    let begun = racks.until_percent(10);
    let (before, before_rate) = racks.until_percent(35).crossing_since(begun);
    racks.activate(&module);
    // What was offered before is on its way for a moment.
    let changed = racks.until_percent(60);
    let (after, after_rate) = racks.until_percent(90).crossing_since(changed);
    println!(
        "between racks: {before:.3} of the bytes, {before_rate:.0} B/s; with rack-local {after:.3}, {after_rate:.0} B/s"
    );
    assert!(before > 0.3, "two racks of six without a preference: {before}");
    assert!(after * 2.0 <= before, "{before} of the bytes crossed before, {after} afterwards");
    for (at, peer) in racks.peers.iter_mut().enumerate() {
        peer.event("complete");
        let copy = racks.folder.path().join(format!("copy{at}"));
        assert!(same_bytes(&racks.folder.path().join("source"), &copy), "copy {at} differs");
    }
}
