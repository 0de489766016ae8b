//! The handout and the limit of connections.

use samara_policy::{
    NeighboursAnswer, NeighboursView, Random,
    pick::{self, at},
};

use crate::reason;

/// Complete candidates first, then the others, each in a random order, up to `most` connections.
///
/// Who is dialled beyond that stays connected. Kraken turns such a dial away before anything else happens;
/// here the connection is there already, and closing it made a swarm of twelve four times slower.
pub fn choose(view: &NeighboursView, most: u32) -> NeighboursAnswer {
    let mut random = Random::new(view.me.random_seed);
    let connected = (0..view.peers.len()).filter(|row| at(&view.peers.connected, *row)).count();
    let mut rows = pick::unconnected(view, &mut random);
    rows.sort_by_key(|row| at(&view.peers.permille, *row) < 1000);
    rows.truncate((most.min(view.target) as usize).saturating_sub(connected));
    NeighboursAnswer {
        connect: pick::connect(rows, reason::HANDOUT),
        ..NeighboursAnswer::default()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

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
    fn nobody_is_dialled_beyond_the_limit_and_nobody_dropped() {
        let view = small::neighbours(&[true, true, true, false], 64);
        assert_eq!(choose(&view, 2), NeighboursAnswer::default());
        assert_eq!(choose(&view, 4).connect.len(), 1);
    }
}
