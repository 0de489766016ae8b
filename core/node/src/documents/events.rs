//! What happened to the node.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
