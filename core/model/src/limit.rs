//! The theoretical limit of a distribution, and the ratio to it that every report uses.
//!
//! For N equal receivers and M chunks the limit is `B = 1 + floor(log2 N) / M` times size over rate: the
//! last chunk leaves the origin in slot M at the earliest, and its copies double in each slot (Mundinger,
//! Weber, Weiss, *Optimal scheduling of peer-to-peer file dissemination*, 2008; a schedule that reaches it
//! for every N: Bar-Noy, Kipnis, *Designing broadcasting algorithms in the postal model*, 1994; Träff,
//! *Round-optimal broadcast schedules*, 2022). For unequal links the fluid bounds of Kumar and Ross
//! (*Peer-assisted file distribution: the minimum distribution time*, 2006) take their place where they are
//! higher, and the cuts around racks.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;
use core::time::Duration;

use crate::{ByteCount, BytesPerSecond};

/// Shortest time in which `peers` equal receivers can all hold `size` bytes cut into chunks of
/// `chunk_size`, when every link carries `rate` each way: `(1 + floor(log2 N) / M) * size / rate`.
pub fn distribution_limit(
    peers: u32,
    size: ByteCount,
    chunk_size: u32,
    rate: BytesPerSecond,
) -> Duration {
    let peers = alloc::vec![LinkRates { up: rate, down: rate }; peers as usize];
    let shape = Shape {
        size,
        chunk_size,
        origin: rate,
        peers: &peers,
        racks: &[],
        per_chunk: Duration::ZERO,
        hop_delay: Duration::ZERO,
    };
    shape.limit()
}

/// What a receiver's link carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkRates {
    /// Out of it.
    pub up: BytesPerSecond,
    /// Into it; what it can hash or write, where that is less.
    pub down: BytesPerSecond,
}

/// A rack, or any group of receivers behind one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RackRates {
    /// Out of it.
    pub up: BytesPerSecond,
    /// Into it.
    pub down: BytesPerSecond,
    /// Receivers in it.
    pub members: u32,
    /// The origin stands in it.
    pub has_origin: bool,
}

/// A distribution, as far as its limit depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Bytes in all.
    pub size: ByteCount,
    /// Bytes of a chunk.
    pub chunk_size: u32,
    /// Out of the origin.
    pub origin: BytesPerSecond,
    /// The receivers.
    pub peers: &'a [LinkRates],
    /// Racks with limited links; receivers outside are in none.
    pub racks: &'a [RackRates],
    /// Time of a link that each chunk costs beyond its bytes.
    pub per_chunk: Duration,
    /// From the last byte of a chunk until it can be passed on. Zero gives the denominator of all reports.
    pub hop_delay: Duration,
}

impl Shape<'_> {
    /// A time below which not everybody can have everything: the largest of the known lower bounds.
    ///
    /// - the origin sends every byte once, and the last chunk then spreads over the usual (median) links;
    /// - the slowest receiver takes everything;
    /// - all receivers together take what all senders together give;
    /// - everything goes into each rack that is not the origin's, out of the origin's rack once, and into
    ///   all racks what all racks let out.
    pub fn limit(&self) -> Duration {
        let count = self.peers.len() as u64;
        let copies = |number: u64| ByteCount(self.size.0.saturating_mul(number));
        let origin = self.paid(self.origin, self.size) + self.tail();
        let slowest = self.peers.iter().map(|peer| peer.down).min();
        let slowest = slowest.map_or(Duration::ZERO, |down| self.paid(down, self.size));
        let all: u64 =
            self.peers.iter().fold(self.origin.0, |sum, peer| sum.saturating_add(peer.up.0));
        let together = BytesPerSecond(all).time_for(copies(count)) + self.costs();
        origin.max(slowest).max(together).max(self.rack_cuts())
    }

    fn chunks(&self) -> u64 {
        self.size.0.div_ceil(u64::from(self.chunk_size.max(1)))
    }

    /// What the chunks of one copy cost a link beyond their bytes.
    fn costs(&self) -> Duration {
        scaled(self.per_chunk, self.chunks())
    }

    /// One copy over one link.
    fn paid(&self, rate: BytesPerSecond, bytes: ByteCount) -> Duration {
        rate.time_for(bytes) + self.costs()
    }

    /// From the moment at which the last chunk has left the origin until everybody can have it.
    fn tail(&self) -> Duration {
        let chunk = ByteCount(u64::from(self.chunk_size).min(self.size.0));
        let mut ups: alloc::vec::Vec<u64> =
            self.peers.iter().map(|peer| peer.up.min(peer.down).0).collect();
        if ups.is_empty() {
            return Duration::ZERO;
        }
        let fastest = ups.len() - 1;
        let (_, usual, _) = ups.select_nth_unstable(fastest);
        let slot = BytesPerSecond((*usual).max(self.origin.0)).time_for(chunk) + self.per_chunk;
        spreading_time(self.peers.len() as u32, slot, self.hop_delay)
    }

    fn rack_cuts(&self) -> Duration {
        let mut most = Duration::ZERO;
        let (mut out, mut wanted) = (0u64, 0u64);
        for rack in self.racks.iter().filter(|rack| rack.members > 0 || rack.has_origin) {
            out = out.saturating_add(rack.up.0);
            if rack.has_origin {
                let others = self.racks.iter().any(|other| !other.has_origin && other.members > 0);
                if others {
                    most = most.max(rack.up.time_for(self.size));
                }
            } else {
                wanted += 1;
                most = most.max(rack.down.time_for(self.size));
            }
        }
        let all = ByteCount(self.size.0.saturating_mul(wanted));
        if out > 0 { most.max(BytesPerSecond(out).time_for(all)) } else { most }
    }
}

