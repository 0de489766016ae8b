//! Members of the cluster, and who has how much of a content.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// What its operator says of it: all while there is a link to it, else where it stands, as gossip or a tracker tells.
    /// A value that neither this node nor a neighbour of it has is a `#` and its number.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
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
    /// What its operator says of it: all while there is a link to it, else where it stands, as gossip or a tracker tells.
    /// A value that neither this node nor a neighbour of it has is a `#` and its number.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
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
