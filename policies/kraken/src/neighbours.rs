//! The handout and the limit of connections.

use alloc::vec::Vec;
use core::cmp::Reverse;

use samara_policy::{
    NeighboursAnswer, NeighboursView, Random,
    pick::{self, at},
};

use crate::reason;

/// Complete candidates first, then the others, each in a random order, up to `most` connections; of more than
/// that the newest are closed.
pub fn choose(view: &NeighboursView, most: u32) -> NeighboursAnswer {
    let mut random = Random::new(view.me.random_seed);
    let connected = |row: &u32| at(&view.peers.connected, *row);
    let mut have: Vec<u32> = (0..view.peers.len()).filter(connected).collect();
    have.sort_by_key(|row| Reverse(at(&view.peers.connected_ms, *row)));
    let surplus = have.split_off(have.len().min(most as usize));
    let mut rows = pick::unconnected(view, &mut random);
    rows.sort_by_key(|row| at(&view.peers.permille, *row) < 1000);
    rows.truncate((most.min(view.target) as usize).saturating_sub(have.len()));
    NeighboursAnswer {
        connect: pick::connect(rows, reason::HANDOUT),
        drop: pick::connect(surplus, reason::TOO_MANY),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;

    use samara_policy_testing::small;

    use super::*;

    fn rows(connections: &[samara_policy::Connection]) -> Vec<u32> {
        connections.iter().map(|one| one.peer).collect()
    }

    #[test]
    fn complete_candidates_come_first_and_then_any() {
        let mut view = small::neighbours(&[true, false, false, false, false], 64);
        view.peers.permille = vec![1000, 900, 1000, 0, 1000];
        let mut first = rows(&choose(&view, 3).connect);
        first.sort_unstable();
        assert_eq!(first, [2, 4]);
        assert_eq!(choose(&view, 10).connect.len(), 4);
    }

    #[test]
    fn the_newest_connections_above_the_limit_are_closed() {
        let mut view = small::neighbours(&[true; 4], 64);
        view.peers.connected_ms = vec![500, 20, 900, 700];
        let answer = choose(&view, 2);
        assert_eq!(rows(&answer.drop), [0, 1]);
        assert!(answer.connect.is_empty());
    }
}
