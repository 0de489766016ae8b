//! The policies: look, activate, go back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::Rollback;
use super::answer::{Answer, Body, Refused, blocking};
use crate::chunk_store_actor::chain;
use crate::selector::{PolicyError, PolicyRequest, PolicyStatus};
use crate::shared::Shared;

impl From<PolicyError> for Refused {
    fn from(error: PolicyError) -> Refused {
        Refused(StatusCode::UNPROCESSABLE_ENTITY, chain(&error))
    }
}

pub async fn status(State(shared): State<Arc<Shared>>) -> Json<PolicyStatus> {
    Json(shared.policies.status())
}

pub async fn activate(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<PolicyRequest>,
) -> Answer<PolicyStatus> {
    // Compiling takes a tenth of a second.
    blocking(move || shared.activate_policy(&request)).await
}

pub async fn roll_back(
    State(shared): State<Arc<Shared>>,
    Body(Rollback { shadow }): Body<Rollback>,
) -> Answer<PolicyStatus> {
    let work = move || if shadow { shared.end_shadow_policy() } else { shared.roll_back_policy() };
    blocking(work).await
}
