//! Contents, and what became of orders about them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
