//! The score of a source: a weighted sum of figures from 0 to 1000.

use samara_policy::{Me, PeerColumns, pick::at, relation};

/// Weights of the four figures, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    load: u64,
    zone: u64,
    place: u64,
    kind: u64,
}

/// A source that takes this many times the mean time of a chunk is bad.
const BAD_AFTER: u64 = 20;

impl Weights {
    /// Dragonfly's: 0.6 load, 0.2 IDC, 0.1 location, 0.1 host type.
    pub const DEFAULTS: [u64; 4] = [600, 200, 100, 100];

    /// The weights that the view gives as the first four parameters.
    pub fn of(me: &Me) -> Weights {
        let weight = |place: usize| me.parameter(place, Weights::DEFAULTS[place]).min(1000);
        Weights { load: weight(0), zone: weight(1), place: weight(2), kind: weight(3) }
    }

    /// The score of a source that nothing could be better than.
    pub fn best(&self) -> u64 {
        1000 * (self.load + self.zone + self.place + self.kind)
    }

    /// The higher the better, at most [`Weights::best`].
    pub fn score(&self, me: &Me, peers: &PeerColumns, row: u32) -> u64 {
        self.load * idle(me, peers, row)
            + self.zone * same_zone(peers, row)
            + self.place * nearness(peers, row)
            + self.kind * kind(me, peers, row)
    }
}

/// How idle a source seems: half from the transfers into it, three tenths from the time that a chunk from it
/// takes, two tenths from what it is sending here. Dragonfly's parts, with what a node can see of a peer.
pub fn idle(me: &Me, peers: &PeerColumns, row: u32) -> u64 {
    let usual = me.download_times.p50_us;
    let takes = at(&peers.receive_time_us, row);
    // 1000 for the usual time or less, half of it for twice the time; nothing is known of a new one.
    let speed =
        if takes <= usual { 1000 } else { (u128::from(usual) * 1000 / u128::from(takes)) as u64 };
    let speed = if usual == 0 { 1000 } else { speed };
    let share = |busy: u32| 1000 / (1 + u64::from(busy));
    (5 * share(at(&peers.inbound, row)) + 3 * speed + 2 * share(at(&peers.incoming, row))) / 10
}

/// 1000 in the same zone.
fn same_zone(peers: &PeerColumns, row: u32) -> u64 {
    match at(&peers.relation, row) {
        relation::HOST | relation::RACK | relation::ZONE => 1000,
        _ => 0,
    }
}

/// How many of the parts of the place agree: zone, rack, host.
fn nearness(peers: &PeerColumns, row: u32) -> u64 {
    match at(&peers.relation, row) {
        relation::HOST => 1000,
        relation::RACK => 666,
        relation::ZONE => 333,
        _ => 0,
    }
}

/// The origin for who has nothing yet, a peer for everybody else: as Dragonfly's seed peers.
fn kind(me: &Me, peers: &PeerColumns, row: u32) -> u64 {
    match (at(&peers.origin, row), me.held) {
        (true, 0) => 1000,
        (true, _) => 0,
        (false, _) => 500,
    }
}

/// Whether nothing is asked of it: it sent a chunk that was not good, or is slow beyond use.
pub fn is_bad(me: &Me, peers: &PeerColumns, row: u32) -> bool {
    let slow = me.download_mean_us.saturating_mul(BAD_AFTER);
    at(&peers.rejected, row) > 0 || (slow > 0 && at(&peers.receive_time_us, row) > slow)
}
