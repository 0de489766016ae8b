//! The documents of the admin API, as `samara status --json` and its relatives print them. Keys are only ever
//! added. Times of day are seconds since the Unix epoch.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Open files and sockets.
    pub open_files: u64,
}

/// All contents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContentsDocument {
    /// Of this document: 1.
    pub version: u32,
    /// By the time at which they were added.
    pub contents: Vec<ContentDocument>,
}

/// One content.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContentDocument {
    /// Its id; absent while it is being hashed or its name is not resolved.
    pub content: Option<String>,
    /// NAME@VERSION, the first under which it is known here.
    pub release: Option<String>,
    /// `publishing` (being hashed), `finding`, `manifest`, `checking`, `transferring`, `parked`, `finishing`,
    /// `complete`, `cancelled`, `failed`, or `withdrawn` (its files changed).
    pub state: String,
    /// Why it is parked, failed or withdrawn.
    pub reason: Option<String>,
    /// It was published here.
    pub origin: bool,
    /// It lies in the data directory, and may be evicted unless it is pinned.
    pub managed: bool,
    /// It is never evicted.
    pub pinned: bool,
    /// Its share of slots beside other contents.
    pub priority: u32,
    /// The source, or where it is or will be.
    pub path: PathBuf,
    /// Bytes in all; 0 while unknown.
    pub size_bytes: u64,
    /// Bytes verified, or hashed.
    pub done_bytes: u64,
    /// Of these, what was here when the fetch began.
    pub resumed_bytes: u64,
    /// Bytes of chunks received for it.
    pub received_bytes: u64,
    /// Bytes of chunks sent of it.
    pub sent_bytes: u64,
    /// Received bytes that were thrown away.
    pub wasted_bytes: u64,
    /// Received just now.
    pub received_bytes_per_second: u64,
    /// Sent just now.
    pub sent_bytes_per_second: u64,
    /// Chunks in all; 0 while unknown.
    pub chunks: u32,
    /// Chunks that are here.
    pub chunks_here: u32,
    /// Bytes of a chunk.
    pub chunk_bytes: u32,
    /// Files.
    pub files: u64,
    /// Live neighbours for it.
    pub neighbours: u32,
    /// When it was asked for.
    pub added_at: u64,
    /// When it was complete.
    pub finished_at: Option<u64>,
}

/// Who has a content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeersDocument {
    /// Of this document: 1.
    pub version: u32,
    /// The content.
    pub content: String,
    /// Chunks in all; 0 while unknown.
    pub chunks: u32,
    /// Live neighbours first.
    pub peers: Vec<PeerDocument>,
}

/// All members that are known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MembersDocument {
    /// Of this document: 1.
    pub version: u32,
    /// By address.
    pub members: Vec<MemberDocument>,
}

/// A member of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberDocument {
    /// Its id.
    pub peer: String,
    /// Where it is dialled.
    pub address: String,
    /// `link` where there is a live one, else `gossip`.
    pub source: String,
    /// Bytes of chunks sent to it over the live link.
    pub sent_bytes: u64,
    /// Bytes of chunks received from it over the live link.
    pub received_bytes: u64,
    /// Since when gossip knows it as it is.
    pub age_seconds: Option<f64>,
}

/// A peer and how much it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerDocument {
    /// Its id.
    pub peer: String,
    /// Where it is dialled.
    pub address: String,
    /// Thousandths of the content that it has.
    pub permille: u16,
    /// Chunks that it has; known of live neighbours.
    pub chunks: Option<u32>,
    /// `neighbour`, `gossip` or `tracker`.
    pub source: String,
    /// Age of the news.
    pub age_seconds: f64,
}

/// Where a content has its gaps, and why the policy decided what it did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MapDocument {
    /// Of this document: 1.
    pub version: u32,
    /// Chunks in all; 0 while unknown.
    pub chunks: u32,
    /// The content in stretches of equal length, in order.
    pub stretches: Vec<StretchDocument>,
    /// Reason codes of the active policy for decisions that were carried out.
    pub decisions: Vec<DecisionDocument>,
}

