//! The figures of a swarm, with where they come from.

use core::time::Duration;

/// How a swarm behaves. The defaults were measured on shaped networks of 15 to 63 peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwarmConfig {
    /// Uploads that run at a time, until `SlotsLeased` says otherwise. 8 is equal, 2 slightly worse, 1 bad.
    pub upload_slots: u32,
    /// Downloads that run at a time, until `SlotsLeased` says otherwise. A few more than uploads: with as
    /// many, a third of all offers meets a full receiver.
    pub download_slots: u32,
    /// Uploads of an origin in its first pass: more make each first copy take longer and fill the
    /// receivers' slots meanwhile.
    pub first_pass_slots: u32,
    /// Chunks that a receiver takes of one offer. Two halve the messages; more make matches stale.
    pub chunks_per_offer: u32,
    /// Slow transfers do not count, but no more than this many times the slots run in all.
    pub slow_factor: u32,
    /// Live connections that a fetching peer looks for.
    pub target_neighbours: u32,
    /// Shortest and longest time between two batches of news about chunks.
    pub have_interval: (Duration, Duration),
    /// Per neighbour, this much longer: each batch costs both ends a message per neighbour.
    pub have_interval_per_neighbour: Duration,
    /// An answer of the policy after this time is late.
    pub policy_deadline: Duration,
    /// When nothing moved for this long, and for eight mean pauses between two chunks, although somebody has
    /// what is missing, and the policy decided nothing, the built-in one is asked. Much longer than any
    /// question takes; a policy that paces itself must not pause for longer.
    pub policy_patience: Duration,
    /// For how long it then answers before the policy gets another chance; twice as long each time, up to
    /// eight times.
    pub stand_in: Duration,
    /// Cap on what leaves this node, in bytes per second, for policies to know; 0 without one.
    pub upload_cap: u64,
    /// Cap on what comes into this node, in bytes per second, for policies to know; 0 without one.
    pub download_cap: u64,
    /// Neighbours that get the manifest from this node at a time; the others wait for those to pass it on.
    pub manifest_slots: usize,
    /// How long an accepted offer or a request may stay without a first byte, at least.
    pub reservation: Duration,
}

impl Default for SwarmConfig {
    fn default() -> Self {
        SwarmConfig {
            upload_slots: 4,
            download_slots: 6,
            first_pass_slots: 3,
            chunks_per_offer: 2,
            slow_factor: 3,
            target_neighbours: 64,
            have_interval: (Duration::from_millis(4), Duration::from_millis(500)),
            have_interval_per_neighbour: Duration::from_millis(20),
            policy_deadline: Duration::from_millis(10),
            policy_patience: Duration::from_secs(1),
            stand_in: Duration::from_secs(10),
            upload_cap: 0,
            download_cap: 0,
            manifest_slots: 2,
            reservation: Duration::from_secs(2),
        }
    }
}
