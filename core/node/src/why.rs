//! Why a content stands where it stands, in words and codes: what is missing, who has it, what keeps it, and what
//! to do; for a finished one, where the time went.

mod losses;

use std::sync::PoisonError;

use samara_engine::swarm::SwarmStats;

use crate::api::FetchPhase;
use crate::content_state::ContentState;
use crate::documents::{ExchangeDocument, PhaseDocument, ReasonDocument, WhyDocument};
use crate::shared::Shared;

use losses::transfer_document;

/// A rate this near to the cap is the cap's.
const NEAR_CAP: f64 = 0.85;

fn exchange(stats: &SwarmStats) -> ExchangeDocument {
    ExchangeDocument {
        offers: stats.offers,
        declined_busy: stats.declined_busy,
        declined_have: stats.declined_have,
        expired: stats.expired,
        served: stats.served,
        requests: stats.requests,
    }
}

/// How long each phase of a fetch took; what was published here was not fetched.
fn phases_of(state: &ContentState) -> Vec<PhaseDocument> {
    let phases = if state.origin { Vec::new() } else { state.phases() };
    phases.into_iter().map(|(name, seconds)| PhaseDocument { name, seconds }).collect()
}

impl WhyDocument {
    /// The first reason, without its remedy.
    pub fn first_reason(&self) -> &str {
        self.reasons.first().map_or(&self.state, |reason| &reason.text)
    }

    /// The first reason, in one line.
    pub fn headline(&self) -> String {
        match self.reasons.first() {
            Some(reason) => format!("{}. {}", reason.text, reason.remedy),
            None => self.state.clone(),
        }
    }
}

impl Shared {
    /// Why a content that moves, or is here, stands where it stands.
    pub fn why(&self, state: &ContentState) -> WhyDocument {
        let progress = state.progress();
        let stored = state.stored();
        let outlook = *state.outlook.lock().unwrap_or_else(PoisonError::into_inner);
        let (rate, _) = state.rates();
        let mut why = WhyDocument {
            version: 1,
            content: state.content.to_string(),
            state: progress.phase.word().to_owned(),
            chunks: progress.chunks,
            missing_chunks: stored.as_ref().map_or(0, |stored| stored.missing()),
            missing_bytes: progress.total.0.saturating_sub(progress.done.0),
            neighbours: progress.neighbours,
            sources: outlook.sources,
            untried: outlook.untried,
            received_bytes_per_second: rate,
            reasons: Vec::new(),
            phases: phases_of(state),
            bound_seconds: None,
            transfer: state.account().as_ref().map(transfer_document),
            exchange: exchange(&state.stats()),
        };
        let down = self.limits().all.down;
        if progress.phase == FetchPhase::Complete {
            let fetched = progress.total.0.saturating_sub(progress.resumed.0);
            why.bound_seconds = down.map(|cap| fetched as f64 / cap.0.max(1) as f64);
            return why;
        }
        why.reasons = self.reasons(&progress.phase, &why, down.map(|cap| cap.0));
        why
    }

    fn reasons(
        &self,
        phase: &FetchPhase,
        why: &WhyDocument,
        cap: Option<u64>,
    ) -> Vec<ReasonDocument> {
        let mut all = Vec::new();
        let mut say = |code: &str, text: String, remedy: &str| {
            all.push(ReasonDocument { code: code.to_owned(), text, remedy: remedy.to_owned() });
        };
        match phase {
            FetchPhase::Parked { reason } => {
                say("parked", format!("it is parked: {reason}"), "Make room; it goes on by itself");
                return all;
            }
            FetchPhase::Checking => {
                say(
                    "checking",
                    "what an earlier run left is hashed".into(),
                    "Wait: this reads, and fetches nothing",
                );
                return all;
            }
            FetchPhase::Finishing => {
                say(
                    "finishing",
                    "every chunk is here; files are synced and renamed".into(),
                    "Wait for the disk",
                );
                return all;
            }
            _ => {}
        }
        if self.live_links().is_empty() {
            say(
                "no-links",
                format!("this node is linked with nobody ({})", self.last_dial_error()),
                "Check `node.join`, the network, and that port and cluster id are the same everywhere",
            );
            return all;
        }
        let moves = why.received_bytes_per_second > 0;
        if moves
            && cap.is_some_and(|cap| why.received_bytes_per_second as f64 >= NEAR_CAP * cap as f64)
        {
            say(
                "capped",
                "it comes as fast as `limits.down` lets it".into(),
                "Raise the cap if it should be faster",
            );
        } else if moves {
            let count = why.sources;
            say(
                "moving",
                format!(
                    "it comes, from {count} neighbours that have something that is missing here"
                ),
                "Wait; `samara peers` shows who has how much",
            );
        }
        match (why.sources, why.untried) {
            (0, 0) if why.neighbours == 0 => say(
                "no-holder",
                "nobody is known to have it".into(),
                "Check that its origin is up and in the same cluster; it is asked for again and again",
            ),
            (0, 0) => say(
                "nobody-has-the-rest",
                format!(
                    "{} neighbours are connected, and none has any of the {} chunks that are missing",
                    why.neighbours, why.missing_chunks
                ),
                "Bring a peer that has the rest back, or publish it again: the same bytes have the same id",
            ),
            (0, untried) => say(
                "not-connected",
                format!("{untried} peers are said to have it, and none could be connected yet"),
                "Check that their advertised addresses can be reached from here",
            ),
            (sources, _) if !moves => say(
                "sources-are-silent",
                format!(
                    "{sources} neighbours have what is missing, and nothing comes of them just now"
                ),
                "They may be busy with others or capped; slow ones are left and others tried. If it stays, look at \
                 `samara status` there",
            ),
            _ => {}
        }
        if self.policies.status().quarantined {
            say(
                "policy-in-quarantine",
                "the active policy failed too often, and the built-in one decides".into(),
                "See `samara policy status`",
            );
        }
        all
    }
}
