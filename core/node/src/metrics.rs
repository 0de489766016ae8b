//! The node's own figures, through the `metrics` facade. Handles are kept; no label is ever a peer, a path
//! or a content.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Counter, Unit, counter, describe_counter};
use samara_engine::swarm::{DropReason, Hook, SwarmEvent};
use samara_policy_host::Fault;
use samara_wire::DatagramError;

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

/// Why a datagram is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatagramDrop {
    /// Something else found the port.
    NotSamara,
    /// Another version of the envelope.
    Version,
    /// Another cluster.
    OtherCluster,
    /// Longer than any datagram of ours.
    TooLarge,
    /// Gossip does not keep up, or is being restarted.
    MailboxFull,
}

/// All of them, in the order of their counters.
const DROPS: [DatagramDrop; 5] = [
    DatagramDrop::NotSamara,
    DatagramDrop::Version,
    DatagramDrop::OtherCluster,
    DatagramDrop::TooLarge,
    DatagramDrop::MailboxFull,
];

impl DatagramDrop {
    fn label(self) -> &'static str {
        match self {
            DatagramDrop::NotSamara => "not_samara",
            DatagramDrop::Version => "version",
            DatagramDrop::OtherCluster => "other_cluster",
            DatagramDrop::TooLarge => "too_large",
            DatagramDrop::MailboxFull => "mailbox_full",
        }
    }
}

impl From<DatagramError> for DatagramDrop {
    fn from(error: DatagramError) -> DatagramDrop {
        match error {
            DatagramError::NotSamara => DatagramDrop::NotSamara,
            DatagramError::Version { .. } => DatagramDrop::Version,
            DatagramError::OtherCluster => DatagramDrop::OtherCluster,
            DatagramError::TooLarge { .. } => DatagramDrop::TooLarge,
        }
    }
}

