//! What an operator may do with a running node: HTTP/1.1 with JSON over a Unix socket in the data directory,
//! which only the node's user can open.
//!
//! | | | |
//! |---|---|---|
//! | `GET` | `/v1/policy` | [`PolicyStatus`] |
//! | `POST` | `/v1/policy/activate` | a [`PolicyRequest`]; answers [`PolicyStatus`] |
//! | `POST` | `/v1/policy/rollback` | [`Rollback`]; answers [`PolicyStatus`] |
//!
//! What is refused is answered with a status of 4xx and [`Refusal`], one sentence.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;

use crate::api::Notice;
use crate::selector::{PolicyError, PolicyRequest, PolicyStatus};
use crate::shared::Shared;

/// The socket's name in the data directory.
pub const SOCKET: &str = "admin.sock";
/// Longest body of a request.
const MAX_BODY: usize = 64 << 10;

/// Go back to the policy before, or take the shadow away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// Take the shadow away; the active policy stays.
    #[serde(default)]
    pub shadow: bool,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// One sentence for a person.
    pub error: String,
}

/// Serves the socket until the node stops. A node that cannot make it does without, and says so.
pub fn start_or_warn(shared: &Arc<Shared>) {
    if let Err(error) = start(shared) {
        shared.notify(Notice::Warning(format!(
            "this node cannot be administered while it runs: no socket {} ({error})",
            shared.store.dir().join(SOCKET).display()
        )));
    }
}

fn start(shared: &Arc<Shared>) -> io::Result<()> {
    let path = shared.store.dir().join(SOCKET);
    let _inside = shared.data_plane.enter();
    let listener = listen(&path)?;
    let (router, stopping) = (router(shared.clone()), shared.clone());
    shared.data_plane.spawn(async move {
        let stopped = stopping.stopped.notified();
        tokio::select! {
            served = async { axum::serve(listener, router).await } => {
                if let Err(error) = served {
                    tracing::warn!(%error, "the admin socket is closed");
                }
            }
            () = stopped => {}
        }
        // The next start makes its own.
        let _ = std::fs::remove_file(&path);
    });
    Ok(())
}

/// A socket that only this user may open, from its first moment: it is made in a folder that nobody else can
/// enter, and moved. What lay there was left by a node that ended hard; the data directory has one owner.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let folder = tempfile::Builder::new().prefix(".a").tempdir_in(parent)?;
    let made: PathBuf = folder.path().join("s");
    let listener = UnixListener::bind(&made)?;
    std::fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    std::fs::rename(&made, path)?;
    Ok(listener)
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/policy", get(status))
        .route("/v1/policy/activate", post(activate))
        .route("/v1/policy/rollback", post(roll_back))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(shared)
}

type Answer<T> = Result<Json<T>, (StatusCode, Json<Refusal>)>;

async fn status(State(shared): State<Arc<Shared>>) -> Json<PolicyStatus> {
    Json(shared.policies.status())
}

async fn activate(
    State(shared): State<Arc<Shared>>,
    Json(request): Json<PolicyRequest>,
) -> Answer<PolicyStatus> {
    // Compiling takes a tenth of a second.
    blocking(move || shared.activate_policy(&request)).await
}

async fn roll_back(
    State(shared): State<Arc<Shared>>,
    Json(Rollback { shadow }): Json<Rollback>,
) -> Answer<PolicyStatus> {
    let work = move || if shadow { shared.end_shadow_policy() } else { shared.roll_back_policy() };
    blocking(work).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PolicyError> + Send + 'static,
) -> Answer<T> {
    let refuse = |code, error: String| (code, Json(Refusal { error }));
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(Json(done)),
        Ok(Err(error)) => Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, in_words(&error))),
        Err(error) => Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

/// An error with its causes, in one line.
fn in_words(error: &PolicyError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
