//! Brings what happens on the links to the actors that it concerns.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use samara_engine::swarm::{LinkKey, SwarmInput};
use samara_model::{ChunkIndex, ContentId, PeerMessage};
use samara_store::Content;

use crate::finder::Found;
use crate::gossip_actor::GossipMessage;
use crate::link::{CloseReason, DiskOp, LinkEvent, LinkHandle, LinkId, LinkRouter};
use crate::metrics::Loss;
use crate::shared::Shared;
use crate::swarm_actor::{ServeProblem, SwarmMessage};
use crate::tracker_actor::TrackerMessage;

/// The links' way into the node.
#[derive(Clone)]
pub struct Router(pub Arc<Shared>);

impl LinkRouter for Router {
    async fn deliver(&self, event: LinkEvent) {
        match event {
            LinkEvent::Connected(handle) => self.connected(handle).await,
            LinkEvent::Disconnected { link, peer, reason } => {
                self.disconnected(link, peer, &reason).await
            }
            LinkEvent::Refused { remote, error } => self.0.notify_refused(remote, &error),
            LinkEvent::Message { link, content: Some(content), message } => {
                self.content_message(link, content, message).await
            }
            LinkEvent::Message { link, content: None, message } => {
                self.node_message(link, message).await
            }
            LinkEvent::ChunkStarted { link, content, chunk } => {
                self.input(&content, SwarmInput::ChunkStarted { link: key(link), chunk }).await
            }
            LinkEvent::ChunkStored { link, content, chunk, bytes, elapsed } => {
                let source = self.0.source_of(link, &content);
                self.0.metrics.chunk_stored(source, bytes, elapsed);
                self.swarm(&content, SwarmMessage::Stored { link, chunk, bytes }).await
            }
            LinkEvent::ChunkRejected { link, content, chunk } => {
                self.lost(link, &content, Loss::Corrupt, self.chunk_len(&content, chunk));
                self.swarm(&content, SwarmMessage::Rejected { link, chunk }).await
            }
            LinkEvent::ChunkDiscarded { link, content, chunk, bytes } => {
                let here = self.content(&content).is_some_and(|stored| stored.has(chunk));
                let why = if here { Loss::Duplicate } else { Loss::Late };
                self.lost(link, &content, why, bytes);
                self.swarm(&content, SwarmMessage::Discarded { link, chunk, bytes }).await
            }
            LinkEvent::StoreFailed { link, content, chunk, error } => {
                self.lost(link, &content, Loss::Unwritten, self.chunk_len(&content, chunk));
                self.swarm(&content, SwarmMessage::StoreFailed { link, chunk, error }).await
            }
            LinkEvent::ChunkSent { link, content, chunk, bytes } => {
                self.0.metrics.chunk_sent(self.0.source_of(link, &content).scope, bytes);
                self.swarm(&content, SwarmMessage::Sent { link, chunk, bytes }).await
            }
            LinkEvent::ServeFailed { link, content, chunk, error } => {
                let problem = ServeProblem { link, chunk, error };
                self.swarm(&content, SwarmMessage::ServeFailed(problem)).await
            }
        }
    }

    fn content(&self, content: &ContentId) -> Option<Arc<Content>> {
        let stored = self.0.content(content)?.stored()?;
        (!stored.is_withdrawn()).then_some(stored)
    }

    fn disk_used(&self, op: DiskOp, bytes: u64, took: Duration) {
        self.0.metrics.disk_used(op, bytes, took);
    }

    fn chunk_hashed(&self, took: Duration) {
        self.0.metrics.chunk_hashed(took);
    }
}

impl Router {
    fn lost(&self, link: LinkId, content: &ContentId, why: Loss, bytes: u32) {
        self.0.metrics.chunk_lost(self.0.source_of(link, content), why, bytes);
    }

    fn chunk_len(&self, content: &ContentId, chunk: ChunkIndex) -> u32 {
        let stored = self.0.content(content).and_then(|state| state.stored());
        stored.map_or(0, |stored| stored.chunk_len(chunk))
    }

