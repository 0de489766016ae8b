//! The node's own figures. What they are is in [`declared`]; here is how they are counted.
//!
//! Handles are kept, so that counting is one atomic addition. What can be looked at when somebody asks is not
//! counted at all ([`look`]).

mod declared;
mod labels;
mod look;
mod page;
mod process;
mod recorder;
mod text;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use samara_engine::seeder::SeederConfig;
use samara_engine::swarm::{Hook, SwarmEvent};
use samara_model::Time;

pub use declared::{Kind, Label, METRICS, Metric, Taken};
pub use labels::{ACTORS, DatagramDrop, Direction, DiskOp, Loss, Outcome, Role, Scope, Source};
pub use look::page;
pub use page::markdown;
pub use recorder::Counter;

use crate::api::ActorName;
use crate::catalogue::Eviction;
use crate::clock::unix_seconds;
use recorder::{Recorder, Series};

/// Handles of everything that the node counts.
pub struct Metrics {
    recorder: Recorder,
    /// What gossip last said of itself.
    pub pulse: Pulse,
    /// What the running seeder leases.
    pub slots: Slots,
    own_restarts: [AtomicU64; ACTORS.len()],
    policies_changed_at: AtomicU64,
    chunks: Series,
    received: Series,
    wasted: Series,
    sent: Series,
    chunk_time: Series,
    verify_time: Series,
    transfers: Series,
    transfer_time: Series,
    overhead: Series,
    first_chunk: Series,
    reservations_expired: Series,
    peers_banned: Series,
    gossip_messages: Series,
    gossip_bytes: Series,
    datagrams_dropped: Series,
    questions: Series,
    call_time: Series,
    fuel: Series,
    fallbacks: Series,
    failures: Series,
    shadow: Series,
    decisions_dropped: Series,
    changes: Series,
    message_time: Series,
    restarts: Series,
    dropped: Series,
    disk_time: Series,
    disk_bytes: Series,
    evictions: Series,
}

/// What the actors' thread says of itself every second.
#[derive(Debug, Default)]
pub struct Pulse {
    /// When it last did.
    pub beat: Moment,
    /// When gossip last heard anything.
    pub heard: Moment,
    /// Members that answer.
    pub alive: AtomicU64,
    /// Members that may be gone.
    pub suspect: AtomicU64,
    /// Members that are gone.
    pub down: AtomicU64,
    /// News that wait to be passed on.
    pub backlog: AtomicU64,
}

/// A time of the node's clock that several threads see.
#[derive(Debug, Default)]
pub struct Moment(AtomicU64);

impl Moment {
    /// The time.
    pub fn get(&self) -> Time {
        Time(self.0.load(Ordering::Relaxed))
    }

    /// It is now this time.
    pub fn set(&self, now: Time) {
        self.0.store(now.0, Ordering::Relaxed);
    }
}

/// Slots of a seeder; 0 until there is one.
#[derive(Debug, Default)]
pub struct Slots {
    download: AtomicU64,
    upload: AtomicU64,
}

impl Slots {
    /// A seeder runs with these.
    pub fn set(&self, config: &SeederConfig) {
        self.download.store(config.download_slots.into(), Ordering::Relaxed);
        self.upload.store(config.upload_slots.into(), Ordering::Relaxed);
    }

    /// For receiving and for sending.
    pub fn get(&self) -> [u64; 2] {
        [&self.download, &self.upload].map(|slots| slots.load(Ordering::Relaxed))
    }
}

impl Metrics {
    /// Makes every series, so that each is there from the start; without `count`, none.
    pub fn new(count: bool) -> Self {
        let recorder = Recorder::new(count);
        let series = |name| recorder.series(name);
        Metrics {
            pulse: Pulse::default(),
            slots: Slots::default(),
            own_restarts: Default::default(),
            policies_changed_at: AtomicU64::new(unix_seconds()),
            chunks: series("samara_chunks_received_total"),
            received: series("samara_received_bytes_total"),
            wasted: series("samara_wasted_bytes_total"),
            sent: series("samara_sent_bytes_total"),
            chunk_time: series("samara_chunk_transfer_duration_seconds"),
            verify_time: series("samara_chunk_verify_duration_seconds"),
            transfers: series("samara_transfer_completed_total"),
            transfer_time: series("samara_transfer_duration_seconds"),
            overhead: series("samara_transfer_overhead_ratio"),
            first_chunk: series("samara_time_to_first_chunk_seconds"),
            reservations_expired: series("samara_reservations_expired_total"),
            peers_banned: series("samara_peers_banned_total"),
            gossip_messages: series("samara_gossip_messages_total"),
            gossip_bytes: series("samara_gossip_bytes_total"),
            datagrams_dropped: series("samara_datagrams_dropped_total"),
            questions: series("samara_policy_questions_total"),
            call_time: series("samara_policy_call_duration_seconds"),
            fuel: series("samara_policy_fuel_total"),
            fallbacks: series("samara_policy_fallbacks_total"),
            failures: series("samara_policy_failures_total"),
            shadow: series("samara_policy_shadow_total"),
            decisions_dropped: series("samara_policy_decisions_dropped_total"),
            changes: series("samara_policy_changes_total"),
            message_time: series("samara_actor_message_duration_seconds"),
            restarts: series("samara_actor_restarts_total"),
            dropped: series("samara_actor_dropped_messages_total"),
            disk_time: series("samara_store_io_duration_seconds"),
            disk_bytes: series("samara_store_io_bytes_total"),
            evictions: series("samara_store_evictions_total"),
            recorder,
        }
    }

