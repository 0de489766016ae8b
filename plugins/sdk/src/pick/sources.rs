//! Whom to ask.

use alloc::vec::Vec;

use super::{NEVER, at};
use crate::{PeerColumns, Random};

/// Peers ranked as sources: fewest transfers under way, then least cost, then fewest failures.
#[derive(Debug, Clone)]
pub struct Sources {
    ranks: Vec<(u32, u64, u32)>,
    limit: u32,
}

impl Sources {
    /// Ranks the peers by `load` (a column; for requests `incoming`) and `cost`, which is asked once for each
    /// row. Nobody with `limit` or more is asked.
    pub fn new(
        peers: &PeerColumns,
        load: &[u32],
        limit: u32,
        cost: impl Fn(u32) -> u64,
    ) -> Sources {
        let rank = |row| (at(load, row), cost(row), at(&peers.failures, row));
        Sources { ranks: (0..peers.len()).map(rank).collect(), limit }
    }

    /// The best of those that `has` lets through, ties at random.
    pub fn best(&self, has: impl Fn(u32) -> bool, random: &mut Random) -> Option<u32> {
        let able = |row: &u32| {
            let (load, cost, _) = self.ranks[*row as usize];
            load < self.limit && cost != NEVER && has(*row)
        };
        let rows = (0..self.ranks.len() as u32).filter(able);
        rows.min_by_key(|row| (self.ranks[*row as usize], random.next_u64()))
    }

    /// The peer was asked for one more.
    pub fn asked(&mut self, row: u32) {
        if let Some((load, _, _)) = self.ranks.get_mut(row as usize) {
            *load = load.saturating_add(1);
        }
    }
}
