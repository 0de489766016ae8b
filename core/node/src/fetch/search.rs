//! Whom a fetch asks who has its content, and how often.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use samara_engine::swarm::SwarmInput;
use samara_model::{ContentId, ReleaseName};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::content_state::ContentState;
use crate::finder::Found;
use crate::gossip_actor::GossipMessage;
use crate::link::LinkId;
use crate::shared::Shared;
use crate::swarm_actor::SwarmMessage;

/// How often others are asked who has the content: while nobody is known, and otherwise.
pub const ASK_LONELY: Duration = Duration::from_millis(500);
const ASK_SETTLED: Duration = Duration::from_secs(10);

/// What this node's own table says.
pub async fn ask_here(
    shared: &Shared,
    release: Option<ReleaseName>,
    content: Option<ContentId>,
) -> Option<Found> {
    let (answer, answered) = oneshot::channel();
    shared.gossip.deliver(GossipMessage::LookUp { release, content, answer }).await;
    timeout(Duration::from_millis(200), answered).await.ok()?.ok()
}

/// Whom a fetch has asked, and when.
#[derive(Default)]
pub struct Seen {
    links: HashSet<LinkId>,
    asked: Option<Instant>,
}

/// Opens the content on links that are new, and asks from time to time who has it.
pub async fn look_around(
    shared: &Arc<Shared>,
    state: &Arc<ContentState>,
    seen: &mut Seen,
    lonely: bool,
) {
    let swarm = &state.swarm;
    let links = shared.live_links();
    let fresh: Vec<_> = links.iter().filter(|link| seen.links.insert(link.id)).cloned().collect();
    let pause = if lonely { ASK_LONELY } else { ASK_SETTLED };
    let due = seen.asked.is_none_or(|asked| asked.elapsed() > pause);
    // The nodes that were joined may have the content themselves: that saves asking.
    if lonely {
        for handle in &fresh {
            // If the actor is down, its next incarnation finds it there.
            shared.opened_on(handle, state.content);
            let connected = SwarmMessage::Connected { handle: handle.clone(), resumed: false };
            swarm.deliver(connected).await;
        }
    }
    if !due && (fresh.is_empty() || !lonely) {
        return;
    }
    seen.asked = Some(Instant::now());
    if let Some(found) = ask_here(shared, None, Some(state.content)).await {
        swarm.deliver(SwarmMessage::Input(SwarmInput::HintsReceived(found.holders))).await;
    }
    let (shared, state) = (shared.clone(), state.clone());
    let asked = if due { links } else { fresh };
    shared.data_plane.clone().spawn(async move {
        let mut search = shared.finder.search(None, Some(state.content));
        for link in &asked {
            search.ask(link);
        }
        while let Ok(Some(found)) = timeout(Duration::from_secs(2), search.next()).await {
            let hints = SwarmInput::HintsReceived(found.holders);
            state.swarm.deliver(SwarmMessage::Input(hints)).await;
        }
    });
}
