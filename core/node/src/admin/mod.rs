//! What an operator may do with a running node: HTTP/1.1 with JSON, over a Unix socket that only the node's user
//! can open, and over a loopback address where the config names one.
//!
//! [`routes`] lists every operation with its documents; the router and `/v1/openapi.json` are both made from it.
//! What is refused is answered with a status of 4xx and [`Refusal`], one sentence. [`guard`] keeps web pages
//! out: a foreign `Host` or `Origin` is refused.

mod answer;
mod contents;
mod events;
mod guard;
mod listen;
mod looks;
mod map;
mod openapi;
mod policy;
mod routes;
mod status;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::Notice;
use crate::node::StartError;
use crate::shared::Shared;

pub use looks::Looks;
pub use routes::router;
pub use status::ProcessCost;

/// The socket's name in the data directory.
pub const SOCKET: &str = "admin.sock";
/// Longest body of a request.
const MAX_BODY: usize = 64 << 10;

/// Go back to the policy before, or take the shadow away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rollback {
    /// Take the shadow away; the active policy stays.
    #[serde(default)]
    pub shadow: bool,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// One sentence for a person.
    pub error: String,
}

/// Serves until the node stops. A node that is no daemon and cannot make its socket does without, and says so.
///
/// # Errors
/// When a daemon cannot listen where it should be administered.
pub fn start_or_warn(shared: &Arc<Shared>) -> Result<(), StartError> {
    let socket = shared.admin_socket();
    if let Err(why) = listen::start_unix(shared, &socket) {
        if shared.config.remember {
            return Err(StartError::Admin { place: socket.display().to_string(), why });
        }
        shared.notify(Notice::Warning(format!(
            "this node cannot be administered while it runs: no socket {} ({why})",
            socket.display()
        )));
    }
    if let Some(address) = shared.config.admin.listen {
        listen::start_tcp(shared, address)
            .map_err(|why| StartError::Admin { place: address.to_string(), why })?;
    }
    Ok(())
}

impl Shared {
    /// Where the Unix socket is.
    pub fn admin_socket(&self) -> std::path::PathBuf {
        let given = self.config.admin.socket.clone();
        given.unwrap_or_else(|| self.store.dir().join(SOCKET))
    }
}
