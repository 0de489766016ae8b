//! Who has a content, as far as this node knows: exact for neighbours, completion for everybody else.

use samara_model::ContentId;
use tokio::sync::oneshot;

use super::Shared;
use crate::api::{PeerRow, PeerSource};
use crate::gossip_actor::GossipMessage;

impl Shared {
    /// Neighbours first, then what gossip tells, then what the tracker handed out; each peer once.
    pub async fn peer_rows(&self, content: ContentId) -> Vec<PeerRow> {
        let state = self.content(&content);
        let mut rows = match &state {
            Some(state) => state.rows(self.clock.now()),
            None => Vec::new(),
        };
        let (answer, answered) = oneshot::channel();
        self.gossip.deliver(GossipMessage::Holders { content, answer }).await;
        for holder in answered.await.unwrap_or_default() {
            add(
                &mut rows,
                PeerRow {
                    peer: holder.peer,
                    address: holder.address,
                    place: holder.place,
                    permille: holder.permille,
                    chunks: None,
                    source: PeerSource::Gossip,
                    age: holder.age,
                },
            );
        }
        let now = self.clock.now();
        for (at, hint) in state.map(|state| state.handout()).unwrap_or_default() {
            add(
                &mut rows,
                PeerRow {
                    peer: hint.peer,
                    address: hint.address,
                    place: hint.place,
                    permille: hint.permille,
                    chunks: None,
                    source: PeerSource::Tracker,
                    age: now.since(at),
                },
            );
        }
        rows.retain(|row| row.peer != self.me);
        rows
    }
}

fn add(rows: &mut Vec<PeerRow>, new: PeerRow) {
    if rows.iter().all(|row| row.peer != new.peer) {
        rows.push(new);
    }
}
