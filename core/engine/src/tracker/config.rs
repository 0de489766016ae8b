//! Settings of both ends.

use core::time::Duration;

/// Settings of [`crate::tracker::Tracker`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackerConfig {
    /// How often peers shall announce themselves. An entry lives two and a half times as long.
    /// Default 30 s.
    pub announce_interval: Duration,
    /// Most neighbours per content in one handout. Default 50; a frame holds lists of up to 256.
    pub handout: usize,
    /// How many of them are complete peers (the origin among them) while there are any. Default 4.
    pub complete_first: usize,
    /// Most peers; above it newcomers get handouts but are not registered. Default 100,000.
    pub max_peers: usize,
    /// Most contents of one peer that count. Default 256.
    pub max_holdings: usize,
    /// Most (peer, content) pairs. Default 1,000,000: about 100 MB.
    pub max_registrations: usize,
    /// Most releases; above it the oldest goes. Default 4,096.
    pub max_releases: usize,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        TrackerConfig {
            announce_interval: Duration::from_secs(30),
            handout: 50,
            complete_first: 4,
            max_peers: 100_000,
            max_holdings: 256,
            max_registrations: 1_000_000,
            max_releases: 4_096,
        }
    }
}

impl TrackerConfig {
    /// How long an entry lives without an announcement: one may get lost, and the next be late.
    pub(super) fn lifetime(&self) -> Duration {
        self.announce_interval * 5 / 2
    }
}

/// Settings of [`crate::tracker::Announcer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnouncerConfig {
    /// Least time between two announcements. Default 1 s.
    pub pause: Duration,
    /// When a tracker has forgotten its peers, or the connection to it broke, all of them want to announce
    /// themselves again: each does so at a random moment within this time. Default 500 ms.
    pub spread: Duration,
    /// How long a tracker may take to answer. Default 5 s.
    pub answer_timeout: Duration,
    /// Longest pause after none of the trackers answered. Starts at 1 s and doubles. Default 30 s.
    pub backoff_max: Duration,
    /// How often a tracker earlier in the list is tried again while a later one serves. Default 60 s.
    pub retry_preferred: Duration,
    /// Most holdings in an announcement. Default 256.
    pub max_holdings: usize,
    /// Most releases in an announcement. Default 1,024.
    pub max_releases: usize,
}

impl Default for AnnouncerConfig {
    fn default() -> Self {
        AnnouncerConfig {
            pause: Duration::from_secs(1),
            spread: Duration::from_millis(500),
            answer_timeout: Duration::from_secs(5),
            backoff_max: Duration::from_secs(30),
            retry_preferred: Duration::from_secs(60),
            max_holdings: 256,
            max_releases: 1_024,
        }
    }
}
