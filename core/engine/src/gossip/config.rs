//! How often, how much, and when to forget.

use core::time::Duration;

/// Settings of [`crate::gossip::Gossip`]. The defaults suit a data centre of up to 10,000 nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GossipConfig {
    /// How often everything is exchanged with a random member, give or take a quarter. Default 30 s. An
    /// exchange that brings news is followed by another after a tenth of this.
    pub exchange_interval: Duration,
    /// How often one member is probed. Default 1.5 s; a shorter time finds failures faster and takes
    /// a busy link for a dead node sooner.
    pub probe_interval: Duration,
    /// How long a probed member may take before others are asked to try. Less than half of
    /// `probe_interval`. Default 600 ms.
    pub probe_timeout: Duration,
    /// Least time between two news of this node about the progress of its fetches; larger clusters take
    /// longer (50 ms per member). New and complete contents are told at once. Default 5 s.
    pub summary_interval: Duration,
    /// How long the rows of a member that is down are kept. Default 60 s.
    pub forget_rows_after: Duration,
    /// How long a member that is down is remembered, so that stale news does not revive it. Default 1 h.
    pub forget_down_after: Duration,
    /// Longest pause between two tries to join while nobody is known. Starts at 1 s and doubles.
    /// Default 30 s.
    pub join_backoff_max: Duration,
    /// Most members, those that are down included. Default 10,000.
    pub max_members: usize,
    /// Most holdings per member. Default 256.
    pub max_holdings: usize,
    /// Most releases; above it the oldest goes, of the own ones last. Default 4,096.
    pub max_releases: usize,
}

impl Default for GossipConfig {
    fn default() -> Self {
        GossipConfig {
            exchange_interval: Duration::from_secs(30),
            probe_interval: Duration::from_millis(1500),
            probe_timeout: Duration::from_millis(600),
            summary_interval: Duration::from_secs(5),
            forget_rows_after: Duration::from_secs(60),
            forget_down_after: Duration::from_secs(3600),
            join_backoff_max: Duration::from_secs(30),
            max_members: 10_000,
            max_holdings: 256,
            max_releases: 4_096,
        }
    }
}
