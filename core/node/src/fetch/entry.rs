//! How a fetch takes part in a content that the node may know already, and how it leaves it: several fetches
//! of one content to one place share its state.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use samara_model::ContentId;
use samara_store::ReadChunkError;

use super::FetchError;
use crate::api::FetchPhase;
use crate::content_state::ContentState;
use crate::seeder_actor::SeederMessage;
use crate::shared::Shared;

/// How a fetch finds its content on this node.
pub enum Entered {
    /// It is complete, here or in another place.
    Complete,
    /// Another fetch gets it to the same place.
    Joined,
    /// This fetch made its state, in the place of one that was withdrawn.
    First { instead_of: Option<Arc<ContentState>> },
}

/// The state of the content on this node.
pub fn enter(
    shared: &Shared,
    content: ContentId,
    output: &Path,
) -> Result<(Arc<ContentState>, Entered), FetchError> {
    let mut contents = shared.contents.write().unwrap_or_else(PoisonError::into_inner);
    let known = contents.get(&content).filter(|known| !known.is_closed()).cloned();
    let usable = known.as_ref().filter(|known| !known.is_withdrawn());
    if let Some(known) = usable {
        if known.phase() == FetchPhase::Complete {
            return Ok((known.clone(), Entered::Complete));
        }
        if known.output.as_deref() != Some(output) {
            let other = known.output.clone().unwrap_or_default();
            return Err(FetchError::AlreadyFetching { content, other });
        }
        known.fetches.fetch_add(1, Ordering::Relaxed);
        return Ok((known.clone(), Entered::Joined));
    }
    let instead_of = known.inspect(|withdrawn| withdrawn.close());
    let state = ContentState::new(content, false, Some(output.to_path_buf()));
    state.fetches.store(1, Ordering::Relaxed);
    contents.insert(content, state.clone());
    Ok((state, Entered::First { instead_of }))
}

/// Whether a complete content is as it was; if not, it is withdrawn.
pub async fn is_in_place(shared: &Arc<Shared>, state: &Arc<ContentState>) -> bool {
    let Some(stored) = state.stored() else { return true };
    let checked = tokio::task::spawn_blocking(move || stored.check_unchanged());
    if let Ok(Err(ReadChunkError::SourceChanged { path, .. })) = checked.await {
        shared.withdraw(state, path);
        return false;
    }
    true
}

/// A fetch does not wait for a content any more; the last one that did ends it, unless it is complete.
pub fn leave(shared: &Shared, state: &Arc<ContentState>) {
    let contents = shared.contents.write().unwrap_or_else(PoisonError::into_inner);
    let is_last = state.fetches.fetch_sub(1, Ordering::Relaxed) == 1;
    if !is_last || state.phase() == FetchPhase::Complete || state.is_closed() {
        return;
    }
    state.close();
    // What is here stays for another fetch, perhaps to another place.
    shared.store.forget(&state.content);
    drop(contents);
    shared.seeder.tell(SeederMessage::Close(state.clone()));
}
