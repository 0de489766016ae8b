//! What a program that embeds a node sees: configuration, requests, progress, results.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use samara_model::{
    ByteCount, BytesPerSecond, ContentId, ContentRef, Labels, PeerId, Place, ReleaseName,
};

use samara_policy_host::Limits;

use crate::selector::{BreakerConfig, PolicyRequest};

/// How a node is set up. `NodeConfig::default()` listens on a free port of all addresses, keeps its
/// state in a temporary folder that it removes, and knows nobody.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// TCP and UDP address; port 0 picks one.
    pub listen: SocketAddr,
    /// The address that others dial; by default `listen`, or the interface that reaches a join address.
    pub advertise: Option<SocketAddr>,
    /// Where identity, manifests and resume state live. `None`: a private temporary folder.
    pub data: Option<PathBuf>,
    /// Any nodes of the cluster. Retried until one answers.
    pub join: Vec<SocketAddr>,
    /// The same by name, HOST:PORT: resolved anew with each attempt, so that the network may come up late.
    pub join_names: Vec<String>,
    /// Only nodes with the same cluster id talk to each other.
    pub cluster: String,
    /// What the operator says of this node: `zone`, `rack` and `host` are known to every policy.
    pub labels: Labels,
    /// Which ways of finding peers are on.
    pub discovery: Discovery,
    /// Nodes that play the tracker, in order of preference. Empty with tracker discovery: the join
    /// addresses are asked.
    pub trackers: Vec<SocketAddr>,
    /// The same by name, HOST:PORT.
    pub tracker_names: Vec<String>,
    /// Play the tracker for others.
    pub be_tracker: bool,
    /// Cap on all bytes sent; `None` is no cap.
    pub limit_up: Option<BytesPerSecond>,
    /// Cap on all bytes received; `None` is no cap.
    pub limit_down: Option<BytesPerSecond>,
    /// Caps on the links to one class of peers, by where they stand.
    pub limit_classes: ClassCaps,
    /// Where `/metrics`, `/healthz` and `/readyz` are answered; `None` is nowhere. When the address cannot be had,
    /// the node says so and goes on without.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether what happens is counted. Without it, metrics are only those that can be looked at; that is for
    /// measuring what counting costs.
    pub count_metrics: bool,
    /// Fixed random seed for decisions; `None` draws one.
    pub random_seed: Option<u64>,
    /// How policies are limited, and which one is active from the start.
    pub policy: PolicyConfig,
    /// What it may be asked to do.
    pub roles: Roles,
    /// What was published and fetched through the admin API is taken up again at the next start.
    pub remember: bool,
    /// Where it is administered.
    pub admin: AdminConfig,
    /// What its data directory may hold.
    pub storage: StorageConfig,
    /// Threads that move bytes. 0: the actors' thread does; `None`: by the number of cores.
    pub data_threads: Option<usize>,
}

/// Policies of a node. By default the built-in one is active.
#[derive(Debug, Clone, Default)]
pub struct PolicyConfig {
    /// Policies to load at the start, in this order: at most one to be active, and one to run in shadow.
    pub load: Vec<PolicyRequest>,
    /// What a policy may use.
    pub limits: Limits,
    /// How much it may fail.
    pub breaker: BreakerConfig,
    /// Where compiled policies are kept, so that the next node need not compile them: a private folder, which
    /// several nodes of one user may share. One in the data directory when it is `None`, or cannot be used.
    pub cache: Option<PathBuf>,
}

impl Default for NodeConfig {
    fn default() -> Self {
        NodeConfig {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            advertise: None,
            data: None,
            join: Vec::new(),
            join_names: Vec::new(),
            cluster: "samara".into(),
            labels: Labels::default(),
            discovery: Discovery { tracker: true, gossip: true },
            trackers: Vec::new(),
            tracker_names: Vec::new(),
            be_tracker: false,
            limit_up: None,
            limit_down: None,
            limit_classes: ClassCaps::default(),
            metrics_listen: None,
            count_metrics: true,
            random_seed: None,
            policy: PolicyConfig::default(),
            roles: Roles { origin: true, peer: true },
            remember: false,
            admin: AdminConfig::default(),
            storage: StorageConfig::default(),
            data_threads: None,
        }
    }
}