/// How long one chunk takes from one of `peers` receivers to all of them, when the origin goes on sending it,
/// a transfer takes `slot`, and who has it can send it on after `hop_delay`; the last
/// ones have it after that delay, too. Without delay this is
/// `floor(log2 N)` slots; with a delay of x slots the number of copies grows like
/// `f(t) = f(t - 1) + f(t - 1 - x)`, as in the postal model of Bar-Noy and Kipnis.
pub fn spreading_time(peers: u32, slot: Duration, hop_delay: Duration) -> Duration {
    let slot_ns = u64::try_from(slot.as_nanos()).unwrap_or(u64::MAX).max(1);
    let delay_ns = u64::try_from(hop_delay.as_nanos()).unwrap_or(u64::MAX);
    if hop_delay.is_zero() {
        return Duration::from_nanos(slot_ns) * peers.max(1).ilog2();
    }
    // Who sends next is done: the ends of running transfers, earliest first.
    let mut ends = BinaryHeap::from([Reverse(slot_ns), Reverse(delay_ns.saturating_add(slot_ns))]);
    let (mut copies, mut now) = (1u32, 0);
    while copies < peers {
        let Some(Reverse(end)) = ends.pop() else { break };
        now = end;
        copies += 1;
        let next = end.saturating_add(slot_ns);
        ends.push(Reverse(next));
        ends.push(Reverse(next.saturating_add(delay_ns)));
    }
    // The last copies can be passed on, and count, after the delay as well.
    Duration::from_nanos(now.saturating_add(delay_ns))
}

fn scaled(span: Duration, times: u64) -> Duration {
    let nanos = span.as_nanos().saturating_mul(u128::from(times));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    const R: BytesPerSecond = BytesPerSecond(5_000_000_000);
    const F: ByteCount = ByteCount(5_000_000_000);

    fn equal(peers: usize) -> Vec<LinkRates> {
        vec![LinkRates { up: R, down: R }; peers]
    }

    fn shape<'a>(peers: &'a [LinkRates], racks: &'a [RackRates]) -> Shape<'a> {
        let (per_chunk, hop_delay) = (Duration::ZERO, Duration::ZERO);
        Shape { size: F, chunk_size: 5_000_000, origin: R, peers, racks, per_chunk, hop_delay }
    }

    #[test]
    fn a_thousand_peers_need_one_per_cent_more_than_one() {
        let limit = distribution_limit(1000, F, 5_000_000, R);
        assert_eq!(limit, Duration::from_millis(1009));
        assert_eq!(distribution_limit(1, F, 5_000_000, R), Duration::from_secs(1));
        assert_eq!(shape(&equal(1000), &[]).limit(), limit);
    }

    /// Figures computed for the study that this follows, in slots beyond the last of the origin.
    #[test]
    fn a_delay_per_hop_makes_doubling_slower() {
        let slot = Duration::from_millis(10);
        let slots = |peers, delay: f64| {
            spreading_time(peers, slot, slot.mul_f64(delay)).as_secs_f64() / slot.as_secs_f64()
        };
        for (peers, delay, expected) in [
            (15, 0.0, 3.0),
            (1000, 0.0, 9.0),
            (15, 0.1, 3.4),
            (31, 0.5, 6.0),
            (63, 1.0, 9.0),
            (250, 2.5, 17.0),
            (1000, 0.1, 9.8),
            (1000, 1.0, 15.0),
            (1000, 2.5, 21.0),
            (10_000, 0.5, 16.0),
        ] {
            let got = slots(peers, delay);
            assert!(
                (got - expected).abs() < 0.051,
                "{peers} peers, {delay}: {got}, not {expected}"
            );
        }
    }

    #[test]
    fn a_slow_receiver_makes_its_own_limit() {
        let mut peers = equal(1000);
        peers[7].down = BytesPerSecond(R.0 / 4);
        assert_eq!(shape(&peers, &[]).limit(), Duration::from_secs(4));
        // Slow uplinks alone hardly move it: the others give what these do not.
        let mut peers = equal(1000);
        peers.iter_mut().take(50).for_each(|peer| peer.up = BytesPerSecond(R.0 / 4));
        let seconds = shape(&peers, &[]).limit().as_secs_f64();
        assert!((1.037..1.039).contains(&seconds), "{seconds}");
    }

    #[test]
    fn racks_matter_when_a_copy_does_not_fit_through_their_link() {
        let rack = |rate, has_origin| RackRates {
            up: BytesPerSecond(rate),
            down: BytesPerSecond(rate),
            members: 40,
            has_origin,
        };
        let wide: Vec<RackRates> = (0..25).map(|at| rack(10 * R.0, at == 0)).collect();
        assert_eq!(shape(&equal(1000), &wide).limit(), Duration::from_millis(1009));
        let thin: Vec<RackRates> = (0..2).map(|at| rack(R.0 / 2, at == 0)).collect();
        assert_eq!(shape(&equal(80), &thin).limit(), Duration::from_secs(2));
    }

    #[test]
    fn what_each_chunk_costs_is_paid_by_every_link() {
        let peers = equal(1000);
        let costly = Shape { per_chunk: Duration::from_micros(20), ..shape(&peers, &[]) };
        assert_eq!(costly.limit(), Duration::from_micros(1_020_000 + 9 * 1020));
    }
}
