//! Finds the way into the cluster, and back into it: dials the join addresses until one answers, and after a
//! restart the peers of last time, too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::shared::Shared;
use crate::tracker_actor::TrackerMessage;

const FILE: &str = "peers";
/// Peers that are remembered.
const REMEMBERED: usize = 32;
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// How often the peers of this moment are written down.
const WRITE: Duration = Duration::from_secs(10);

/// Starts dialling, and writing down who is there.
pub fn start(shared: &Arc<Shared>) {
    let remembered = read(shared);
    for address in shared.config.join.iter().chain(&shared.config.trackers) {
        shared.data_plane.spawn(keep_joined(shared.clone(), *address));
    }
    for name in &shared.config.join_names {
        shared.data_plane.spawn(keep_named_joined(shared.clone(), name.clone(), false));
    }
    for name in &shared.config.tracker_names {
        shared.data_plane.spawn(keep_named_joined(shared.clone(), name.clone(), true));
    }
    if !remembered.is_empty() {
        shared.data_plane.spawn(rejoin(shared.clone(), remembered));
    }
    let writer = shared.clone();
    shared.data_plane.spawn(async move {
        while !writer.is_stopping() {
            tokio::time::sleep(WRITE).await;
            let inner = writer.clone();
            let _ = tokio::task::spawn_blocking(move || remember(&inner)).await;
        }
    });
}

/// Dials one join address until it answers, and again whenever this node has no link at all.
async fn keep_joined(shared: Arc<Shared>, address: SocketAddr) {
    let mut pause = FIRST_RETRY;
    let mut joined = false;
    while !shared.is_stopping() {
        let alone = shared.live_links().is_empty();
        if address != shared.address() && (!joined || alone) {
            let Some(links) = shared.links() else { return };
            match links.dial(address, None).await {
                Ok(_) => {
                    joined = true;
                    pause = FIRST_RETRY;
                }
                Err(error) => shared.dial_failed(error.to_string()),
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_RETRY);
    }
}

/// Like [`keep_joined`], for a name that may resolve later, or to something else later.
async fn keep_named_joined(shared: Arc<Shared>, name: String, is_tracker: bool) {
    let mut pause = FIRST_RETRY;
    let mut joined = false;
    let mut told: Vec<SocketAddr> = Vec::new();
    while !shared.is_stopping() {
        if !joined || shared.live_links().is_empty() {
            match tokio::net::lookup_host(&name).await {
                Ok(found) => {
                    let found: Vec<SocketAddr> = found.collect();
                    // Without trackers of their own, nodes ask those that they join.
                    let asked = is_tracker
                        || shared.config.trackers.is_empty()
                            && shared.config.tracker_names.is_empty();
                    if asked && told != found {
                        shared.tracker.deliver(TrackerMessage::TrackersFound(found.clone())).await;
                        told.clone_from(&found);
                    }
                    let Some(links) = shared.links() else { return };
                    for address in found.into_iter().filter(|address| *address != shared.address())
                    {
                        match links.dial(address, None).await {
                            Ok(_) => {
                                joined = true;
                                pause = FIRST_RETRY;
                                break;
                            }
                            Err(error) => shared.dial_failed(error.to_string()),
                        }
                    }
                }
                Err(error) => shared.dial_failed(format!("`{name}` does not resolve: {error}")),
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_RETRY);
    }
}

/// Tries the peers of last time, a few at a time, until this node has a link.
async fn rejoin(shared: Arc<Shared>, remembered: Vec<SocketAddr>) {
    for address in remembered {
        if shared.is_stopping() || !shared.live_links().is_empty() {
            return;
        }
        if let Some(links) = shared.links() {
            // Whoever is gone is gone; the next one may be there.
            let _ = links.dial(address, None).await;
        }
    }
}

/// Writes down who is there, unless nobody is.
pub fn remember(shared: &Shared) {
    let addresses: Vec<String> =
        shared.live_links().iter().take(REMEMBERED).map(|link| link.address.to_string()).collect();
    if addresses.is_empty() {
        return;
    }
    if let Err(error) = shared.store.write_state(FILE, addresses.join("\n").as_bytes()) {
        tracing::debug!(%error, "the peers of this moment could not be written down");
    }
}

fn read(shared: &Shared) -> Vec<SocketAddr> {
    let bytes = shared.store.read_state(FILE).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().filter_map(|line| line.parse().ok()).take(REMEMBERED).collect()
}
