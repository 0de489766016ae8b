//! What everybody who looks on sees: taken once a second however many look, and not at all while nobody does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::documents::{ContentDocument, StatusDocument};
use crate::shared::Shared;

const EVERY: Duration = Duration::from_secs(1);

/// The node at one moment.
#[derive(Debug, Clone)]
pub struct Look {
    /// As a whole.
    pub status: StatusDocument,
    /// Its contents.
    pub contents: Vec<ContentDocument>,
}

/// Hands looks to those who look on.
#[derive(Default)]
pub struct Looks(Mutex<Option<watch::Receiver<Option<Arc<Look>>>>>);

/// Looks on from now on: the first look comes at once.
pub fn look_on(shared: &Arc<Shared>) -> watch::Receiver<Option<Arc<Look>>> {
    let mut running = shared.looks.0.lock().unwrap_or_else(PoisonError::into_inner);
    // The task holds the sender; a receiver without one is of a task that has ended.
    if let Some(looks) = running.as_ref().filter(|looks| looks.has_changed().is_ok()) {
        return looks.clone();
    }
    let (sender, looks) = watch::channel(None);
    *running = Some(looks.clone());
    drop(running);
    shared.data_plane.spawn(take_looks(shared.clone(), sender));
    looks
}

/// Until nobody but the book itself holds a receiver.
async fn take_looks(shared: Arc<Shared>, sender: watch::Sender<Option<Arc<Look>>>) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tick.tick().await;
        if shared.is_stopping() {
            return;
        }
        {
            let mut running = shared.looks.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Under the lock, so that nobody joins who would see no more looks.
            if sender.receiver_count() <= 1 {
                *running = None;
                return;
            }
        }
        let status = super::status::document(&shared);
        let contents = shared.content_rows();
        sender.send_replace(Some(Arc::new(Look { status, contents })));
    }
}
