//! From a name to a content.

use std::sync::Arc;
use std::time::{Duration, Instant};

use samara_model::{ContentId, ContentRef, ReleaseName};
use tokio::time::timeout;

use super::FetchError;
use super::handle::Job;
use super::search::{ASK_LONELY, ask_here};
use crate::api::FetchRequest;
use crate::gossip_actor::GossipMessage;
use crate::shared::Shared;
use crate::tracker_actor::TrackerMessage;

/// Finds out which content is meant.
pub async fn resolve(
    shared: &Arc<Shared>,
    request: &FetchRequest,
    job: &Job,
) -> Result<ContentId, FetchError> {
    let name = match &request.content {
        ContentRef::Id(id) => return Ok(*id),
        ContentRef::Release(name) => name,
    };
    let began = Instant::now();
    let _counted = shared.resolving.enter(name, began);
    loop {
        let found = ask_here(shared, Some(name.clone()), None).await;
        if let Some(release) = found.and_then(|found| found.release) {
            return Ok(release.content);
        }
        let wait = job.patience();
        let pause = ASK_LONELY.min(wait.saturating_sub(began.elapsed()));
        if pause.is_zero() {
            return Err(not_found(shared, &request.content, wait, began_error(name)));
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
pub fn not_found(
    shared: &Shared,
    content: &ContentRef,
    waited: Duration,
    otherwise: FetchError,
) -> FetchError {
    if shared.live_links().is_empty() {
        FetchError::NobodyThere { content: content.clone(), waited, last: shared.last_dial_error() }
    } else {
        otherwise
    }
}