/// One stretch of a content.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StretchDocument {
    /// Chunks in it.
    pub chunks: u32,
    /// Of these, chunks that are here.
    pub here: u32,
    /// Of these, chunks that are reserved or on their way to here.
    pub coming: u32,
    /// Neighbours that have the rarest of its chunks.
    pub least_holders: u32,
}

/// How often a policy gave a reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionDocument {
    /// `neighbours`, `offers`, `requests` or `overdue`.
    pub hook: String,
    /// Its code, as the policy means it; absent for all beyond the first sixteen of the hook.
    pub code: Option<u32>,
    /// Decisions with it that were carried out.
    pub count: u64,
}

/// Fetch a content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FetchOrder {
    /// A content id or NAME@VERSION.
    pub content: String,
    /// Where to, absolute; by default into the data directory.
    #[serde(default)]
    pub output: Option<PathBuf>,
    /// Given up after this many milliseconds without anybody who has what is missing; by default never.
    #[serde(default)]
    pub wait_ms: Option<u64>,
    /// Share of slots beside other contents, 1 to 100; 1 is usual.
    #[serde(default)]
    pub priority: Option<u32>,
    /// Never evict it.
    #[serde(default)]
    pub pin: bool,
}

/// Publish a file or folder where it lies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishOrder {
    /// The file or folder, absolute.
    pub path: PathBuf,
    /// Name of the release.
    pub name: String,
    /// Version of the release.
    #[serde(rename = "version")]
    pub release_version: String,
    /// Bytes of a chunk, a power of two from 16 KiB to 16 MiB; by default from the size.
    #[serde(default)]
    pub chunk_size: Option<u32>,
    /// Share of slots beside other contents, 1 to 100; 1 is usual.
    #[serde(default)]
    pub priority: Option<u32>,
}

/// Give a content another share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorityOrder {
    /// 1 to 100; 1 is usual.
    pub priority: u32,
}

/// What became of a content that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemovedDocument {
    /// The content, or the name that never got one.
    pub content: String,
    /// Files that were removed: those in the data directory.
    pub removed: Option<PathBuf>,
    /// Files that stay, as they are the user's.
    pub kept: Option<PathBuf>,
}

/// How an order to fetch stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FetchDocument {
    /// `here`: it is in place. `coming`: look at the content until it is complete. `elsewhere`: it comes to
    /// another place; give the order again when it is complete. `copying`: give the order again to see how that
    /// stands.
    pub state: String,
    /// Where it is or will be.
    pub output: PathBuf,
    /// The content.
    pub content: ContentDocument,
}

impl ContentDocument {
    /// What tells it from the others: its id, else its release, else its path.
    pub fn key(&self) -> String {
        let named = self.content.clone().or_else(|| self.release.clone());
        named.unwrap_or_else(|| self.path.display().to_string())
    }
}

/// The event `changes` of `GET /v1/events`: what changed among the contents since the event before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangesDocument {
    /// Of this document: 1.
    pub version: u32,
    /// Contents that are new or stand otherwise than before, whole.
    pub changed: Vec<ContentDocument>,
    /// Contents that are not there any more: their ids, or releases where they had no id yet.
    pub gone: Vec<String>,
}

impl ChangesDocument {
    /// Whether nothing changed.
    pub fn is_nothing(&self) -> bool {
        self.changed.is_empty() && self.gone.is_empty()
    }
}

/// The event `notice` of `GET /v1/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeDocument {
    /// `source_changed`, `bad_peer`, `actor_restarted`, `release_refused`, `policy` or `warning`.
    pub kind: String,
    /// For a person.
    pub text: String,
}

/// What came of reading the configuration again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReloadDocument {
    /// Keys that changed and hold now.
    pub changed: Vec<String>,
    /// Keys that changed and hold after a restart.
    pub needs_restart: Vec<String>,
}

