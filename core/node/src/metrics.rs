//! The node's own figures, through the `metrics` facade. Handles are kept; no label is ever a peer, a path
//! or a content.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Counter, Unit, counter, describe_counter};
use samara_engine::swarm::SwarmEvent;

use crate::api::ActorName;

/// All actors, in the order of their counters.
pub const ACTORS: [ActorName; 6] = [
    ActorName::Seeder,
    ActorName::ChunkStore,
    ActorName::Gossip,
    ActorName::Selector,
    ActorName::Swarm,
    ActorName::Tracker,
];

impl ActorName {
    /// The value of the label `actor`.
    pub fn label(self) -> &'static str {
        match self {
            ActorName::Seeder => "seeder",
            ActorName::ChunkStore => "chunk_store",
            ActorName::Gossip => "gossip",
            ActorName::Selector => "selector",
            ActorName::Swarm => "swarm",
            ActorName::Tracker => "tracker",
        }
    }
}

/// Handles of everything that the node counts.
pub struct Metrics {
    restarts: [(AtomicU64, Counter); 6],
    chunks_stored: Counter,
    chunks_rejected: Counter,
    chunks_discarded: Counter,
    received: Counter,
    sent: Counter,
    decisions_dropped: Counter,
    fallbacks: Counter,
    reservations_expired: Counter,
    peers_banned: Counter,
}

impl Metrics {
    /// Registers everything, so that each series is there from the start.
    pub fn new() -> Self {
        describe();
        let restarts = ACTORS.map(|actor| {
            let counter = counter!("samara_actor_restarts_total", "actor" => actor.label());
            counter.increment(0);
            (AtomicU64::new(0), counter)
        });
        let chunks =
            |outcome: &'static str| counter!("samara_chunks_received_total", "outcome" => outcome);
        Metrics {
            restarts,
            chunks_stored: chunks("stored"),
            chunks_rejected: chunks("rejected"),
            chunks_discarded: chunks("discarded"),
            received: counter!("samara_received_bytes_total"),
            sent: counter!("samara_sent_bytes_total"),
            decisions_dropped: counter!("samara_policy_decisions_dropped_total"),
            fallbacks: counter!("samara_policy_fallbacks_total"),
            reservations_expired: counter!("samara_reservations_expired_total"),
            peers_banned: counter!("samara_peers_banned_total"),
        }
    }

    /// An actor panicked and comes back.
    pub fn actor_restarted(&self, actor: ActorName) {
        let (own, exported) = &self.restarts[index(actor)];
        own.fetch_add(1, Ordering::Relaxed);
        exported.increment(1);
    }

    /// How often an actor of this node was restarted.
    pub fn restarts_of(&self, actor: ActorName) -> u64 {
        self.restarts[index(actor)].0.load(Ordering::Relaxed)
    }

    /// A chunk is verified and stored.
    pub fn chunk_stored(&self, bytes: u32) {
        self.chunks_stored.increment(1);
        self.received.increment(u64::from(bytes));
    }

    /// A chunk had the wrong hash.
    pub fn chunk_rejected(&self, bytes: u32) {
        self.chunks_rejected.increment(1);
        self.received.increment(u64::from(bytes));
    }

    /// A chunk was here already, or not wanted any more.
    pub fn chunk_discarded(&self, bytes: u32) {
        self.chunks_discarded.increment(1);
        self.received.increment(u64::from(bytes));
    }

    /// A chunk was sent and acknowledged.
    pub fn chunk_sent(&self, bytes: u32) {
        self.sent.increment(u64::from(bytes));
    }

    /// What a swarm reports.
    pub fn swarm_event(&self, event: &SwarmEvent) {
        match event {
            SwarmEvent::DecisionDropped { .. } => self.decisions_dropped.increment(1),
            SwarmEvent::FellBack { .. } => self.fallbacks.increment(1),
            SwarmEvent::ReservationExpired { .. } => self.reservations_expired.increment(1),
            SwarmEvent::PeerBanned { .. } => self.peers_banned.increment(1),
            _ => {}
        }
    }
}

fn index(actor: ActorName) -> usize {
    ACTORS.iter().position(|one| *one == actor).unwrap_or(0)
}

fn describe() {
    let all: [(&'static str, Unit, &'static str); 8] = [
        ("samara_actor_restarts_total", Unit::Count, "Actors that panicked and were restarted"),
        ("samara_chunks_received_total", Unit::Count, "Chunks received from peers, by outcome"),
        ("samara_received_bytes_total", Unit::Bytes, "Bytes of chunks received from peers"),
        ("samara_sent_bytes_total", Unit::Bytes, "Bytes of chunks sent to peers and acknowledged"),
        (
            "samara_policy_decisions_dropped_total",
            Unit::Count,
            "Decisions of the policy that did not hold when they were carried out",
        ),
        (
            "samara_policy_fallbacks_total",
            Unit::Count,
            "Questions that the built-in policy answered because the active one failed or was late",
        ),
        ("samara_reservations_expired_total", Unit::Count, "Promised chunks of which nothing came"),
        (
            "samara_peers_banned_total",
            Unit::Count,
            "Peers banned from a content for breaking the rules",
        ),
    ];
    for (name, unit, help) in all {
        describe_counter!(name, unit, help);
    }
}
