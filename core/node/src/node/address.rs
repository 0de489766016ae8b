//! Where others dial this node, followed while it runs: the network may come up after the node, and may change.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::reachable::reachable;
use crate::gossip_actor::GossipMessage;
use crate::shared::Shared;
use crate::tracker_actor::TrackerMessage;

/// How often the routing table is asked, while it has no answer and when it has one.
const SOON: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(10);

/// Follows the address until the node stops. Nothing to do where the config names one, or the one to listen on.
pub async fn follow(shared: Arc<Shared>) {
    let listen = shared.config.listen;
    if shared.config.advertise.is_some() || !listen.ip().is_unspecified() {
        return;
    }
    let mut seen_before = shared.address();
    while !shared.is_stopping() {
        let lost = shared.address().ip().is_loopback();
        tokio::time::sleep(if lost { SOON } else { LATER }).await;
        let now = reachable(listen, &shared.config.join);
        // A route that is gone for a moment says nothing about where this node is; one that changed is believed
        // when it is still so at the next look.
        let believed = !now.ip().is_loopback() && (lost || now == seen_before);
        if believed && now != shared.address() {
            moved(&shared, now).await;
        }
        seen_before = now;
    }
}

async fn moved(shared: &Arc<Shared>, now: SocketAddr) {
    let before = shared.set_address(now);
    tracing::info!(%before, advertise = %now, "this node is dialled at another address from now on");
    shared.gossip.deliver(GossipMessage::Moved).await;
    shared.tracker.deliver(TrackerMessage::Moved).await;
}
