//! What a program that embeds a node sees: configuration, requests, progress, results.

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
    /// Only nodes with the same cluster id talk to each other.
    pub cluster: String,
    /// What the operator says of this node: `zone`, `rack` and `host` are known to every policy.
    pub labels: Labels,
    /// Which ways of finding peers are on.
    pub discovery: Discovery,
    /// Nodes that play the tracker, in order of preference. Empty with tracker discovery: the join
    /// addresses are asked.
    pub trackers: Vec<SocketAddr>,
    /// Play the tracker for others.
    pub be_tracker: bool,
    /// Cap on all bytes sent; `None` is no cap.
    pub limit_up: Option<BytesPerSecond>,
    /// Cap on all bytes received; `None` is no cap.
    pub limit_down: Option<BytesPerSecond>,
    /// Where `/metrics`, `/healthz` and `/readyz` are answered; `None` is nowhere. When the address cannot be had,
    /// the node says so and goes on without.
    pub metrics_listen: Option<SocketAddr>,
    /// Fixed random seed for decisions; `None` draws one.
    pub random_seed: Option<u64>,
    /// How policies are limited, and which one is active from the start.
    pub policy: PolicyConfig,
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
}

impl Default for NodeConfig {
    fn default() -> Self {
        NodeConfig {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            advertise: None,
            data: None,
            join: Vec::new(),
            cluster: "samara".into(),
            labels: Labels::default(),
            discovery: Discovery { tracker: true, gossip: true },
            trackers: Vec::new(),
            be_tracker: false,
            limit_up: None,
            limit_down: None,
            metrics_listen: None,
            random_seed: None,
            policy: PolicyConfig::default(),
            data_threads: None,
        }
    }
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
