//! What a daemon looks after by itself: the bounds of its disk, and fetches that do not get on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use samara_engine::swarm::SwarmInput;
use samara_model::ContentId;

use crate::content_state::ContentState;
use crate::gossip_actor::GossipMessage;
use crate::shared::Shared;
use crate::swarm_actor::SwarmMessage;
use crate::tracker_actor::TrackerMessage;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(2);
/// A fetch that gets nothing for this long is told of; twice as long each time.
const STALLED: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(3600);

/// How far a fetch was, since when, and when it is told of.
struct Watched {
    done: u64,
    since: Instant,
    patience: Duration,
}

/// Looks after the node until it stops.
pub async fn keep_house(shared: Arc<Shared>) {
    let mut watched: BTreeMap<ContentId, Watched> = BTreeMap::new();
    while !shared.is_stopping() {
        tokio::time::sleep(EVERY).await;
        let inside = shared.clone();
        let _ = tokio::task::spawn_blocking(move || inside.enforce_storage()).await;
        let fetching: Vec<Arc<ContentState>> =
            shared.contents_now().into_iter().filter(|state| state.is_fetching()).collect();
        watched.retain(|content, _| fetching.iter().any(|state| state.content == *content));
        for state in fetching {
            let now = Instant::now();
            let done = state.progress().done.0;
            let one = watched.entry(state.content).or_insert(Watched {
                done,
                since: now,
                patience: STALLED,
            });
            if one.done != done {
                *one = Watched { done, since: now, patience: STALLED };
            } else if now.duration_since(one.since) >= one.patience {
                one.patience = (one.patience * 2).min(LONGEST);
                let why = shared.why(&state);
                let seconds = now.duration_since(one.since).as_secs();
                tracing::warn!(content = %state.content, seconds, "no progress: {}", why.headline());
                discover_again(&shared, &state).await;
            }
        }
    }
}

/// Looks for holders anew, everywhere at once.
async fn discover_again(shared: &Arc<Shared>, state: &Arc<ContentState>) {
    let (answer, answered) = tokio::sync::oneshot::channel();
    shared
        .gossip
        .deliver(GossipMessage::LookUp { release: None, content: Some(state.content), answer })
        .await;
    if let Ok(found) = answered.await {
        state.swarm.deliver(SwarmMessage::Input(SwarmInput::HintsReceived(found.holders))).await;
    }
    shared.tracker.tell(TrackerMessage::HoldingsChanged);
    let mut search = shared.finder.search(None, Some(state.content));
    for link in shared.live_links() {
        search.ask(&link);
    }
    while let Ok(Some(found)) = tokio::time::timeout(Duration::from_secs(2), search.next()).await {
        state.swarm.deliver(SwarmMessage::Input(SwarmInput::HintsReceived(found.holders))).await;
    }
}
