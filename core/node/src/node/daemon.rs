//! What a daemon does with its node beyond fetching and publishing: look after it, and change its settings while
//! it runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use samara_model::Labels;
use tokio::sync::oneshot;

use super::Node;
use crate::api::{NodeCaps, StorageConfig};
use crate::documents::ReloadDocument;
use crate::gossip_actor::GossipMessage;
use crate::selector::{PolicyError, PolicyMode, PolicyRequest};

/// Reads the configuration again.
pub type Reload = Arc<dyn Fn() -> Result<ReloadDocument, String> + Send + Sync>;

impl Node {
    /// Where its admin socket is.
    pub fn admin_socket(&self) -> PathBuf {
        self.shared.admin_socket()
    }

    /// Whether its actors answer within this time.
    pub fn is_answering(&self, within: Duration) -> bool {
        let (answer, answered) = oneshot::channel();
        let gossip = self.shared.gossip.clone();
        let (done, wait) = std::sync::mpsc::channel();
        self.shared.data_plane.spawn(async move {
            gossip.deliver(GossipMessage::Members { answer }).await;
            let _ = done.send(answered.await.is_ok());
        });
        wait.recv_timeout(within).unwrap_or(false)
    }

    /// Other caps from now on.
    pub fn set_limits(&self, limits: &NodeCaps) {
        if let Some(links) = self.shared.links() {
            links.set_limits(limits);
        }
    }

    /// The operator says something else of this node from now on.
    pub fn set_labels(&self, labels: &Labels) {
        self.shared.set_labels(labels);
    }

    /// Another bound on the data directory from now on.
    pub fn set_storage(&self, storage: StorageConfig) {
        self.shared.store.keep_free(storage.min_free);
        *self.shared.storage.lock().unwrap_or_else(PoisonError::into_inner) = storage;
    }

    /// Loads the policy of a configuration that was read again; without one the built-in policy decides alone.
    ///
    /// # Errors
    /// When the file is no policy that this node can run. Whatever was active is active still.
    pub fn follow_policy(&self, request: Option<&PolicyRequest>) -> Result<(), PolicyError> {
        let built_in = PolicyRequest {
            file: Path::new("built-in").to_owned(),
            mode: PolicyMode::Active,
            parameters: Vec::new(),
        };
        let status = self.policy_status();
        let shadow = request.is_some_and(|request| request.mode == PolicyMode::Shadow);
        if status.shadow.is_some() && !shadow {
            self.end_shadow_policy()?;
        }
        if (request.is_none() || shadow) && status.active.policy.id != "built-in" {
            self.activate_policy(&built_in)?;
        }
        match request {
            Some(request) => self.activate_policy(request).map(drop),
            None => Ok(()),
        }
    }

    /// How the admin API reads the configuration again.
    pub fn on_reload(
        &self,
        reload: impl Fn() -> Result<ReloadDocument, String> + Send + Sync + 'static,
    ) {
        let reload: Reload = Arc::new(reload);
        *self.shared.reload.lock().unwrap_or_else(PoisonError::into_inner) = Some(reload);
    }
}
