//! Reading what is here again, to find what the disk lost: on demand as fast as it goes, and in the background at
//! a rate.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use samara_model::{ByteCount, BytesPerSecond};
use samara_store::ReadChunkError;
use tokio::time::Instant;

use crate::api::{FetchPhase, Notice};
use crate::content_state::ContentState;
use crate::documents::ScrubDocument;
use crate::shared::Shared;

/// How often it looks whether there is anything to do.
const PAUSE: Duration = Duration::from_secs(5);

/// Goes round and round over everything that is complete, while the configuration names a rate.
pub async fn scrub_always(shared: Arc<Shared>) {
    while !shared.is_stopping() {
        tokio::time::sleep(PAUSE).await;
        for state in shared.contents_now() {
            let rate = shared.storage.lock().unwrap_or_else(PoisonError::into_inner).scrub;
            if rate.is_none() || shared.is_stopping() {
                break;
            }
            shared.scrub(&state, rate).await;
        }
    }
}

impl Shared {
    /// Reads and hashes every chunk of a complete content. What is wrong is withdrawn: nothing of it is served.
    pub async fn scrub(
        self: &Arc<Self>,
        state: &Arc<ContentState>,
        rate: Option<BytesPerSecond>,
    ) -> ScrubDocument {
        let mut found = ScrubDocument {
            content: state.content.to_string(),
            chunks: 0,
            bytes: 0,
            bad_chunks: Vec::new(),
            reason: None,
        };
        let Some(stored) = state.stored().filter(|_| state.phase() == FetchPhase::Complete) else {
            found.reason =
                Some("it is not complete: what is here was verified as it came".to_owned());
            return found;
        };
        for chunk in 0..stored.manifest().chunk_count() {
            if state.is_closed() || state.is_withdrawn() || self.is_stopping() {
                break;
            }
            let began = Instant::now();
            let reading = stored.clone();
            let verified = tokio::task::spawn_blocking(move || reading.verify_chunk(chunk)).await;
            let bytes = stored.chunk_len(chunk);
            found.chunks += 1;
            found.bytes += u64::from(bytes);
            match verified {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => found.bad_chunks.push(chunk),
                Ok(Err(ReadChunkError::Withdrawn { .. })) | Err(_) => break,
                Ok(Err(error)) => {
                    found.reason = Some(error.to_string());
                    found.bad_chunks.push(chunk);
                    break;
                }
            }
            if let Some(rate) = rate {
                tokio::time::sleep_until(began + rate.time_for(ByteCount(u64::from(bytes)))).await;
            }
        }
        if !found.bad_chunks.is_empty() {
            self.notify(Notice::Warning(format!(
                "{} of {} chunks of {} are not what was verified: it is not served any more. Fetch it again, and \
                 look at the disk",
                found.bad_chunks.len(),
                found.chunks,
                state.content
            )));
            self.withdraw(state, stored.output().to_owned());
        }
        found
    }
}