/// Handles of everything that the node counts.
pub struct Metrics {
    restarts: [(AtomicU64, Counter); 6],
    chunks_stored: Counter,
    chunks_rejected: Counter,
    chunks_discarded: Counter,
    chunks_unwritten: Counter,
    datagrams_dropped: [Counter; 5],
    received: Counter,
    sent: Counter,
    decisions_dropped: Vec<Counter>,
    policy_questions: Vec<Counter>,
    policy_faults: Named,
    policy_shadow: Named,
    policy_changes: Named,
    fallbacks: Named,
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
        let dropped = DropReason::ALL
            .into_iter()
            .map(|why| counter!("samara_policy_decisions_dropped_total", "reason" => why.label()));
        let questions = Hook::ALL
            .into_iter()
            .map(|hook| counter!("samara_policy_questions_total", "hook" => hook.name()));
        let faults: Vec<&'static str> = Fault::LABELS.into_iter().chain(["late"]).collect();
        Metrics {
            restarts,
            chunks_stored: chunks("stored"),
            chunks_rejected: chunks("rejected"),
            chunks_discarded: chunks("discarded"),
            chunks_unwritten: chunks("unwritten"),
            datagrams_dropped: DROPS
                .map(|why| counter!("samara_datagrams_dropped_total", "reason" => why.label())),
            received: counter!("samara_received_bytes_total"),
            sent: counter!("samara_sent_bytes_total"),
            decisions_dropped: dropped.collect(),
            policy_questions: questions.collect(),
            policy_faults: Named::new("samara_policy_faults_total", "fault", &faults),
            policy_shadow: Named::new("samara_policy_shadow_total", "outcome", &SHADOW),
            policy_changes: Named::new("samara_policy_changes_total", "change", &CHANGES),
            fallbacks: Named::new("samara_policy_fallbacks_total", "reason", &FALLBACKS),
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

    /// A chunk was right, and the store could not keep it.
    pub fn chunk_unwritten(&self, bytes: u32) {
        self.chunks_unwritten.increment(1);
        self.received.increment(u64::from(bytes));
    }

    /// A datagram on the node's port was not taken.
    pub fn datagram_dropped(&self, why: DatagramDrop) {
        let at = DROPS.iter().position(|one| *one == why).unwrap_or(0);
        self.datagrams_dropped[at].increment(1);
    }

    /// A chunk was sent and acknowledged.
    pub fn chunk_sent(&self, bytes: u32) {
        self.sent.increment(u64::from(bytes));
    }

    /// A question for the active policy.
    pub fn policy_asked(&self, hook: Hook) {
        let place = Hook::ALL.iter().position(|one| *one == hook).unwrap_or(0);
        self.policy_questions[place].increment(1);
    }

    /// A question that the built-in policy answers for another.
    pub fn policy_fell_back(&self, reason: &'static str) {
        self.fallbacks.increment(reason);
    }

    /// A call of a module failed.
    pub fn policy_fault(&self, label: &'static str) {
        self.policy_faults.increment(label);
    }

    /// A question to the shadow came to this.
    pub fn policy_shadow(&self, outcome: &'static str) {
        self.policy_shadow.increment(outcome);
    }

    /// Another policy is active or in shadow, or is trusted or not.
    pub fn policy_changed(&self, change: &'static str) {
        self.policy_changes.increment(change);
    }

    /// What a swarm reports.
    pub fn swarm_event(&self, event: &SwarmEvent) {
        match event {
            SwarmEvent::DecisionDropped { why, .. } => {
                let place = DropReason::ALL.iter().position(|one| one == why).unwrap_or(0);
                self.decisions_dropped[place].increment(1);
            }
            SwarmEvent::FellBack { why, .. } => self.fallbacks.increment(why),
            SwarmEvent::ReservationExpired { .. } => self.reservations_expired.increment(1),
            SwarmEvent::PeerBanned { .. } => self.peers_banned.increment(1),
            _ => {}
        }
    }
}

/// Counters of one name that differ in one label, with values that are known beforehand.
struct Named(Vec<(&'static str, Counter)>);

impl Named {
    fn new(name: &'static str, label: &'static str, values: &[&'static str]) -> Named {
        Named(values.iter().map(|value| (*value, counter!(name, label => *value))).collect())
    }

    fn increment(&self, value: &str) {
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| *known == value) {
            counter.increment(1);
        }
    }
}

/// Why the built-in policy answered for the active one.
const FALLBACKS: [&str; 6] = ["late", "failed", "idle", "left-alone", "quarantined", "not-wanted"];
/// What came of a question to the shadow.
const SHADOW: [&str; 4] = ["same", "differs", "fault", "skipped"];
/// What happened to the policies.
const CHANGES: [&str; 7] = [
    "activated",
    "shadowed",
    "rolled_back",
    "shadow_ended",
    "left_alone",
    "trusted_again",
    "quarantined",
];

fn index(actor: ActorName) -> usize {
    ACTORS.iter().position(|one| *one == actor).unwrap_or(0)
}

fn describe() {
    let all: [(&'static str, Unit, &'static str); 13] = [
        ("samara_actor_restarts_total", Unit::Count, "Actors that panicked and were restarted"),
        ("samara_chunks_received_total", Unit::Count, "Chunks received from peers, by outcome"),
        ("samara_received_bytes_total", Unit::Bytes, "Bytes of chunks received from peers"),
        ("samara_sent_bytes_total", Unit::Bytes, "Bytes of chunks sent to peers and acknowledged"),
        (
            "samara_policy_decisions_dropped_total",
            Unit::Count,
            "Decisions of the policy that did not hold when they were carried out, by reason",
        ),
        (
            "samara_policy_fallbacks_total",
            Unit::Count,
            "Questions that the built-in policy answered for the active one, by reason",
        ),
        ("samara_policy_questions_total", Unit::Count, "Questions to the active policy, by hook"),
        ("samara_policy_faults_total", Unit::Count, "Calls of a policy that failed, by fault"),
        ("samara_policy_shadow_total", Unit::Count, "Questions to the shadow, by outcome"),
        ("samara_policy_changes_total", Unit::Count, "Changes of the policies, by kind"),
        ("samara_reservations_expired_total", Unit::Count, "Promised chunks of which nothing came"),
        (
            "samara_datagrams_dropped_total",
            Unit::Count,
            "Datagrams on the node's port that were not taken, by reason",
        ),
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

/// A recorder for tests of what is counted.
#[cfg(test)]
pub mod counting {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    use metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    };

    /// All counters, as `name` or `name{label}`.
    #[derive(Debug, Default)]
    pub struct Counting(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

    impl Counting {
        /// How far a counter is; `None` when nobody registered it.
        pub fn of(&self, name: &str) -> Option<u64> {
            let all = self.0.lock().expect("no test panicked with it");
            all.get(name).map(|counter| counter.load(Ordering::Acquire))
        }

        /// The names of all.
        pub fn names(&self) -> Vec<String> {
            self.0.lock().expect("no test panicked with it").keys().cloned().collect()
        }
    }

    impl Recorder for Counting {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            let labels: Vec<&str> = key.labels().map(|label| label.value()).collect();
            let name = match labels.as_slice() {
                [] => key.name().to_owned(),
                labels => format!("{}{{{}}}", key.name(), labels.join(",")),
            };
            let counter = Arc::new(AtomicU64::new(0));
            self.0.lock().expect("no test panicked with it").insert(name, counter.clone());
            Counter::from_arc(counter)
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::counting::Counting;
    use super::*;

    #[test]
    fn every_series_is_there_from_the_start_and_described() {
        let counting = Counting::default();
        metrics::with_local_recorder(&counting, Metrics::new);
        let page = include_str!("../../../dashboards/METRICS.md");
        let names = counting.names();
        assert!(page.contains(&format!(": {} per process", names.len())), "{}", names.len());
        for series in names {
            let (name, label) = series.split_once('{').unwrap_or((&series, "}"));
            let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` ")));
            let row = row.unwrap_or_else(|| panic!("{name} has no row in METRICS.md"));
            let label = label.trim_end_matches('}');
            assert!(row.contains(&format!("`{label}`")) || label.is_empty(), "{series}: {row}");
        }
    }
}
