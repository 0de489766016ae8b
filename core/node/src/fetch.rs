//! One fetch, from a name to a file in place: resolves the name, finds somebody who has the content, starts
//! its swarm, and watches until it is done, failed or given up.

mod account;
mod entry;
mod error;
mod handle;
mod patience;
mod resolve;
mod resolving;
mod search;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use samara_model::ByteCount;
use samara_store::BeginFetchError;

pub use account::{Account, LineFrom};
pub use error::FetchError;
pub use handle::FetchHandle;
pub use resolving::Resolving;

use entry::{Entered, enter, is_in_place};
use handle::Job;
use resolve::resolve;
use watch::watch;

use crate::api::{FetchRequest, Fetched};
use crate::chunk_store_actor::chain;
use crate::content_state::ContentState;
use crate::seeder_actor::SeederMessage;
use crate::shared::Shared;

/// How often a copy looks whether the one before it is made.
const ONE_COPY: Duration = Duration::from_millis(20);

async fn run(
    shared: &Arc<Shared>,
    request: &FetchRequest,
    job: &Job,
) -> Result<Fetched, FetchError> {
    let began = Instant::now();
    let content = resolve(shared, request, job).await?;
    let output = std::path::absolute(&request.output).unwrap_or(request.output.clone());
    let (state, entered) = loop {
        let (state, entered) = enter(shared, content, &output)?;
        if !matches!(entered, Entered::Complete) || is_in_place(shared, &state).await {
            break (state, entered);
        }
    };
    match entered {
        Entered::Complete if state.output.as_deref() == Some(&output) => {
            return Ok(fetched(&state, output, began, true));
        }
        Entered::Complete => return copy(shared, &state, request, began).await,
        Entered::Joined => job.watch(state.clone()),
        Entered::First { instead_of } => {
            job.watch(state.clone());
            if let Some(withdrawn) = instead_of {
                shared.seeder.deliver(SeederMessage::Close(withdrawn)).await;
            }
            shared.seeder.deliver(SeederMessage::Open(state.clone())).await;
        }
    }
    watch(shared, &request.content, job, &state, began).await?;
    let was_there = state.resumed.load(Ordering::Relaxed)
        == state.stored().map_or(u64::MAX, |stored| stored.total().0)
        && state.received.load(Ordering::Relaxed) == 0;
    Ok(fetched(&state, output, began, was_there))
}

fn fetched(state: &ContentState, output: PathBuf, began: Instant, was_there: bool) -> Fetched {
    let stored = state.stored();
    Fetched {
        content: state.content,
        output,
        size: stored.as_ref().map_or(ByteCount(0), |stored| stored.total()),
        chunk_size: stored.as_ref().map_or(0, |stored| stored.manifest().chunk_size()),
        took: began.elapsed(),
        was_there,
        progress: state.progress(),
    }
}

/// The content is complete here in another place: the store copies it.
async fn copy(
    shared: &Arc<Shared>,
    state: &Arc<ContentState>,
    request: &FetchRequest,
    began: Instant,
) -> Result<Fetched, FetchError> {
    let (store, content, output) = (shared.store.clone(), state.content, request.output.clone());
    let impossible = |why: String| FetchError::Impossible { content, why };
    let stored = state.stored().ok_or_else(|| impossible("it is not ready yet".into()))?;
    let stopping = shared.clone();
    let copied = tokio::task::spawn_blocking(move || {
        let stop = AtomicBool::new(false);
        loop {
            let (bytes, manifest) = (stored.manifest_bytes(), stored.manifest());
            match store.begin_fetch(content, bytes, manifest, &output, &|_, _| {}, &stop) {
                Ok(copy) => return copy.finish().map_err(|error| chain(&error)),
                // Another copy of it is being made: one after the other.
                Err(BeginFetchError::AlreadyFetching { .. }) if !stopping.is_stopping() => {
                    std::thread::sleep(ONE_COPY);
                }
                Err(error) => return Err(chain(&error)),
            }
        }
    });
    copied.await.map_err(|error| impossible(error.to_string()))?.map_err(impossible)?;
    Ok(fetched(state, request.output.clone(), began, true))
}
