//! The theoretical limit of a distribution, and the ratio to it that every report uses.

use core::time::Duration;

use crate::{ByteCount, BytesPerSecond};

/// Shortest time in which `peers` equal receivers can all hold `size` bytes cut into chunks of
/// `chunk_size`, when every link carries `rate` each way: `(1 + floor(log2 N) / M) * size / rate`.
///
/// The last chunk leaves the origin in slot M at the earliest and then doubles its copies in each slot
/// (Mundinger, Weber, Weiss, *Optimal scheduling of peer-to-peer file dissemination*, 2008).
pub fn distribution_limit(
    peers: u32,
    size: ByteCount,
    chunk_size: u32,
    rate: BytesPerSecond,
) -> Duration {
    let pure = rate.time_for(size);
    let doublings = peers.max(1).ilog2();
    let tail = rate.time_for(ByteCount(u64::from(chunk_size).min(size.0))) * doublings;
    pure + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_peers_need_one_per_cent_more_than_one() {
        let rate = BytesPerSecond(5_000_000_000);
        let size = ByteCount(5_000_000_000);
        let limit = distribution_limit(1000, size, 5_000_000, rate);
        assert_eq!(limit, Duration::from_millis(1009));
        assert_eq!(distribution_limit(1, size, 5_000_000, rate), Duration::from_secs(1));
    }
}
