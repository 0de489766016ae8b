//! An origin and six peers as real processes in three racks: one with a policy that traps, one with a policy in
//! shadow, one whose disk is too small. The origin is killed in the middle.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;

use crate::process::{Origin, Samara, fetch_args, random_file, serve, start};

const SIZE: usize = 24 << 20;

/// See the module.
pub struct Fleet {
    /// Where the nodes' metrics are; the origin's first.
    pub targets: Vec<String>,
    /// Fetches that complete.
    pub complete: usize,
    pub began: Instant,
    origin: Origin,
    peers: Vec<Samara>,
    parked: Samara,
    _disk: SmallDisk,
    _folder: tempfile::TempDir,
}

/// What a node is started with, beside its place.
struct Peer {
    labels: [&'static str; 2],
    more: Vec<String>,
}

impl Fleet {
    /// None where nothing may be mounted.
    pub fn start() -> Option<Fleet> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("disk")).expect("created");
        let disk = SmallDisk::mount(path("disk"))?;
        let source = path("source");
        random_file(&source, SIZE, 77);
        let began = Instant::now();
        let metrics = ["--metrics", "127.0.0.1:0"];
        let place = ["--label", "zone=z1", "--label", "rack=r1"];
        let pace = ["--limit-up", "3MiB/s", "--chunk-size", "64KiB"];
        let mut origin =
            serve(&source, "monitored", &[&metrics[..], &place[..], &pace[..]].concat());
        let mut targets = vec![metrics_of(&mut origin.process)];
        let peers = peers(folder.path());
        let mut started: Vec<Samara> = peers
            .iter()
            .enumerate()
            .map(|(at, peer)| fetch(&origin, &path(&format!("copy{at}")), peer))
            .collect();
        let unlucky = Peer { labels: ["zone=z2", "rack=r3"], more: Vec::new() };
        let mut parked = fetch(&origin, &disk.0.join("copy"), &unlucky);
        targets.extend(started.iter_mut().map(metrics_of));
        targets.push(metrics_of(&mut parked));
        let (complete, _folder) = (started.len(), folder);
        Some(Fleet {
            targets,
            complete,
            began,
            origin,
            peers: started,
            parked,
            _disk: disk,
            _folder,
        })
    }

    /// Kills the origin as soon as it sent every chunk once, and waits until the others have everything.
    pub fn go_through_it(&mut self) {
        let sent = |event: &serde_json::Value| event["sent_bytes"].as_u64();
        self.origin.process.event_where("traffic", |event| sent(event) >= Some(SIZE as u64));
        self.origin.process.signal(Signal::KILL);
        for peer in &mut self.peers {
            peer.event("complete");
        }
        self.parked.event_where("progress", |event| event["phase"] == "parked");
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

fn fetch(origin: &Origin, output: &Path, peer: &Peer) -> Samara {
    let mut args = fetch_args(&origin.content, output, &origin.address, &["--linger", "forever"]);
    args.extend(["--metrics", "127.0.0.1:0", "--limit-up", "3MiB/s"]);
    args.extend(peer.labels.iter().flat_map(|label| ["--label", *label]));
    args.extend(peer.more.iter().map(String::as_str));
    start(args)
}

fn metrics_of(process: &mut Samara) -> String {
    process.event("metrics")["listen"].as_str().expect("an address").to_owned()
}

/// A file system in memory that is too small; unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<SmallDisk> {
        let options = ["-t", "tmpfs", "-o", "size=6m", "none"];
        let mounted = Command::new("mount").args(options).arg(&at).output().ok()?;
        mounted.status.success().then_some(SmallDisk(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}
