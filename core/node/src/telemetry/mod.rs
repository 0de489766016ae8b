//! What monitoring may ask over HTTP: `/metrics`, `/healthz` and `/readyz`. All of it only tells, so it may
//! listen where others can reach it.

mod bounded;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::api::Notice;
use crate::metrics;
use crate::shared::Shared;
use bounded::Bounded;

/// The actors' thread shows every second that it runs; silent for this long, it hangs.
const HANGS_AFTER: Duration = Duration::from_secs(10);
/// What Prometheus calls its text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers on the configured address, if any, until the node stops. When it cannot be had, the node does without, and says so. Returns where it listens.
pub fn start_or_warn(shared: &Arc<Shared>) -> Option<SocketAddr> {
    let _inside = shared.data_plane.enter();
    let wanted = shared.config.metrics_listen?;
    match listen(shared, wanted) {
        Ok(address) => Some(address),
        Err(error) => {
            shared.notify(Notice::Warning(format!(
                "no metrics: cannot listen on {wanted} ({error}); the node goes on without. Choose another \
                 address and start it again to be seen by Prometheus"
            )));
            None
        }
    }
}

fn listen(shared: &Arc<Shared>, wanted: SocketAddr) -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(wanted)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let listener = Bounded::new(tokio::net::TcpListener::from_std(listener)?);
    let (router, stopping) = (routes().with_state(shared.clone()), shared.clone());
    tokio::spawn(async move {
        let stopped = stopping.stopped.notified();
        tokio::select! {
            served = async { axum::serve(listener, router).await } => {
                if let Err(error) = served {
                    tracing::warn!(%error, "metrics are not answered any more");
                }
            }
            () = stopped => {}
        }
    });
    Ok(address)
}

/// The three paths; the admin addresses answer them, too.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/metrics", get(page))
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
}

async fn page(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    // It asks file systems how full they are.
    match tokio::task::spawn_blocking(move || metrics::page(&shared)).await {
        Ok(page) => (StatusCode::OK, [(header::CONTENT_TYPE, TEXT_FORMAT)], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn healthy(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    answer(health(&shared))
}

async fn ready(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let listens = if shared.is_ready() {
        Ok(())
    } else if shared.is_stopping() {
        Err("the node is going down".to_owned())
    } else {
        Err("the node does not listen yet".to_owned())
    };
    answer(health(&shared).and(listens))
}

fn health(shared: &Shared) -> Result<(), String> {
    let silent = shared.clock.now().since(shared.metrics.pulse.beat.get());
    if silent < HANGS_AFTER {
        return Ok(());
    }
    Err(format!("the actors have not moved for {} s; restart the node", silent.as_secs()))
}

fn answer(state: Result<(), String>) -> (StatusCode, String) {
    match state {
        Ok(()) => (StatusCode::OK, "ok\n".into()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}
