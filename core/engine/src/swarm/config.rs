//! The figures of a swarm, with where they come from.

use core::time::Duration;

/// How a swarm behaves. The defaults were measured on shaped networks of 15 to 63 peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwarmConfig {
    /// Uploads that run at a time, until `SlotsLeased` says otherwise. 8 is equal, 2 slightly worse, 1 bad.
    pub upload_slots: u32,
    /// Downloads that run at a time, until `SlotsLeased` says otherwise. A few more than uploads: with as many, a
    /// third of all offers meets a full receiver. On the simulator's network as many are better: there a transfer
    /// has its share of a link at once, and one too many costs others theirs.
    pub download_slots: u32,
    /// Uploads of an origin in its first pass: more make each first copy take longer and fill the
    /// receivers' slots meanwhile. On the simulator's network all of `upload_slots` are better, begun one by one
    /// (`first_pass_ramp`): with fewer its share of the links into its receivers is too small. With both, 31 real
    /// peers at 25 Mbit/s took 1.8 % longer.
    pub first_pass_slots: u32,
    /// In its first pass an origin takes one more slot after each so many chunks; 0: it begins with all.
    pub first_pass_ramp: u32,
    /// Chunks that a receiver takes of one offer. Two halve the messages, three save a little
    /// more; more make matches stale.
    pub chunks_per_offer: u32,
    /// Slow transfers do not count, but no more than this many times the slots run in all.
    pub slow_factor: u32,
    /// Of up to so many peers, everybody is connected to everybody.
    pub full_mesh: u32,
    /// Live connections that a fetching peer looks for among more: 28 do as well as 64, and each costs
    /// memory, news, and a look at every decision.
    pub target_neighbours: u32,
    /// Shortest and longest time between two batches of news about chunks.
    pub have_interval: (Duration, Duration),
    /// Per neighbour, this much longer, or eight chunk times if that is less: each batch costs both ends a message per
    /// neighbour.
    pub have_interval_per_neighbour: Duration,
    /// The next offer goes out no earlier than this before a transfer ends.
    pub most_ahead: Duration,
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
            first_pass_ramp: 0,
            chunks_per_offer: 3,
            slow_factor: 3,
            full_mesh: 64,
            target_neighbours: 40,
            policy_patience: Duration::from_secs(1),
            stand_in: Duration::from_secs(10),
            upload_cap: 0,
            download_cap: 0,
            have_interval: (Duration::from_millis(4), Duration::from_millis(3000)),
            have_interval_per_neighbour: Duration::from_millis(80),
            most_ahead: Duration::from_millis(100),
            policy_deadline: Duration::from_millis(50),
            manifest_slots: 2,
            reservation: Duration::from_secs(2),
        }
    }
}
