//! Reading the configuration again: what can be taken is, what needs a restart is named, and a file that is wrong
//! changes nothing.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use samara_node::Node;
use samara_node::config::{Config, Setting, changed_keys};
use samara_node::documents::ReloadDocument;

use super::logs::Logs;

/// The configuration that runs, and where it came from.
pub struct Reloader {
    file: Option<PathBuf>,
    settings: Vec<Setting>,
    running: Mutex<Config>,
    logs: Logs,
}

impl Reloader {
    pub fn new(
        file: Option<PathBuf>,
        settings: Vec<Setting>,
        config: Config,
        logs: Logs,
    ) -> Reloader {
        Reloader { file, settings, running: Mutex::new(config), logs }
    }

    /// Reads it again and takes what can be taken.
    ///
    /// # Errors
    /// Everything that is wrong with it; nothing has changed then.
    pub fn reload(&self, node: &Node) -> Result<ReloadDocument, String> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = self.take(node, &mut running);
        match &outcome {
            Ok(done) if done.changed.is_empty() && done.needs_restart.is_empty() => {
                tracing::info!("configuration read again: nothing changed");
            }
            Ok(done) => {
                tracing::info!(changed = ?done.changed, needs_restart = ?done.needs_restart, "configuration read again");
            }
            Err(why) => {
                tracing::error!("the configuration was not taken, the one before stays: {why}")
            }
        }
        outcome
    }

    fn take(&self, node: &Node, running: &mut Config) -> Result<ReloadDocument, String> {
        let read = Config::load(self.file.as_deref(), &self.settings);
        let new = read.map_err(|error| error.to_string())?;
        let (changed, needs_restart) = changed_keys(running, &new);
        if changed.iter().any(|key| key.starts_with("policy.")) {
            node.follow_policy(new.policy_request().as_ref()).map_err(|error| error.to_string())?;
        }
        node.set_limits(&new.caps());
        node.set_storage(new.storage_config());
        node.set_labels(&new.labels());
        self.logs.set_level(new.log.level);
        // What needs a restart stays named until there is one.
        let (node_table, admin, metrics) =
            (running.node.clone(), running.admin.clone(), running.metrics.clone());
        let format = running.log.format;
        let (limits, breaker) = (running.policy.limits.clone(), running.policy.breaker.clone());
        let labels = new.node.labels.clone();
        *running = new;
        (running.node, running.admin, running.metrics) = (node_table, admin, metrics);
        running.node.labels = labels;
        running.log.format = format;
        (running.policy.limits, running.policy.breaker) = (limits, breaker);
        Ok(ReloadDocument { changed, needs_restart })
    }
}
