//! Why a content stands where it stands, and where the time of a fetch went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::ContentDocument;

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
    /// How that is known: `cap`, the `fastest-second` of this fetch, or, where there was no whole second, `whole-transfer`:
    /// what came on average, which says nothing of the line.
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
