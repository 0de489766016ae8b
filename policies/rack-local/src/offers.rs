//! What to send next, to whom.

use alloc::vec::Vec;

use samara_policy::{
    OffersAnswer, OffersView, Random,
    pick::{self, Receivers, at},
};

use crate::racks::{Chunk, FarRacks, sent};
use crate::reason;

/// To other racks only through their gateways, and to those of large racks first: they are few, and whole racks wait
/// for what they get. Then to the own rack.
pub fn choose(view: &OffersView, cross: u64, candidates: usize) -> OffersAnswer {
    let racks = FarRacks::new(&view.me, &view.peers, &view.unavailable);
    if view.me.first_pass {
        return first_pass(view, &racks, candidates);
    }
    let mut random = Random::new(view.me.random_seed);
    let mut receivers = Receivers::new(view, |row| racks.order(row));
    let may_have = |row, position| {
        let (index, holders) =
            (at(&view.chunks.index, position), at(&view.chunks.holders, position));
        racks.may_have(row, position, Chunk { index, holders }, cross)
    };
    let mut answer = pick::offers_with(view, candidates, &mut receivers, &mut random, may_have);
    for offer in &mut answer.offers {
        offer.reason = if racks.is_far(offer.peer) { reason::GATEWAY } else { reason::NEAR };
    }
    answer
}

/// Each chunk once, to the rack that was sent the fewest: what begins in one rack must leave it over one link.
fn first_pass(view: &OffersView, racks: &FarRacks, candidates: usize) -> OffersAnswer {
    let near: Vec<u32> = (0..view.peers.len()).filter(|row| !racks.is_far(*row)).collect();
    let near_sent = sent(&view.peers, near.iter().copied());
    let sent = |row| if racks.is_far(row) { racks.sent(row) } else { near_sent };
    pick::offers(view, candidates, sent)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;
    use std::vec;

    use samara_policy_testing::small;

    use super::*;

    /// This node is in rack 1; the peers in these.
    fn view(holders: &[u32], unavailable: &[&[u32]], racks: &[u64]) -> OffersView {
        let mut view = small::offers(holders, unavailable);
        view.me.rack = 1;
        view.peers.rack = racks.to_vec();
        view
    }

    fn offered(view: &OffersView) -> Vec<(u32, Vec<u32>)> {
        let answer = choose(view, 0, 8);
        answer.offers.into_iter().map(|offer| (offer.peer, offer.chunks)).collect()
    }

    #[test]
    fn a_gateway_comes_before_an_idler_rack_mate_and_others_outside_get_nothing() {
        let mut view = view(&[0], &[&[], &[], &[], &[]], &[2, 1, 1, 1]);
        view.peers.inbound = vec![9, 5, 4, 5];
        assert_eq!(offered(&view), [(2, vec![0])], "one of many, and no gateway");
        let all_cross = choose(&view, 1000, 8).offers;
        assert_eq!(all_cross[0].peer, 0, "one of many, and a gateway");
        // Of a rack like the own one, half is seen: the only one is a gateway, but mates come first.
        view.peers.rack = vec![2, 1, 3, 0];
        assert_eq!(offered(&view)[0].0, 1);
        view.peers.lacks = vec![1, 0, 0, 0];
        assert_eq!(offered(&view), [(0, vec![0])]);
    }

    #[test]
    fn what_the_own_rack_has_all_but_got_has_more_gateways() {
        let none: &[u32] = &[];
        let crossing = |holders: u32| {
            let mut racks = vec![1; 40];
            racks.push(2);
            let mut view = view(&[holders; 64], &[none; 41], &racks);
            // The mates have no slot.
            view.peers.outstanding = vec![1; 40];
            view.peers.outstanding.push(0);
            let mut chunks = BTreeSet::new();
            for seed in 0..300 {
                view.me.random_seed = seed;
                let offers = choose(&view, 200, 8).offers;
                assert!(offers.iter().all(|offer| offer.peer == 40));
                chunks.extend(offers.into_iter().flat_map(|offer| offer.chunks));
            }
            chunks.len()
        };
        let (fresh, old) = (crossing(29), crossing(30));
        assert!((1..=26).contains(&fresh) && (26..64).contains(&old), "{fresh}, {old} of 64");
    }

    #[test]
    fn a_chunk_crosses_only_into_a_rack_where_nobody_has_it() {
        let view = view(&[1, 0], &[&[], &[0]], &[2, 2]);
        let mut view = OffersView { me: samara_policy::Me { free_slots: 2, ..view.me }, ..view };
        let crossing: BTreeSet<u32> = offered(&view).into_iter().flat_map(|one| one.1).collect();
        assert_eq!(crossing, BTreeSet::from([1]));
        // Without labels racks do not count.
        view.peers.rack = vec![0, 0];
        let all: BTreeSet<u32> = offered(&view).into_iter().flat_map(|one| one.1).collect();
        assert_eq!(all, BTreeSet::from([0, 1]));
    }

    #[test]
    fn one_member_of_a_rack_is_the_gateway_of_a_chunk_whatever_the_seed() {
        let mut view = view(&[0; 64], &[&[], &[], &[], &[]], &[2, 2, 3, 3]);
        view.me.free_slots = 4;
        let mut gateways: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); 64];
        for seed in 0..100 {
            view.me.random_seed = seed;
            for (peer, chunks) in offered(&view) {
                for chunk in chunks {
                    gateways[chunk as usize].insert(peer);
                }
            }
        }
        let mut both: BTreeSet<u32> = BTreeSet::new();
        for gateways in &gateways {
            assert_eq!(gateways.range(0..2).count(), 1, "in rack 2: {gateways:?}");
            assert_eq!(gateways.range(2..4).count(), 1, "in rack 3: {gateways:?}");
            both.extend(gateways);
        }
        assert_eq!(both.len(), 4, "one member has all the work");
    }

    #[test]
    fn the_share_that_may_cross_is_kept() {
        let none: &[u32] = &[];
        let mut racks = vec![2; 20];
        racks.push(1);
        let mut view = view(&[0; 64], &[none; 21], &racks);
        view.peers.lacks[20] = 0;
        view.me.free_slots = 20;
        let pairs = |view: &mut OffersView, cross| {
            let mut pairs = BTreeSet::new();
            for seed in 0..200 {
                view.me.random_seed = seed;
                for offer in choose(view, cross, 8).offers {
                    pairs.extend(offer.chunks.iter().map(|chunk| (offer.peer, *chunk)));
                }
            }
            pairs.len()
        };
        assert_eq!(pairs(&mut view, 0), 64);
        let quarter = pairs(&mut view, 250);
        assert!((64 * 4..64 * 7).contains(&quarter), "{quarter} of {}", 64 * 20);
        assert!(pairs(&mut view, 1000) > 64 * 18);
    }

    #[test]
    fn the_origin_spreads_its_first_copies_over_the_racks() {
        let mut view = view(&[0; 64], &[&[], &[], &[], &[]], &[1, 2, 2, 2]);
        view.me.first_pass = true;
        view.peers.sent = vec![10, 4, 2, 5];
        let peer = |view: &OffersView| choose(view, 250, 8).offers[0].peer;
        assert_eq!(peer(&view), 0);
        view.peers.sent[0] = 12;
        assert_eq!(peer(&view), 2);
    }
}
