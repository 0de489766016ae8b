//! Whom to connect to.

use samara_policy::{
    NeighboursAnswer, NeighboursView, Random,
    pick::{self, at},
};

use crate::racks::is_near;
use crate::reason;

/// All rack mates, then others at random until there are `far_links` of them. Drops nobody: a link that is
/// not used costs little, and its other end may need it.
pub fn choose(view: &NeighboursView, far_links: u32) -> NeighboursAnswer {
    let peers = &view.peers;
    let near = |row: &u32| is_near(&view.me, &peers.zone, &peers.rack, *row);
    let connected = |row: &u32| at(&peers.connected, *row);
    let (near_now, far_now) =
        (0..peers.len()).filter(connected).fold((0u32, 0u32), |(here, there), row| {
            if near(&row) { (here + 1, there) } else { (here, there + 1) }
        });
    let room = view.target.saturating_sub(near_now + far_now) as usize;
    let rows = pick::unconnected(view, &mut Random::new(view.me.random_seed));
    let (mut mates, mut others): (alloc::vec::Vec<u32>, alloc::vec::Vec<u32>) =
        rows.into_iter().partition(near);
    // Mates must not take the places of all far links: a rack by itself gets nothing.
    others.truncate((far_links.saturating_sub(far_now) as usize).min(room));
    mates.truncate(room - others.len());
    let mut connect = pick::connect(mates, reason::RACK_MATE);
    connect.extend(pick::connect(others, reason::FAR_LINK));
    NeighboursAnswer { connect, drop: alloc::vec![] }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

    use samara_policy_testing::small;

    use super::*;

    fn view(racks: &[u64], target: u32) -> NeighboursView {
        let mut view = small::neighbours(&vec![false; racks.len()], target);
        view.me.rack = 1;
        view.peers.rack = racks.to_vec();
        view
    }

    fn racks(view: &NeighboursView, far_links: u32) -> Vec<u64> {
        let answer = choose(view, far_links);
        answer.connect.iter().map(|one| view.peers.rack[one.peer as usize]).collect()
    }

    #[test]
    fn all_mates_and_a_few_others() {
        assert_eq!(racks(&view(&[2, 1, 2, 1, 2, 1], 64), 2), [1, 1, 1, 2, 2]);
    }

    #[test]
    fn far_links_that_are_there_count() {
        let mut view = view(&[2, 1, 2, 2], 64);
        view.peers.connected[0] = true;
        assert_eq!(racks(&view, 2), [1, 2]);
    }

    #[test]
    fn a_large_rack_leaves_room_for_far_links() {
        assert_eq!(racks(&view(&[1, 1, 1, 1, 1, 2, 2, 2], 4), 2), [1, 1, 2, 2]);
    }

    #[test]
    fn who_has_no_rack_is_near() {
        assert_eq!(racks(&view(&[0, 0, 2, 0], 64), 1), [0, 0, 0, 2]);
    }
}
