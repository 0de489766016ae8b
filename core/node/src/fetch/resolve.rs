//! From a name to a content.

use std::sync::Arc;
use std::time::Instant;

use samara_model::{ContentId, ContentRef, ReleaseName};
use tokio::time::timeout;

use super::FetchError;
use super::search::{ASK_LONELY, ask_here};
use crate::api::FetchRequest;
use crate::gossip_actor::GossipMessage;
use crate::shared::Shared;
use crate::tracker_actor::TrackerMessage;

/// Finds out which content is meant.
pub async fn resolve(
    shared: &Arc<Shared>,
    request: &FetchRequest,
) -> Result<ContentId, FetchError> {
    let name = match &request.content {
        ContentRef::Id(id) => return Ok(*id),
        ContentRef::Release(name) => name,
    };
    let _counted = shared.metrics.resolving.enter();
    let began = Instant::now();
    loop {
        let found = ask_here(shared, Some(name.clone()), None).await;
        if let Some(release) = found.and_then(|found| found.release) {
            return Ok(release.content);
        }
        let pause = ASK_LONELY.min(request.wait.saturating_sub(began.elapsed()));
        if pause.is_zero() {
            return Err(not_found(shared, request, began_error(name)));
        }
        let mut search = shared.finder.search(Some(name.clone()), None);
        let rung = shared.link_up.notified();
        for link in shared.live_links() {
            search.ask(&link);
        }
        let found = tokio::select! {
            found = timeout(pause, search.next()) => found.ok().flatten(),
            () = rung => None,
        };
        if let Some(release) = found.and_then(|found| found.release) {
            let _ = shared.add_release(&release);
            shared.gossip.deliver(GossipMessage::ReleaseAdded(release.clone())).await;
            shared.tracker.deliver(TrackerMessage::ReleaseAdded(release.clone())).await;
            return Ok(release.content);
        }
    }
}

fn began_error(name: &ReleaseName) -> FetchError {
    FetchError::UnknownRelease { release: name.clone() }
}

/// Nobody knows it, or nobody is there: which of the two?
pub fn not_found(shared: &Shared, request: &FetchRequest, otherwise: FetchError) -> FetchError {
    if shared.live_links().is_empty() {
        FetchError::NobodyThere {
            content: request.content.clone(),
            waited: request.wait,
            last: shared.last_dial_error(),
        }
    } else {
        otherwise
    }
}
