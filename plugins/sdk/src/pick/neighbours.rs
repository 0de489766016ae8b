//! A whole answer to [`crate::Policy::neighbours`].

use alloc::vec::Vec;

use super::{MAX_DECISIONS, NEVER, at, reason};
use crate::{CandidateColumns, Connection, NeighboursAnswer, NeighboursView, PeerColumns, Random};

/// Fills up to the target: fewest failures first, then least `cost`, ties at random. Drops nobody.
pub fn neighbours(view: &NeighboursView, cost: impl Fn(u32) -> u64) -> NeighboursAnswer {
    let connected = view.peers.connected.iter().filter(|connected| **connected).count();
    let room = (view.target as usize).saturating_sub(connected).min(MAX_DECISIONS);
    let mut rows = unconnected(view, &mut Random::new(view.me.random_seed));
    rows.retain(|row| cost(*row) != NEVER);
    rows.sort_by_cached_key(|row| (at(&view.peers.failures, *row), cost(*row)));
    rows.truncate(room);
    NeighboursAnswer { connect: connect(rows, reason::ROOM), drop: Vec::new() }
}

/// Rows without a connection: fewest failures first, ties at random. A stable sort by something else keeps
/// that order among equals.
pub fn unconnected(view: &NeighboursView, random: &mut Random) -> Vec<u32> {
    let mut rows: Vec<u32> =
        (0..view.peers.len()).filter(|row| !at(&view.peers.connected, *row)).collect();
    random.shuffle(&mut rows);
    rows.sort_by_key(|row| at(&view.peers.failures, *row));
    rows
}

/// Connections to these rows, all for one reason.
pub fn connect(rows: impl IntoIterator<Item = u32>, reason: u32) -> Vec<Connection> {
    rows.into_iter().map(|peer| Connection { peer, reason }).collect()
}

/// Candidates as peers without a past, so that one cost serves every hook.
impl From<&NeighboursView> for PeerColumns {
    fn from(view: &NeighboursView) -> PeerColumns {
        let CandidateColumns { id, zone, rack, relation, labels, .. } = view.peers.clone();
        let held =
            |permille: &u32| u64::from(view.me.chunks) * u64::from(*permille).min(1000) / 1000;
        PeerColumns {
            id,
            zone,
            rack,
            relation,
            labels,
            held: view.peers.permille.iter().map(|permille| held(permille) as u32).collect(),
            connected_ms: view.peers.connected_ms.clone(),
            failures: view.peers.failures.clone(),
            ..PeerColumns::default()
        }
    }
}