    async fn connected(&self, handle: LinkHandle) {
        let (peer, address) = (handle.peer, handle.address);
        {
            let mut live = self.0.live.write().unwrap_or_else(PoisonError::into_inner);
            live.entry(handle.id).or_insert_with(|| self.0.live_link(handle));
        }
        self.0.link_up.notify_waiters();
        self.0.gossip.deliver(GossipMessage::PeerSeen { peer, address }).await;
    }

    async fn disconnected(&self, link: LinkId, peer: samara_model::PeerId, reason: &CloseReason) {
        tracing::debug!(peer = %peer.short(), %reason, "link ended");
        let ended = {
            let mut live = self.0.live.write().unwrap_or_else(PoisonError::into_inner);
            live.remove(&link)
        };
        let Some(ended) = ended else { return };
        for content in &ended.contents {
            self.input(content, SwarmInput::PeerDisconnected { link: key(link) }).await;
        }
        self.0.gossip.deliver(GossipMessage::LinkEnded { address: ended.handle.address }).await;
        let left = *reason == CloseReason::PeerLeft;
        let message = TrackerMessage::LinkEnded { link, peer, left };
        self.0.tracker.deliver(message).await;
    }

    async fn content_message(&self, link: LinkId, content: ContentId, message: PeerMessage) {
        if let PeerMessage::Open { origin, .. } = &message
            && let Some(handle) = self.0.link(link)
        {
            // Also when the content is unknown here or its actor is down: whoever starts later finds it.
            self.0.opened_on(&handle, content);
            if *origin {
                self.0.is_origin_of(link, content);
            }
            let connected = SwarmMessage::Connected { handle, resumed: false };
            self.swarm(&content, connected).await;
        }
        if matches!(message, PeerMessage::Close { .. }) {
            self.0.closed_on(link, &content);
        }
        self.input(&content, SwarmInput::MessageReceived { link: key(link), message }).await;
    }

    async fn node_message(&self, link: LinkId, message: PeerMessage) {
        let Some(handle) = self.0.link(link) else { return };
        match message {
            PeerMessage::Found { token, release, holders } => {
                self.0.finder.answered(token, Found { release, holders })
            }
            PeerMessage::Find { token, release, content } => {
                let find = GossipMessage::Find { link, token, release: release.clone(), content };
                self.0.gossip.deliver(find).await;
                let find = TrackerMessage::Find { link, token, release, content };
                self.0.tracker.deliver(find).await;
            }
            PeerMessage::FullState { reply, members, table, releases } => {
                let from = handle.peer;
                let state = GossipMessage::FullState { from, reply, members, table, releases };
                self.0.gossip.deliver(state).await;
            }
            PeerMessage::Announce { address, place, holdings, releases, token } => {
                let from = handle.peer;
                let announced = TrackerMessage::Announced {
                    from,
                    link,
                    address,
                    place,
                    holdings,
                    releases,
                    token,
                };
                self.0.tracker.deliver(announced).await;
            }
            PeerMessage::Handout { token, neighbours, refused, expires_s } => {
                let handout =
                    TrackerMessage::Handout { link, token, neighbours, refused, expires_s };
                self.0.tracker.deliver(handout).await;
            }
            PeerMessage::Relabelled { labels } => {
                tracing::debug!(peer = %handle.peer.short(), %labels, "a peer has other labels");
                for content in self.0.relabelled_on(link) {
                    self.swarm(&content, SwarmMessage::PeerRelabelled { link }).await;
                }
            }
            // The link itself takes the rest.
            _ => {}
        }
    }

    async fn input(&self, content: &ContentId, input: SwarmInput) {
        self.swarm(content, SwarmMessage::Input(input)).await;
    }

    async fn swarm(&self, content: &ContentId, message: SwarmMessage) {
        if let Some(swarm) = self.0.swarm(content) {
            swarm.deliver(message).await;
        }
    }
}

/// The engine's name of a link.
pub fn key(link: LinkId) -> LinkKey {
    LinkKey(link.0)
}
