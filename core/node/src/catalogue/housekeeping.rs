//! What a daemon looks after by itself: the bounds of its disk, and fetches that do not get on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use samara_engine::swarm::SwarmInput;
use samara_model::{ContentId, ReleaseName};

use crate::content_state::ContentState;
use crate::gossip_actor::GossipMessage;
use crate::shared::Shared;
use crate::swarm_actor::SwarmMessage;
use crate::tracker_actor::TrackerMessage;
use crate::waiting::TOO_LONG;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(2);
/// What does not get on is told of after this time again, at the latest.
const LONGEST: Duration = Duration::from_secs(3600);

/// How often a fetch that does not get on is told of.
struct Patience(Duration);

impl Patience {
    fn new() -> Patience {
        Patience(TOO_LONG)
    }

    /// Whether it is to be told that it has waited for so long; after twice the time again, an hour later at most.
    fn is_over(&mut self, waited: Duration) -> bool {
        let over = waited >= self.0;
        if over {
            self.0 = (waited * 2).min(waited + LONGEST);
        }
        over
    }
}

/// How far a fetch was, since when, and when it is told of.
struct Watched {
    done: u64,
    since: Instant,
    patience: Patience,
}

/// Looks after the node until it stops.
pub async fn keep_house(shared: Arc<Shared>) {
    let mut watched: BTreeMap<ContentId, Watched> = BTreeMap::new();
    let mut names: BTreeMap<ReleaseName, Patience> = BTreeMap::new();
    while !shared.is_stopping() {
        tokio::time::sleep(EVERY).await;
        let inside = shared.clone();
        let _ = tokio::task::spawn_blocking(move || inside.enforce_storage()).await;
        tell_of_names(&shared, &mut names);
        let fetching: Vec<Arc<ContentState>> =
            shared.contents_now().into_iter().filter(|state| state.is_fetching()).collect();
        watched.retain(|content, _| fetching.iter().any(|state| state.content == *content));
        for state in fetching {
            let now = Instant::now();
            let done = state.progress().done.0;
            let one = watched.entry(state.content).or_insert(Watched {
                done,
                since: now,
                patience: Patience::new(),
            });
            if one.done != done {
                *one = Watched { done, since: now, patience: Patience::new() };
            } else if one.patience.is_over(now.duration_since(one.since)) {
                let why = shared.why(&state);
                let seconds = now.duration_since(one.since).as_secs();
                tracing::warn!(content = %state.content, seconds, "no progress: {}", why.headline());
                discover_again(&shared, &state).await;
            }
        }
    }
}

/// Tells of names that nobody knows. They are asked for again and again anyway.
fn tell_of_names(shared: &Shared, told: &mut BTreeMap<ReleaseName, Patience>) {
    let unknown = shared.resolving.for_longer_than(TOO_LONG, Instant::now());
    told.retain(|name, _| unknown.iter().any(|(one, _)| one == name));
    for (name, waited) in unknown {
        let patience = told.entry(name.clone()).or_insert_with(Patience::new);
        if patience.is_over(waited) {
            let why = shared.unresolved();
            let seconds = waited.as_secs();
            tracing::warn!(content = %name, seconds, "no progress: {}. {}", why.text, why.remedy);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// After an hour it was told of every two seconds.
    #[test]
    fn what_does_not_get_on_is_told_of_ever_more_rarely() {
        let mut patience = Patience::new();
        let told = (0..4 * 3600).filter(|second| patience.is_over(Duration::from_secs(*second)));
        assert_eq!(told.collect::<Vec<_>>(), [30, 60, 120, 240, 480, 960, 1920, 3840, 7440, 11040]);
    }
}