    /// Keeps what was observed from piling up while nobody asks for the page.
    pub fn upkeep(&self) {
        self.recorder.upkeep();
    }

    /// An actor panicked and comes back.
    pub fn actor_restarted(&self, actor: ActorName) {
        self.own_restarts[actor as usize].fetch_add(1, Ordering::Relaxed);
        self.restarts.add(actor as usize, 1);
    }

    /// How often an actor of this node was restarted.
    pub fn restarts_of(&self, actor: ActorName) -> u64 {
        self.own_restarts[actor as usize].load(Ordering::Relaxed)
    }

    /// Counts what this actor does not take.
    pub fn dropped_by(&self, actor: ActorName) -> Counter {
        self.dropped.at(actor as usize)
    }

    /// An actor has taken this long for a message.
    pub fn message_handled(&self, took: Duration) {
        self.message_time.observe(0, took.as_secs_f64());
    }

    /// A chunk is verified and stored.
    pub fn chunk_stored(&self, source: Source, bytes: u32, took: Duration) {
        self.chunks.add(0, 1);
        self.received.add(source.number(), u64::from(bytes));
        self.chunk_time.observe(source.scope as usize, took.as_secs_f64());
    }

    /// The processor worked on the digest of a chunk for so long.
    pub fn chunk_hashed(&self, took: Duration) {
        self.verify_time.observe(0, took.as_secs_f64());
    }

    /// Bytes of a chunk came for nothing.
    pub fn chunk_lost(&self, source: Source, why: Loss, bytes: u32) {
        self.chunks.add(1 + why as usize, 1);
        self.received.add(source.number(), u64::from(bytes));
        self.wasted.add(why as usize, u64::from(bytes));
    }

    /// A chunk was sent and acknowledged.
    pub fn chunk_sent(&self, scope: Scope, bytes: u32) {
        self.sent.add(scope as usize, u64::from(bytes));
    }

    /// The first chunk of a fetch is here.
    pub fn first_chunk(&self, after: Duration) {
        self.first_chunk.observe(0, after.as_secs_f64());
    }

    /// A fetch ended.
    pub fn transfer_ended(&self, outcome: Outcome) {
        self.transfers.add(outcome as usize, 1);
    }

    /// A fetch brought a content to its place; `overhead` is its time over the theoretical limit.
    pub fn transfer_took(&self, took: Duration, overhead: Option<f64>) {
        self.transfer_time.observe(0, took.as_secs_f64());
        if let Some(ratio) = overhead {
            self.overhead.observe(0, ratio);
        }
    }

    /// The disk was used.
    pub fn disk_used(&self, op: DiskOp, bytes: u64, took: Duration) {
        self.disk_bytes.add(op as usize, bytes);
        self.disk_time.observe(op as usize, took.as_secs_f64());
    }

    /// A content was removed to make room.
    pub fn evicted(&self, why: Eviction) {
        self.evictions.add(why as usize, 1);
    }

    /// A datagram of gossip came or went.
    pub fn gossip_datagram(&self, direction: Direction, bytes: usize) {
        self.gossip_messages.add(direction as usize, 1);
        self.gossip_bytes.add(direction as usize, bytes as u64);
    }

    /// An exchange of everything known came or went.
    pub fn gossip_exchange(&self, direction: Direction) {
        self.gossip_messages.add(2 + direction as usize, 1);
    }

    /// A datagram on the node's port was not taken.
    pub fn datagram_dropped(&self, why: DatagramDrop) {
        self.datagrams_dropped.add(why as usize, 1);
    }

    /// A question for the active policy.
    pub fn policy_asked(&self, hook: Hook) {
        self.questions.count(hook.name());
    }

    /// A policy was called.
    pub fn policy_called(&self, role: Role, took: Duration, fuel: u64) {
        self.call_time.observe(role as usize, took.as_secs_f64());
        self.fuel.add(role as usize, fuel);
    }

    /// A question that the built-in policy answers for another.
    pub fn policy_fell_back(&self, reason: &'static str) {
        self.fallbacks.count(reason);
    }

    /// A call of a module failed; the label is that of [`samara_policy_host::Fault`], or `late`.
    pub fn policy_fault(&self, label: &'static str) {
        self.failures.count(labels::failure_of(label).unwrap_or(label));
    }

    /// A question to the shadow came to this.
    pub fn policy_shadow(&self, outcome: &'static str) {
        self.shadow.count(outcome);
    }

    /// Another policy is active or in shadow, or is trusted or not.
    pub fn policy_changed(&self, change: &'static str) {
        self.changes.count(change);
        self.policies_changed_at.store(unix_seconds(), Ordering::Relaxed);
    }

    /// What a swarm reports.
    pub fn swarm_event(&self, event: &SwarmEvent) {
        match event {
            SwarmEvent::DecisionDropped { why, .. } => self.decisions_dropped.count(why.label()),
            SwarmEvent::FellBack { why, .. } => self.fallbacks.count(why),
            SwarmEvent::ReservationExpired { .. } => self.reservations_expired.add(0, 1),
            SwarmEvent::PeerBanned { .. } => self.peers_banned.add(0, 1),
            _ => {}
        }
    }

    /// The value of a series, for tests: `name` or `name{label="value"}` as it stands on the page.
    #[cfg(test)]
    pub fn of(&self, series: &str) -> Option<u64> {
        let mut text = text::Text::new();
        self.recorder.write(&mut text);
        let page = text.into_page();
        let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        line.parse().ok()
    }
}

#[cfg(test)]
mod tests;