impl NodeConfig {
    /// All its caps.
    pub fn limits(&self) -> NodeCaps {
        let ClassCaps { rack, zone, remote } = self.limit_classes;
        NodeCaps { all: Caps { up: self.limit_up, down: self.limit_down }, rack, zone, remote }
    }
}

/// Caps on what is sent and received, in bytes per second; `None` is no cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Caps {
    /// On what is sent.
    pub up: Option<BytesPerSecond>,
    /// On what is received.
    pub down: Option<BytesPerSecond>,
}

/// Caps on the links to one class of peers together. Where labels do not tell the class, none of them holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassCaps {
    /// Peers on the same host or in the same rack.
    pub rack: Caps,
    /// Peers in the same zone, in another rack.
    pub zone: Caps,
    /// Peers in another zone.
    pub remote: Caps,
}

/// All caps of a node. A byte passes that of its class and that of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeCaps {
    /// On all links together.
    pub all: Caps,
    /// See [`ClassCaps::rack`].
    pub rack: Caps,
    /// See [`ClassCaps::zone`].
    pub zone: Caps,
    /// See [`ClassCaps::remote`].
    pub remote: Caps,
}

/// What a node may be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Publish.
    pub origin: bool,
    /// Fetch.
    pub peer: bool,
}

/// Where a node is administered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConfig {
    /// The Unix socket; `None`: [`ADMIN_SOCKET`](crate::ADMIN_SOCKET) in the data directory.
    pub socket: Option<PathBuf>,
    /// Its mode.
    pub socket_mode: u32,
    /// A loopback address, too.
    pub listen: Option<SocketAddr>,
}

impl Default for AdminConfig {
    fn default() -> Self {
        AdminConfig { socket: None, socket_mode: 0o600, listen: None }
    }
}

/// What a data directory may hold of contents that were fetched into it. What lies elsewhere is never touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StorageConfig {
    /// Most bytes.
    pub quota: Option<ByteCount>,
    /// Bytes that stay free on its file system.
    pub min_free: ByteCount,
    /// Releases of each name, the newest.
    pub keep: Option<u32>,
    /// Read everything again at this rate.
    pub scrub: Option<BytesPerSecond>,
}

/// Ways of finding peers; the join addresses and peer exchange are always used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discovery {
    /// Announce to trackers and ask them.
    pub tracker: bool,
    /// SWIM membership with full-state exchange.
    pub gossip: bool,
}

/// Publish a file or tree where it lies.
#[derive(Debug, Clone)]
pub struct PublishRequest {
    /// The file or directory.
    pub path: PathBuf,
    /// The release to create.
    pub release: ReleaseName,
    /// Chunk size, a power of two from 16 KiB to 16 MiB; `None` chooses by size.
    pub chunk_size: Option<u32>,
}

/// Progress of hashing a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HashProgress {
    /// Bytes hashed.
    pub done: ByteCount,
    /// Bytes in all.
    pub total: ByteCount,
}

/// A source that is now served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its id.
    pub content: ContentId,
    /// Its release.
    pub release: ReleaseName,
    /// Its size.
    pub size: ByteCount,
    /// Number of chunks.
    pub chunks: u32,
    /// Number of files.
    pub files: usize,
}

/// Fetch a content to a path.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// Which content.
    pub content: ContentRef,
    /// The final file or directory. It must not exist, unless it already is this content.
    pub output: PathBuf,
    /// How long to go on without anybody who has what is missing before giving up, from the start or in
    /// mid-transfer, there at least 15 s. [`Duration::MAX`] is for ever.
    pub wait: Duration,
}

/// What a fetch is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchPhase {
    /// Looking for the release, or for anybody who has the content.
    Finding,
    /// Getting the manifest.
    Manifest,
    /// Re-hashing what an earlier run left.
    Checking,
    /// Getting chunks.
    Transferring,
    /// Nothing is accepted until the reason goes away; it is tried again by itself.
    Parked {
        /// Why, for a person.
        reason: String,
    },
    /// Syncing and renaming.
    Finishing,
    /// Done: the file is in place.
    Complete,
}

impl FetchPhase {
    /// One word for it, as in the documents.
    pub fn word(&self) -> &'static str {
        match self {
            FetchPhase::Finding => "finding",
            FetchPhase::Manifest => "manifest",
            FetchPhase::Checking => "checking",
            FetchPhase::Transferring => "transferring",
            FetchPhase::Parked { .. } => "parked",
            FetchPhase::Finishing => "finishing",
            FetchPhase::Complete => "complete",
        }
    }
}

