//! An origin and six peers as real processes in three racks: one with a policy that traps, one with a policy in
//! shadow, one whose disk
//! fills up. The origin is killed in the middle.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;

use crate::process::{Samara, fetch_args, random_file, start};

use super::free_address;

const SIZE: usize = 24 << 20;

/// See the module.
pub struct Fleet {
    /// Where the nodes' metrics are; the origin's last.
    pub targets: Vec<String>,
    /// Fetches that complete.
    pub complete: usize,
    pub began: Instant,
    /// Where the origin will be.
    address: String,
    peers: Vec<Samara>,
    parked: Samara,
    disk: SmallDisk,
    folder: tempfile::TempDir,
}

/// What a node is started with, beside its place.
struct Peer {
    labels: [&'static str; 2],
    more: Vec<String>,
}

impl Fleet {
    /// The peers, which wait for an origin, so that Prometheus sees everything from its start. None where
    /// nothing may be mounted.
    pub fn start() -> Option<Fleet> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("disk")).expect("created");
        let disk = SmallDisk::mount(path("disk"))?;
        random_file(&path("source"), SIZE, 77);
        let (began, address) = (Instant::now(), free_address());
        let mut peers: Vec<Samara> = peers(folder.path())
            .iter()
            .enumerate()
            .map(|(at, peer)| fetch(&address, &path(&format!("copy{at}")), peer))
            .collect();
        let unlucky = Peer { labels: ["zone=z2", "rack=r3"], more: Vec::new() };
        let mut parked = fetch(&address, &disk.0.join("copy"), &unlucky);
        let mut targets: Vec<String> = peers.iter_mut().map(metrics_of).collect();
        targets.push(metrics_of(&mut parked));
        targets.push(free_address());
        let complete = peers.len();
        Some(Fleet { targets, complete, began, address, peers, parked, disk, folder })
    }

    /// Starts the origin, fills a disk, kills the origin as soon as one peer has everything, also what got lost
    /// on that disk, and waits until the others have it from that one.
    pub fn go_through_it(&mut self) {
        let mut origin = self.start_origin();
        self.parked.event_where("progress", |event| event["done_bytes"].as_u64() > Some(0));
        self.disk.fill();
        self.peers[0].event("complete");
        origin.signal(Signal::KILL);
        for peer in &mut self.peers[1..] {
            peer.event("complete");
        }
        self.parked.event_where("progress", |event| event["phase"] == "parked");
        origin.event("ready");
    }

    fn start_origin(&self) -> Samara {
        let source = self.folder.path().join("source");
        let mut args = vec!["serve", source.to_str().expect("test paths are UTF-8")];
        args.extend(["--name", "monitored", "--version", "1", "--listen", &self.address, "--json"]);
        args.extend(["--metrics", &self.targets[self.targets.len() - 1]]);
        args.extend(["--label", "zone=z1", "--label", "rack=r1"]);
        args.extend(["--limit-up", "3MiB/s", "--chunk-size", "64KiB"]);
        start(args)
    }
}

fn peers(folder: &Path) -> Vec<Peer> {
    let shadow = policy(folder, "always-empty");
    let trapping = policy(folder, "trap");
    let of = |labels, more: &[&str]| Peer {
        labels,
        more: more.iter().map(|&word| word.to_owned()).collect(),
    };
    vec![
        of(["zone=z1", "rack=r1"], &[]),
        of(["zone=z1", "rack=r2"], &[]),
        of(["zone=z2", "rack=r3"], &["--policy", &shadow, "--policy-mode", "shadow"]),
        of(["zone=z2", "rack=r3"], &["--policy", &trapping]),
        of(["zone=z1", "rack=r2"], &[]),
    ]
}

/// A policy that misbehaves, as a component.
fn policy(folder: &Path, name: &str) -> String {
    let texts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/misbehaving");
    let core = wat::parse_file(texts.join(format!("{name}.wat"))).expect("a module");
    let component = samara_policy_build::componentize(&core).expect("a component");
    let path = folder.join(format!("{name}.wasm"));
    std::fs::write(&path, component).expect("written");
    path.to_str().expect("test paths are UTF-8").to_owned()
}

fn fetch(origin: &str, output: &Path, peer: &Peer) -> Samara {
    let patient = ["--linger", "forever", "--wait", "2m"];
    let mut args = fetch_args("monitored@1", output, origin, &patient);
    args.extend(["--metrics", "127.0.0.1:0", "--limit-up", "3MiB/s"]);
    args.extend(peer.labels.iter().flat_map(|label| ["--label", *label]));
    args.extend(peer.more.iter().map(String::as_str));
    start(args)
}

fn metrics_of(process: &mut Samara) -> String {
    process.event("metrics")["listen"].as_str().expect("an address").to_owned()
}

/// A file system in memory with room for one copy; unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<SmallDisk> {
        let options = ["-t", "tmpfs", "-o", "size=32m", "none"];
        let mounted = Command::new("mount").args(options).arg(&at).output().ok()?;
        mounted.status.success().then_some(SmallDisk(at))
    }

    fn fill(&self) {
        let mut ballast = std::fs::File::create(self.0.join("ballast")).expect("created");
        while ballast.write_all(&[7; 4096]).is_ok() {}
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}
