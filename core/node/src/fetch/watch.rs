//! Watches a fetch until its content is in place, cannot be fetched, or is given up.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use samara_model::ContentRef;

use super::FetchError;
use super::handle::Job;
use super::patience::{Patience, Standing};
use super::resolve::not_found;
use super::search::{Seen, look_around};
use crate::api::{FetchPhase, FetchProgress, PeerRow};
use crate::content_state::ContentState;
use crate::shared::Shared;

/// Connected peers that are named when a fetch is given up.
const NAMED: usize = 4;

/// Watches until the content is in place.
pub async fn watch(
    shared: &Arc<Shared>,
    wanted: &ContentRef,
    job: &Job,
    state: &Arc<ContentState>,
    began: Instant,
) -> Result<(), FetchError> {
    let mut seen = Seen::default();
    let mut patience = Patience::new(began);
    loop {
        if state.phase() == FetchPhase::Complete {
            return Ok(());
        }
        if state.is_closed() {
            return Err(FetchError::Cancelled);
        }
        if let Some(why) = state.failure() {
            return Err(FetchError::Impossible { content: state.content, why });
        }
        let progress = state.progress();
        if let Some(without) =
            patience.is_over(Instant::now(), job.patience(), &standing(state, &progress))
        {
            return Err(give_up(shared, wanted, job, state, &progress, without));
        }
        let rung = shared.link_up.notified();
        look_around(shared, state, &mut seen, progress.neighbours == 0).await;
        tokio::select! {
            () = state.turned.notified() => {}
            () = rung => {}
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
}

fn is_local_work(phase: &FetchPhase) -> bool {
    matches!(phase, FetchPhase::Checking | FetchPhase::Finishing | FetchPhase::Parked { .. })
}

fn standing(state: &ContentState, progress: &FetchProgress) -> Standing {
    Standing {
        outlook: *state.outlook.lock().unwrap_or_else(PoisonError::into_inner),
        received: progress.received.0,
        started: progress.chunks > 0,
        is_busy: is_local_work(&progress.phase),
    }
}

fn give_up(
    shared: &Shared,
    wanted: &ContentRef,
    job: &Job,
    state: &ContentState,
    progress: &FetchProgress,
    without: Duration,
) -> FetchError {
    let content = state.content;
    let Some(stored) = state.stored() else {
        let unknown = FetchError::UnknownContent { content };
        return not_found(shared, wanted, job.patience(), unknown);
    };
    FetchError::Abandoned {
        content,
        done: progress.done,
        total: progress.total,
        missing: stored.have().missing(),
        chunks: progress.chunks,
        connected: connected(&state.rows(shared.clock.now())),
        waited: Duration::from_secs(without.as_secs()),
    }
}

/// Who is connected, for a person.
fn connected(rows: &[PeerRow]) -> String {
    let named: Vec<String> = rows.iter().take(NAMED).map(|row| row.address.to_string()).collect();
    match rows.len() {
        0 => "nobody is connected".into(),
        all if all > NAMED => {
            format!("{} and {} more are connected and lack it, too", named.join(", "), all - NAMED)
        }
        1 => format!("{} is connected and lacks it, too", named.join(", ")),
        _ => format!("{} are connected and lack it, too", named.join(", ")),
    }
}
