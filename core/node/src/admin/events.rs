//! Server-sent events: what changes, for those who look on. One stream costs a status a second.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior};

use crate::api::Notice;
use crate::documents::{ContentsDocument, NoticeDocument};
use crate::shared::Shared;

const EVERY: Duration = Duration::from_secs(1);

struct Watcher {
    shared: Arc<Shared>,
    news: Receiver<Notice>,
    tick: Interval,
    last: Option<ContentsDocument>,
}

pub async fn events(
    State(shared): State<Arc<Shared>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let watcher = Watcher { news: shared.news.subscribe(), shared, tick, last: None };
    let batches = stream::unfold(watcher, |mut watcher| async move {
        let batch = watcher.next().await?;
        Some((stream::iter(batch.into_iter().map(Ok)), watcher))
    });
    Sse::new(batches.flatten())
}

impl Watcher {
    /// The next events; `None` ends the stream, with the node.
    async fn next(&mut self) -> Option<Vec<Event>> {
        tokio::select! {
            notice = self.news.recv() => match notice {
                Ok(notice) => Some(vec![told("notice", &NoticeDocument {
                    kind: notice.kind().to_owned(),
                    text: notice.to_string(),
                })]),
                Err(RecvError::Lagged(_)) => Some(Vec::new()),
                Err(RecvError::Closed) => None,
            },
            _ = self.tick.tick() => {
                if self.shared.is_stopping() {
                    return None;
                }
                Some(self.look().await)
            }
        }
    }

    /// The status always, as a sign of life; the contents when they changed.
    async fn look(&mut self) -> Vec<Event> {
        let status = super::status::document(&self.shared).await;
        let mut events = vec![told("status", &status)];
        let contents = ContentsDocument { version: 1, contents: self.shared.content_rows() };
        if self.last.as_ref() != Some(&contents) {
            events.push(told("contents", &contents));
            self.last = Some(contents);
        }
        events
    }
}

fn told(name: &str, document: &impl Serialize) -> Event {
    let event = Event::default().event(name);
    event.json_data(document).unwrap_or_else(|_| Event::default().comment("cannot be written"))
}