/// A moment of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchProgress {
    /// What it is doing.
    pub phase: FetchPhase,
    /// The content, once known.
    pub content: Option<ContentId>,
    /// Size of the content; zero until the manifest is here.
    pub total: ByteCount,
    /// Bytes verified and on disk.
    pub done: ByteCount,
    /// Of these, bytes that were already here when the fetch began.
    pub resumed: ByteCount,
    /// Chunks of the content; zero until the manifest is here.
    pub chunks: u32,
    /// Bytes of chunks received from peers for this content, duplicates and bad ones included.
    pub received: ByteCount,
    /// Bytes of chunks sent to peers for this content.
    pub sent: ByteCount,
    /// Received bytes that were thrown away: already here, or bad.
    pub wasted: ByteCount,
    /// Live neighbours for this content.
    pub neighbours: u32,
}

/// A finished fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The content.
    pub content: ContentId,
    /// Where it is.
    pub output: PathBuf,
    /// Its size.
    pub size: ByteCount,
    /// Its chunk size in bytes.
    pub chunk_size: u32,
    /// From the request to the rename.
    pub took: Duration,
    /// It was already in place when the fetch began.
    pub was_there: bool,
    /// The last progress.
    pub progress: FetchProgress,
}

/// One row of the table "who holds what".
#[derive(Debug, Clone, PartialEq)]
pub struct PeerRow {
    /// Who.
    pub peer: PeerId,
    /// Where.
    pub address: SocketAddr,
    /// Where it stands.
    pub place: Place,
    /// Thousandths of the content that it has.
    pub permille: u16,
    /// Chunks that it has; known of live neighbours.
    pub chunks: Option<u32>,
    /// How this is known.
    pub source: PeerSource,
    /// Age of the knowledge.
    pub age: Duration,
}

/// How something about a peer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerSource {
    /// From a live connection.
    Neighbour,
    /// From the membership table.
    Gossip,
    /// From a tracker's handout.
    Tracker,
}

/// The six actors, as named in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorName {
    /// Slots, publications, withdrawals.
    Seeder,
    /// The store's index and the disk pool.
    ChunkStore,
    /// Membership and the content table.
    Gossip,
    /// Policy instances.
    Selector,
    /// One per content.
    Swarm,
    /// Registry and handout.
    Tracker,
}

/// Something that a person should know, as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The source of a publication changed underneath; it is no longer served.
    SourceChanged {
        /// The content.
        content: ContentId,
        /// The file that changed.
        path: PathBuf,
    },
    /// A peer sent a chunk with a wrong hash and was dropped.
    BadPeer {
        /// Who.
        peer: PeerId,
        /// The content.
        content: ContentId,
        /// What it did.
        why: String,
    },
    /// An actor panicked and was restarted.
    ActorRestarted {
        /// Which.
        actor: ActorName,
    },
    /// A second publication of a version with another content was refused somewhere.
    ReleaseRefused {
        /// The explanation, for a person.
        why: String,
    },
    /// A policy fails, is left alone, or is not asked any more; the transfers go on.
    Policy(String),
    /// Anything else that deserves a line.
    Warning(String),
}

impl Notice {
    /// One word for it, as in the documents.
    pub fn kind(&self) -> &'static str {
        match self {
            Notice::SourceChanged { .. } => "source_changed",
            Notice::BadPeer { .. } => "bad_peer",
            Notice::ActorRestarted { .. } => "actor_restarted",
            Notice::ReleaseRefused { .. } => "release_refused",
            Notice::Policy(_) => "policy",
            Notice::Warning(_) => "warning",
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::SourceChanged { content, path } => {
                write!(f, "{} changed; content {content} is no longer served", path.display())
            }
            Notice::BadPeer { peer, content, why } => {
                write!(f, "dropped peer {} of {}: {why}", peer.short(), content.short())
            }
            Notice::ActorRestarted { actor } => write!(f, "{actor:?} failed and was restarted"),
            Notice::ReleaseRefused { why } => f.write_str(why),
            Notice::Policy(text) | Notice::Warning(text) => f.write_str(text),
        }
    }
}