/// What a scrub found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScrubDocument {
    /// The content.
    pub content: String,
    /// Chunks that were read.
    pub chunks: u32,
    /// Bytes that were read.
    pub bytes: u64,
    /// Those that are not what the manifest says; then nothing of the content is served any more.
    pub bad_chunks: Vec<u32>,
    /// Why not everything was read.
    pub reason: Option<String>,
}

/// Why a content stands where it stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhyDocument {
    /// Of this document: 1.
    pub version: u32,
    /// The content, or the name that is not resolved.
    pub content: String,
    /// As in [`ContentDocument::state`].
    pub state: String,
    /// Chunks in all; 0 while unknown.
    pub chunks: u32,
    /// Chunks that are missing.
    pub missing_chunks: u32,
    /// Bytes that are missing.
    pub missing_bytes: u64,
    /// Live neighbours for it.
    pub neighbours: u32,
    /// Of these, those that have something that is missing here.
    pub sources: u32,
    /// Peers that are said to have it and could not be connected yet.
    pub untried: u32,
    /// Received just now.
    pub received_bytes_per_second: u64,
    /// Why it is not further, the most important first.
    pub reasons: Vec<ReasonDocument>,
    /// How long each phase took, in order.
    pub phases: Vec<PhaseDocument>,
    /// What the cap on what is received alone takes, where there is one.
    pub bound_seconds: Option<f64>,
    /// How its fetch went; absent while it is under way, and when it was not fetched since the node started.
    #[serde(default)]
    pub transfer: Option<TransferDocument>,
    /// What went between this node and its neighbours so far.
    #[serde(default)]
    pub exchange: ExchangeDocument,
}

/// A fetch that is over, beside the shortest possible time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransferDocument {
    /// From the order to the file in place.
    pub took_seconds: f64,
    /// What was missing and came.
    pub fetched_bytes: u64,
    /// Members that were up, and may have wanted it, too.
    pub receivers: u32,
    /// What the line carries.
    pub line_bytes_per_second: u64,
    /// How that is known: `cap`, or the `fastest-second` of this fetch.
    pub line_from: String,
    /// What this much takes over such a line alone.
    pub line_seconds: f64,
    /// The shortest possible time for all receivers together.
    pub limit_seconds: f64,
    /// Time over limit; absent when hardly anything was missing.
    pub ratio_to_limit: Option<f64>,
    /// Where the time beyond the limit went, the most first.
    pub losses: Vec<LossDocument>,
}

/// A part of the time beyond the limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LossDocument {
    /// A word for programs: `finding`, `manifest`, `checking`, `parked`, `finishing`, `idle`, `wasted`,
    /// `below-line-rate`.
    pub code: String,
    /// How long.
    pub seconds: f64,
    /// For a person.
    pub text: String,
}

/// Offers, requests and what became of them, of one content since the node started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeDocument {
    /// Offers that were sent.
    pub offers: u64,
    /// Of these, declined because the receiver had no slot free.
    pub declined_busy: u64,
    /// Of these, declined because it had everything, or it was on its way.
    pub declined_have: u64,
    /// Offers that were not answered, and chunks that were promised to here and did not come.
    pub expired: u64,
    /// Chunks that began to be sent.
    pub served: u64,
    /// Chunks that were asked for, because slots stayed empty or one was overdue.
    pub requests: u64,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonDocument {
    /// A word for programs: `parked`, `checking`, `finishing`, `no-links`, `capped`, `moving`, `no-holder`,
    /// `nobody-has-the-rest`, `not-connected`, `sources-are-silent`, `policy-in-quarantine`, `unknown-name`,
    /// `hashing`, `over`.
    pub code: String,
    /// What is so.
    pub text: String,
    /// What to do.
    pub remedy: String,
}

/// A phase of a fetch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseDocument {
    /// As in [`ContentDocument::state`].
    pub name: String,
    /// How long it took, or has taken so far.
    pub seconds: f64,
}
