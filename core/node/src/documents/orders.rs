//! What may be ordered of a node. Unknown keys are refused.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
