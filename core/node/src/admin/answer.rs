//! Answers and refusals, always JSON.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use super::Refusal;
use crate::catalogue::{FindError, OrderError, RemoveError};

/// A document, or why not.
pub type Answer<T> = Result<Json<T>, Refused>;

/// A status and one sentence.
#[derive(Debug)]
pub struct Refused(pub StatusCode, pub String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(Refusal { error: self.1 })).into_response()
    }
}

impl From<FindError> for Refused {
    fn from(error: FindError) -> Refused {
        let status = match error {
            FindError::Unknown { .. } => StatusCode::NOT_FOUND,
            FindError::Several { .. } => StatusCode::CONFLICT,
        };
        Refused(status, error.to_string())
    }
}

impl From<OrderError> for Refused {
    fn from(error: OrderError) -> Refused {
        let status = match error {
            OrderError::Role { .. } => StatusCode::FORBIDDEN,
            OrderError::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
            OrderError::Busy(_) => StatusCode::CONFLICT,
            OrderError::TooMany => StatusCode::INSUFFICIENT_STORAGE,
        };
        Refused(status, error.to_string())
    }
}

impl From<RemoveError> for Refused {
    fn from(error: RemoveError) -> Refused {
        Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

/// The document in a request's body.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(document)) => Ok(Body(document)),
            Err(error) => {
                Err(Refused(error.status(), format!("the body is refused: {}", error.body_text())))
            }
        }
    }
}

/// The content that is named in the path, as text.
pub struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Named(text)),
            Err(error) => Err(Refused(error.status(), error.body_text())),
        }
    }
}

/// Runs what waits for the disk or for threads where that harms nobody.
pub async fn blocking<T: Send + 'static, E: Into<Refused> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Answer<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(Json(done)),
        Ok(Err(error)) => Err(error.into()),
        Err(error) => Err(Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}
