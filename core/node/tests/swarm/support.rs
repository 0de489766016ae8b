//! Nodes, files and waiting.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use samara_model::{BytesPerSecond, ContentId, ContentRef, ReleaseName};
use samara_node::{
    Discovery, FetchError, FetchHandle, FetchPhase, FetchRequest, Fetched, Node, NodeConfig,
    Notice, PublishRequest,
};

/// Long enough for a loaded machine; nothing waits for it to pass.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary folder with some nodes' files.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Place { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A new folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir(&path).expect("created");
        path
    }

    /// A file of reproducible noise.
    pub fn file(&self, name: &str, size: usize) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, noise(size, name.len() as u64 + 7)).expect("written");
        path
    }
}

/// Bytes that do not compress, the same for the same arguments.
pub fn noise(size: usize, salt: u64) -> Vec<u8> {
    let mut random = samara_policy::Random::new(salt);
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&random.next_u64().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// A node on loopback that knows `join`.
pub fn config(join: &[SocketAddr]) -> NodeConfig {
    NodeConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        join: join.to_vec(),
        discovery: Discovery { tracker: false, gossip: true },
        ..NodeConfig::default()
    }
}

pub const TRACKER: Discovery = Discovery { tracker: true, gossip: false };
pub const GOSSIP: Discovery = Discovery { tracker: false, gossip: true };
pub const BOTH: Discovery = Discovery { tracker: true, gossip: true };
pub const NEITHER: Discovery = Discovery { tracker: false, gossip: false };

/// The same, with an uplink of so many KiB a second: a transfer then takes as long as a test needs.
pub fn slow(config: NodeConfig, kib_per_second: u64) -> NodeConfig {
    NodeConfig { limit_up: Some(BytesPerSecond(kib_per_second << 10)), ..config }
}

pub fn found_by(config: NodeConfig, discovery: Discovery) -> NodeConfig {
    NodeConfig { discovery, ..config }
}

/// An address at which nobody listens.
pub fn nowhere() -> SocketAddr {
    let bound = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    bound.local_addr().expect("it is bound")
}

pub fn start(config: NodeConfig) -> Node {
    Node::start(config).expect("the node starts")
}

/// Publishes `path` as test@1 and gives its id.
pub fn publish(node: &Node, path: &Path) -> ContentId {
    publish_as(node, path, "test", None)
}

pub fn publish_as(node: &Node, path: &Path, name: &str, chunk_size: Option<u32>) -> ContentId {
    let release = ReleaseName::new(name, "1").expect("a good name");
    let request = PublishRequest { path: path.to_path_buf(), release, chunk_size };
    node.publish(request, |_| {}).expect("published").content
}

pub fn request(content: ContentId, output: PathBuf) -> FetchRequest {
    FetchRequest { content: ContentRef::Id(content), output, wait: PATIENCE }
}

pub fn fetch(node: &Node, content: ContentId, output: PathBuf) -> FetchHandle {
    node.fetch(request(content, output))
}

/// Waits for the end of a fetch that cannot succeed.
pub fn failed(handle: &FetchHandle) -> FetchError {
    until("the fetch ends", || handle.result().is_some());
    let result = handle.result().expect("it has ended");
    result.expect_err("the fetch fails")
}

/// Waits until this much is here and more is missing.
pub fn at_percent(handle: &FetchHandle, percent: u64) {
    until("the transfer is under way", || {
        let progress = handle.progress();
        assert_ne!(progress.phase, FetchPhase::Complete, "it was over before the fault came");
        progress.total.0 > 0 && progress.done.0 * 100 >= progress.total.0 * percent
    });
}

/// Everything that was noticed, for as long as a test asks for it.
pub struct Notices {
    receiver: Receiver<Notice>,
    seen: Vec<Notice>,
}

impl Notices {
    pub fn of(node: &Node) -> Self {
        Notices { receiver: node.notices(), seen: Vec::new() }
    }

    pub fn all(&mut self) -> &[Notice] {
        self.seen.extend(self.receiver.try_iter());
        &self.seen
    }

    pub fn until(&mut self, what: &str, wanted: impl Fn(&Notice) -> bool) {
        until(what, || self.all().iter().any(&wanted));
    }

    /// Waits for a warning with this text.
    pub fn until_warned(&mut self, text: &str) {
        let of_it = |one: &Notice| matches!(one, Notice::Warning(line) if line.contains(text));
        self.until(text, of_it);
    }
}

pub fn is_bad_peer(notice: &Notice) -> bool {
    matches!(notice, Notice::BadPeer { .. })
}

/// Waits for the end of a fetch; fails with where it stood.
pub fn done(handle: &FetchHandle) -> Fetched {
    let until = Instant::now() + PATIENCE;
    loop {
        match handle.result() {
            Some(result) => return result.expect("the fetch finishes"),
            None if Instant::now() > until => panic!("stuck at {:?}", handle.progress()),
            None => {
                handle.wait_change(Duration::from_millis(200));
            }
        }
    }
}

/// Waits until the condition holds.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "never happened: {what}");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

pub fn same_bytes(one: &Path, other: &Path) {
    let (one, other) = (std::fs::read(one).expect("read"), std::fs::read(other).expect("read"));
    assert!(one == other, "the files differ");
}
