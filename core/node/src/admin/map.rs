//! Where a content has its gaps, and why the policy decided what it did.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use samara_engine::swarm::Stretch;
use tokio::sync::oneshot;

use super::answer::{Answer, Named, Refused};
use crate::documents::{DecisionDocument, MapDocument, StretchDocument};
use crate::shared::Shared;
use crate::swarm_actor::SwarmMessage;

/// More stretches than a screen has columns.
const MOST: u32 = 1000;

/// Unless `?stretches=N` says otherwise.
const USUAL: u32 = 200;

fn stretches_in(query: Option<&str>) -> Result<u32, Refused> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(USUAL) };
    let number = query.strip_prefix("stretches=").and_then(|number| number.parse::<u32>().ok());
    number.map(|number| number.min(MOST)).ok_or_else(|| {
        let what = "the map takes ?stretches=N with a number of parts, and nothing else";
        Refused(StatusCode::UNPROCESSABLE_ENTITY, what.to_owned())
    })
}

pub async fn map(
    State(shared): State<Arc<Shared>>,
    Named(text): Named,
    RawQuery(query): RawQuery,
) -> Answer<MapDocument> {
    let stretches = stretches_in(query.as_deref())?;
    let found = shared.find_content(&text)?;
    let Some(state) = found.content.and_then(|id| shared.content(&id)) else {
        return Ok(Json(MapDocument { version: 1, ..MapDocument::default() }));
    };
    let (answer, answered) = oneshot::channel();
    state.swarm.deliver(SwarmMessage::Map { stretches, answer }).await;
    // An actor that is being restarted answers the next time.
    let stretches: Vec<StretchDocument> =
        answered.await.unwrap_or_default().into_iter().map(stretch).collect();
    let reasons = state.reasons.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Json(MapDocument {
        version: 1,
        chunks: stretches.iter().map(|one| one.chunks).sum(),
        stretches,
        decisions: reasons
            .into_iter()
            .map(|one| DecisionDocument {
                hook: one.hook.name().to_owned(),
                code: one.code,
                count: one.count,
            })
            .collect(),
    }))
}

fn stretch(one: Stretch) -> StretchDocument {
    StretchDocument {
        chunks: one.chunks,
        here: one.here,
        coming: one.coming,
        least_holders: u32::from(one.least_holders),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_number_of_stretches_is_bounded() {
        let of = |query| stretches_in(query).ok();
        assert_eq!(of(None), Some(USUAL));
        assert_eq!(of(Some("stretches=7")), Some(7));
        assert_eq!(of(Some("stretches=4000000000")), Some(MOST));
        assert_eq!(of(Some("stretches=-1")), None);
        assert_eq!(of(Some("cells=7")), None);
    }

    proptest! {
        #[test]
        fn any_query_is_a_number_or_refused(query in "[ -~]{0,30}") {
            if let Ok(number) = stretches_in(Some(&query)) {
                prop_assert!(number <= MOST);
            }
        }
    }
}
