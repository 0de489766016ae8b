//! The node as a whole.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::ContentDocument;

/// The node as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusDocument {
    /// Of this document: 1.
    pub version: u32,
    /// Version of the program.
    pub samara: String,
    /// `ready`, or `stopping`.
    pub state: String,
    /// Id of the node.
    pub peer: String,
    /// Its cluster.
    pub cluster: String,
    /// Where it listens.
    pub listen: String,
    /// Where others dial it.
    pub advertise: String,
    /// `origin`, `peer`, `tracker`.
    pub roles: Vec<String>,
    /// What its operator says of it.
    pub labels: BTreeMap<String, String>,
    /// Since its start.
    pub uptime_seconds: f64,
    /// Members that gossip knows to be up, this node among them; absent with gossip off.
    pub members: Option<u64>,
    /// Live links.
    pub links: u64,
    /// Contents by state; see [`ContentDocument::state`].
    pub contents: BTreeMap<String, u64>,
    /// Fetches to which nothing has happened for 30 s, and those whose name nobody has known for as long.
    #[serde(default)]
    pub waiting_count: u64,
    /// Those that have waited longest, ten at most; `GET /v1/contents/{content}/why` says why.
    #[serde(default)]
    pub waiting: Vec<WaitingDocument>,
    /// What went over the links.
    pub traffic: TrafficDocument,
    /// Caps, bytes per second; absent where there is none.
    pub limits: LimitsDocument,
    /// The disk.
    pub storage: StorageDocument,
    /// The active policy.
    pub policy: ActivePolicyDocument,
    /// What it costs.
    pub process: ProcessDocument,
}

/// A fetch that has waited for too long.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingDocument {
    /// NAME@VERSION, or the id where no name is known.
    pub content: String,
    /// `stalled`: no chunk came and its state did not change. `unknown-name`: nobody has told which content it is.
    pub code: String,
    /// For so long.
    pub seconds: f64,
}

/// Bytes over all links since the start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficDocument {
    /// Bytes of chunks sent.
    pub sent_bytes: u64,
    /// Bytes of chunks received.
    pub received_bytes: u64,
    /// Everything else sent: messages and headers.
    pub control_sent_bytes: u64,
    /// Everything else received.
    pub control_received_bytes: u64,
    /// Sent just now.
    pub sent_bytes_per_second: u64,
    /// Received just now.
    pub received_bytes_per_second: u64,
}

/// Caps in bytes per second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitsDocument {
    /// On what is sent.
    pub up_bytes_per_second: Option<u64>,
    /// On what is received.
    pub down_bytes_per_second: Option<u64>,
    /// Within these, to and from peers on the same host or in the same rack.
    #[serde(default)]
    pub rack: CapsDocument,
    /// To and from peers in the same zone, in another rack.
    #[serde(default)]
    pub zone: CapsDocument,
    /// To and from peers in another zone.
    #[serde(default)]
    pub remote: CapsDocument,
}

/// Caps on one class of peers, in bytes per second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapsDocument {
    /// On what is sent.
    pub up_bytes_per_second: Option<u64>,
    /// On what is received.
    pub down_bytes_per_second: Option<u64>,
}

/// The data directory and what may be in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StorageDocument {
    /// The data directory.
    pub data: PathBuf,
    /// Bytes of contents in it.
    pub used_bytes: u64,
    /// Most bytes of contents in it.
    pub quota_bytes: Option<u64>,
    /// Free on its file system.
    pub free_bytes: Option<u64>,
    /// What stays free.
    pub min_free_bytes: u64,
    /// Releases of each name that are kept.
    pub keep: Option<u32>,
}

/// The active policy in short; `GET /v1/policy` says more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActivePolicyDocument {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The built-in policy answers in its place.
    pub quarantined: bool,
}

/// What the process costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessDocument {
    /// Its number.
    pub pid: u32,
    /// Resident memory.
    pub resident_bytes: u64,
    /// Processor time so far.
    pub cpu_seconds: f64,
    /// Threads.
    pub threads: u64,
    /// Tasks of sockets, disk and looking after them; actors are not among them where the data plane has threads of
    /// its own.
    #[serde(default)]
    pub tasks: u64,
    /// Open files and sockets.
    pub open_files: u64,
}
