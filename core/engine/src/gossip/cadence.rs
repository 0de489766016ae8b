//! How often and to how many foca talks, by the size of the cluster.

use core::{
    num::{NonZeroU8, NonZeroUsize},
    time::Duration,
};
use foca::{Config, PeriodicParams};

use super::GossipConfig;
use super::packet::MAX_PACKET;

/// The class of a cluster of `members`: settings change when it does, not with each member.
pub(super) fn size_class(members: usize) -> u32 {
    members.saturating_add(1).ilog2()
}

/// foca's settings for clusters of up to `2^(class + 1)` members.
///
/// News is passed on about `4 log10 N` times, and a suspect has at least 4 probes and about
/// `4 log10 N` seconds to object, as in HashiCorp's memberlist; `log10 N` is `0.3 log2 N`. Gossip is sent
/// only while there is news: 200 ms times 3 packets are 21 kB/s at most, 5 packets above 4,000 members.
pub(super) fn foca_config(config: &GossipConfig, class: u32) -> Config {
    let transmissions = 3 + class * 6 / 5;
    let suspicion = Duration::from_millis(1200) * (class + 1);
    Config {
        probe_period: config.probe_interval,
        probe_rtt: config.probe_timeout,
        num_indirect_probes: at_least_one(3),
        max_transmissions: NonZeroU8::new(transmissions.min(30) as u8).unwrap_or(NonZeroU8::MIN),
        suspect_to_down_after: suspicion.max(config.probe_interval * 4),
        // Ours to do: one timer for all that are down.
        remove_down_after: None,
        max_packet_size: at_least_one(MAX_PACKET),
        notify_down_members: true,
        // The full-state exchange does more.
        periodic_announce: None,
        periodic_announce_to_down_members: every(Duration::from_secs(65), 2),
        periodic_gossip: every(Duration::from_millis(200), if class >= 12 { 5 } else { 3 }),
    }
}

/// Least pause between two summaries about progress.
pub(super) fn summary_pause(config: &GossipConfig, members: usize) -> Duration {
    let members = u32::try_from(members).unwrap_or(u32::MAX);
    config.summary_interval.max(Duration::from_millis(50).saturating_mul(members))
}

fn every(frequency: Duration, members: usize) -> Option<PeriodicParams> {
    Some(PeriodicParams { frequency, num_members: at_least_one(members) })
}

fn at_least_one(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN)
}
