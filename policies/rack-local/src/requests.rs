//! What to ask for when slots stay free although somebody has what is missing.

use alloc::vec::Vec;

use samara_policy::{
    Random, Request, RequestsAnswer, RequestsView,
    pick::{self, MAX_DECISIONS, NEVER, Sources, at},
};

use crate::racks::is_near;
use crate::reason;

/// Most requests of one answer that leave the rack: who starves gets going again, and the rest comes from
/// its mates.
const FAR_AT_A_TIME: usize = 2;

/// The rarest chunks from near sources; what nobody near has, and little of it, from the others.
pub fn choose(view: &RequestsView) -> RequestsAnswer {
    let peers = &view.peers;
    let mut random = Random::new(view.me.random_seed);
    let near: Vec<bool> =
        (0..peers.len()).map(|row| is_near(&view.me, &peers.zone, &peers.rack, row)).collect();
    let sources = |wanted: bool| {
        let cost = |row: u32| if near[row as usize] == wanted { 0 } else { NEVER };
        Sources::new(peers, &peers.incoming, view.me.per_peer, cost)
    };
    let (mut mates, mut others) = (sources(true), sources(false));
    let slots = (view.me.free_slots as usize).min(MAX_DECISIONS);
    let running =
        (0..peers.len()).filter(|row| !near[*row as usize] && at(&peers.incoming, *row) > 0);
    let mut far = FAR_AT_A_TIME.saturating_sub(running.count());
    let mut requests = Vec::new();
    for position in pick::rarest_order(&view.chunks, &mut random) {
        if requests.len() >= slots {
            break;
        }
        let has = |row| view.available.get(row, position);
        let is_here = (0..peers.len()).any(|row| near[row as usize] && has(row));
        let (from, reason) = match is_here {
            true => (&mut mates, pick::reason::IDLE_SLOT),
            false if far > 0 => (&mut others, reason::STARVING),
            false => continue,
        };
        if let Some(peer) = from.best(has, &mut random) {
            from.asked(peer);
            far -= usize::from(!is_here);
            requests.push(Request { peer, chunk: Some(position), reason });
        }
    }
    RequestsAnswer { requests }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;

    use samara_policy_testing::small;

    use super::*;

    fn view(holders: &[u32], available: &[&[u32]], racks: &[u64]) -> RequestsView {
        let mut view = small::requests(holders, available);
        view.me.rack = 1;
        view.me.free_slots = 9;
        view.peers.rack = racks.to_vec();
        view
    }

    fn asked(view: &RequestsView) -> Vec<(u32, u32)> {
        let answer = choose(view);
        answer.requests.iter().map(|one| (one.peer, one.chunk.unwrap_or(u32::MAX))).collect()
    }

    #[test]
    fn what_a_mate_has_is_not_asked_of_another_rack() {
        let mut view = view(&[2], &[&[0], &[0]], &[2, 1]);
        assert_eq!(asked(&view), [(1, 0)]);
        view.peers.incoming = vec![0, 1];
        assert_eq!(asked(&view), []);
    }

    #[test]
    fn little_is_asked_of_other_racks() {
        let none: &[u32] = &[0, 1, 2, 3];
        let mut view = view(&[4; 4], &[none; 4], &[2, 3, 2, 3]);
        assert_eq!(asked(&view).len(), 2);
        view.peers.incoming = vec![0, 1, 0, 0];
        assert_eq!(asked(&view).len(), 1);
    }
}
