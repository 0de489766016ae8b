//! Server-sent events: everything at first, then what changes, for those who look on. Nobody who looks costs
//! nothing.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::looks::{Look, look_on};
use crate::api::Notice;
use crate::documents::{
    ChangesDocument, ContentDocument, ContentsDocument, NoticeDocument, ProcessDocument,
    StatusDocument,
};
use crate::shared::Shared;

/// A comment after this much silence says that the node is there.
const ALIVE: Duration = Duration::from_secs(5);
/// A status is told this often also when only time has passed.
const ANYWAY: Duration = Duration::from_secs(10);

struct Watcher {
    news: Receiver<Notice>,
    looks: watch::Receiver<Option<Arc<Look>>>,
    told: Told,
}

pub async fn events(
    State(shared): State<Arc<Shared>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let looks = look_on(&shared);
    let watcher = Watcher { news: shared.news.subscribe(), looks, told: Told::default() };
    let batches = stream::unfold(watcher, |mut watcher| async move {
        let batch = watcher.next().await?;
        Some((stream::iter(batch.into_iter().map(Ok)), watcher))
    });
    Sse::new(batches.flatten()).keep_alive(KeepAlive::new().interval(ALIVE))
}

impl Watcher {
    /// The next events; `None` ends the stream, with the node.
    async fn next(&mut self) -> Option<Vec<Event>> {
        tokio::select! {
            notice = self.news.recv() => match notice {
                Ok(notice) => Some(vec![event("notice", &NoticeDocument {
                    kind: notice.kind().to_owned(),
                    text: notice.to_string(),
                })]),
                Err(RecvError::Lagged(_)) => Some(Vec::new()),
                Err(RecvError::Closed) => None,
            },
            changed = self.looks.changed() => {
                changed.ok()?;
                let look = self.looks.borrow_and_update().clone();
                Some(look.map_or_else(Vec::new, |look| self.told.events(&look)))
            }
        }
    }
}

/// What a watcher was told last.
#[derive(Default)]
struct Told {
    status: Option<StatusDocument>,
    contents: Option<BTreeMap<String, ContentDocument>>,
}

impl Told {
    fn events(&mut self, look: &Look) -> Vec<Event> {
        let mut events = Vec::new();
        let old = self.status.as_ref().is_none_or(|told| {
            look.status.uptime_seconds - told.uptime_seconds >= ANYWAY.as_secs_f64()
        });
        if old || self.status.as_ref().map(without_clock) != Some(without_clock(&look.status)) {
            events.push(event("status", &look.status));
            self.status = Some(look.status.clone());
        }
        match self.changes(&look.contents) {
            None => {
                let contents = look.contents.clone();
                events.push(event("contents", &ContentsDocument { version: 1, contents }));
            }
            Some(changes) if changes.is_nothing() => {}
            Some(changes) => events.push(event("changes", &changes)),
        }
        events
    }

    /// What changed among the contents since the last look; `None` at the first.
    fn changes(&mut self, rows: &[ContentDocument]) -> Option<ChangesDocument> {
        let now: BTreeMap<String, ContentDocument> =
            rows.iter().map(|row| (row.key(), row.clone())).collect();
        let before = self.contents.replace(now)?;
        let changed = rows.iter().filter(|row| before.get(&row.key()) != Some(row));
        let changed = changed.cloned().collect();
        let now = self.contents.as_ref()?;
        let gone = before.into_keys().filter(|key| !now.contains_key(key)).collect();
        Some(ChangesDocument { version: 1, changed, gone })
    }
}

/// What is news of a status: not that time passed, and what the process cost meanwhile.
fn without_clock(status: &StatusDocument) -> StatusDocument {
    let mut still = status.clone();
    still.uptime_seconds = 0.0;
    still.process = ProcessDocument::default();
    still.storage.free_bytes = None;
    still.waiting.iter_mut().for_each(|one| one.seconds = 0.0);
    // Gossip goes on always.
    still.traffic.control_sent_bytes = 0;
    still.traffic.control_received_bytes = 0;
    still
}

fn event(name: &str, document: &impl Serialize) -> Event {
    let event = Event::default().event(name);
    event.json_data(document).unwrap_or_else(|_| Event::default().comment("cannot be written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(release: &str, done_bytes: u64) -> ContentDocument {
        let release = Some(release.to_owned());
        ContentDocument { release, done_bytes, ..ContentDocument::default() }
    }

    #[test]
    fn after_the_first_look_only_what_changed_is_told() {
        let mut told = Told::default();
        assert_eq!(told.changes(&[row("a@1", 0), row("b@1", 0)]), None);
        let nothing = told.changes(&[row("a@1", 0), row("b@1", 0)]).expect("a later look");
        assert!(nothing.is_nothing());
        let changes = told.changes(&[row("b@1", 7), row("c@1", 0)]).expect("a later look");
        assert_eq!(changes.changed, [row("b@1", 7), row("c@1", 0)]);
        assert_eq!(changes.gone, ["a@1"]);
    }
}
