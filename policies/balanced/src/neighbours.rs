//! Whom to connect to: everybody while there is room, otherwise a random choice.

use alloc::vec::Vec;
use samara_policy::{Connection, NeighboursAnswer, NeighboursView, Random};

use crate::reason;

/// Fills up to the target at random, reliable peers first; drops nobody.
pub fn choose(view: &NeighboursView) -> NeighboursAnswer {
    let connected = view.peers.connected.iter().filter(|connected| **connected).count();
    let room = (view.target as usize).saturating_sub(connected);
    let mut rows: Vec<u32> = (0..view.peers.id.len() as u32)
        .filter(|row| !view.peers.connected[*row as usize])
        .collect();
    Random::new(view.me.random_seed).shuffle(&mut rows);
    rows.sort_by_key(|row| view.peers.failures[*row as usize]);
    rows.truncate(room);
    let connect = rows.into_iter().map(|peer| Connection { peer, reason: reason::ROOM });
    NeighboursAnswer { connect: connect.collect(), drop: Vec::new() }
}
