//! Each of the six actors panics in mid-transfer, on the origin and on a peer.

use std::path::PathBuf;

use samara_model::ContentId;
use samara_node::{ActorName, FetchHandle, Node, NodeConfig, Notice};

use crate::support::{
    BOTH, Notices, Place, at_percent, config, done, fetch, found_by, publish_as, same_bytes, slow,
    start, until,
};

const SIZE: usize = 4 << 20;
const CHUNK: Option<u32> = Some(64 << 10);

/// An origin, which plays the tracker too, and two peers that fetch from it at 4 MiB/s.
struct Crowd {
    place: Place,
    source: PathBuf,
    content: ContentId,
    origin: Node,
    peers: Vec<Node>,
}

impl Crowd {
    fn gather() -> Self {
        let place = Place::new();
        let source = place.file("source", SIZE);
        let playing = NodeConfig { be_tracker: true, ..found_by(config(&[]), BOTH) };
        let origin = start(slow(playing, 4 << 10));
        let content = publish_as(&origin, &source, "test", CHUNK);
        let join = [origin.advertised()];
        let peers = (0..2).map(|_| start(found_by(config(&join), BOTH))).collect();
        Crowd { place, source, content, origin, peers }
    }

    fn fetch_all(&self) -> Vec<FetchHandle> {
        let each = self.peers.iter().enumerate();
        each.map(|(at, peer)| fetch(peer, self.content, self.copy(at))).collect()
    }

    fn copy(&self, at: usize) -> PathBuf {
        self.place.path(&format!("copy{at}"))
    }

    fn check(&self, fetches: &[FetchHandle]) {
        for (at, handle) in fetches.iter().enumerate() {
            done(handle);
            same_bytes(&self.source, &self.copy(at));
        }
    }
}

fn panics(node: &Node, actor: ActorName) {
    let mut notices = Notices::of(node);
    let before = node.restarts(actor);
    until("the fault reaches its actor", || node.inject_panic(actor));
    until("the actor is restarted", || node.restarts(actor) > before);
    let restarted = Notice::ActorRestarted { actor };
    notices.until("the restart is told", |notice| *notice == restarted);
}

fn origin_survives(actor: ActorName) {
    let crowd = Crowd::gather();
    let fetches = crowd.fetch_all();
    at_percent(&fetches[0], 10);
    panics(&crowd.origin, actor);
    crowd.check(&fetches);
}

fn peer_survives(actor: ActorName) {
    let crowd = Crowd::gather();
    let fetches = crowd.fetch_all();
    at_percent(&fetches[0], 10);
    panics(&crowd.peers[0], actor);
    crowd.check(&fetches);
}

#[test]
fn a_transfer_outlives_the_seeder_of_its_origin() {
    origin_survives(ActorName::Seeder);
}

#[test]
fn a_transfer_outlives_the_chunk_store_of_its_origin() {
    origin_survives(ActorName::ChunkStore);
}

#[test]
fn a_transfer_outlives_the_gossip_of_its_origin() {
    origin_survives(ActorName::Gossip);
}

#[test]
fn a_transfer_outlives_the_selector_of_its_origin() {
    origin_survives(ActorName::Selector);
}

#[test]
fn a_transfer_outlives_the_swarm_of_its_origin() {
    origin_survives(ActorName::Swarm);
}

#[test]
fn a_transfer_outlives_the_tracker() {
    origin_survives(ActorName::Tracker);
}

#[test]
fn a_fetch_outlives_its_seeder() {
    peer_survives(ActorName::Seeder);
}

#[test]
fn a_fetch_outlives_its_chunk_store() {
    peer_survives(ActorName::ChunkStore);
}

#[test]
fn a_fetch_outlives_its_gossip() {
    peer_survives(ActorName::Gossip);
}

#[test]
fn a_fetch_outlives_its_selector() {
    peer_survives(ActorName::Selector);
}

#[test]
fn a_fetch_outlives_its_swarm() {
    peer_survives(ActorName::Swarm);
}

#[test]
fn a_fetch_outlives_its_announcer() {
    peer_survives(ActorName::Tracker);
}

/// What is in the mailbox of an actor that panics is lost: questions, work, news of new neighbours.
#[test]
fn a_fetch_that_starts_while_all_actors_are_down_finishes() {
    let all = [
        ActorName::Swarm,
        ActorName::ChunkStore,
        ActorName::Selector,
        ActorName::Seeder,
        ActorName::Gossip,
        ActorName::Tracker,
    ];
    let crowd = Crowd::gather();
    for actor in all {
        until("the fault reaches its actor", || crowd.origin.inject_panic(actor));
    }
    let fetches = crowd.fetch_all();
    for actor in all {
        // The swarms of the peers may not be there yet.
        let panicked = crowd.peers[0].inject_panic(actor);
        assert!(panicked || actor == ActorName::Swarm, "{actor:?} was down already");
    }
    crowd.check(&fetches);
    for actor in all {
        assert_eq!(crowd.origin.restarts(actor), 1, "{actor:?}");
    }
}
