//! Counts how a fetch ended, and how close it came to the theoretical limit.

use std::sync::atomic::Ordering;

use samara_model::ByteCount;
use samara_model::limit::distribution_limit;

use super::FetchError;
use crate::api::Fetched;
use crate::content_state::ContentState;
use crate::metrics::Outcome;
use crate::shared::Shared;

/// A fetch ended.
pub fn ended(shared: &Shared, state: Option<&ContentState>, result: &Result<Fetched, FetchError>) {
    let outcome = match result {
        Ok(_) => Outcome::Complete,
        Err(FetchError::Cancelled) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    };
    shared.metrics.transfer_ended(outcome);
    if let (Ok(fetched), Some(state)) = (result, state)
        && !fetched.was_there
    {
        shared.metrics.transfer_took(fetched.took, over_limit(shared, state, fetched));
    }
}

/// Time over limit; `None` when nothing says how fast the line is, or hardly anything was fetched.
fn over_limit(shared: &Shared, state: &ContentState, fetched: &Fetched) -> Option<f64> {
    let rate = shared.config.limit_down.or(state.speed.fastest())?;
    let missing = fetched.size.0.saturating_sub(fetched.progress.resumed.0);
    let members = shared.metrics.pulse.alive.load(Ordering::Relaxed);
    let receivers = u32::try_from(members).unwrap_or(u32::MAX).max(fetched.progress.neighbours);
    let limit = distribution_limit(receivers.max(1), ByteCount(missing), fetched.chunk_size, rate);
    let limit = limit.as_secs_f64();
    (missing >= u64::from(fetched.chunk_size) && limit > 0.0)
        .then(|| fetched.took.as_secs_f64() / limit)
}
