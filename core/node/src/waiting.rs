//! Fetches that have waited for too long: to which nothing happens, or whose name nobody knows. One answer for
//! metrics, `samara status`, `samara top` and the page, so that nothing is stuck in silence.

use std::time::{Duration, Instant};

use samara_model::ContentId;

use crate::documents::WaitingDocument;
use crate::shared::Shared;

/// A fetch to which nothing happens for this long is stalled, and a name that nobody knows for this long is told of.
pub const TOO_LONG: Duration = Duration::from_secs(30);
/// The longest are told of one by one.
const TOLD: usize = 10;

impl Shared {
    /// Those fetches, the longest first, and ten of them at most; with how many there are in all.
    pub fn waiting(&self) -> (Vec<WaitingDocument>, u64) {
        let names = self.resolving.for_longer_than(TOO_LONG, Instant::now());
        let unknown = names.into_iter().map(|(name, waited)| waits(name.to_string(), true, waited));
        let mut all: Vec<WaitingDocument> = unknown.collect();
        for state in self.contents_now() {
            if let Some(silent) = state.stalled_for() {
                all.push(waits(self.name_of(&state.content), false, silent));
            }
        }
        all.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
        let count = all.len() as u64;
        all.truncate(TOLD);
        (all, count)
    }

    /// What people call a content: a release of it, or its id.
    fn name_of(&self, content: &ContentId) -> String {
        let releases = self.releases();
        let named = releases.iter().find(|release| release.content == *content);
        named.map_or_else(|| content.to_string(), |release| release.release.to_string())
    }
}

fn waits(content: String, unknown: bool, waited: Duration) -> WaitingDocument {
    let code = if unknown { "unknown-name" } else { "stalled" };
    WaitingDocument { content, code: code.to_owned(), seconds: waited.as_secs_f64() }
}
