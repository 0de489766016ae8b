//! What to send next, to whom.

use samara_policy::{
    OffersAnswer, OffersView, Random,
    pick::{self, Receivers, at},
};

use crate::racks::{Chunk, FarRacks};
use crate::reason;

/// One slot in so many may serve other racks, and at least one: offers that gateways decline must not take the time
/// in which mates are served.
const FAR_PART: u32 = 4;

/// To other racks first, as whole racks wait for what they get, but only through few gateways and few slots; with
/// the rest to the own rack.
pub fn choose(view: &OffersView, cross: u64, candidates: usize) -> OffersAnswer {
    let racks = FarRacks::new(view);
    if view.me.first_pass {
        return first_pass(view, &racks, candidates);
    }
    let mut random = Random::new(view.me.random_seed);
    let far_slots = u64::from((view.me.slots / FAR_PART).max(1));
    let mut receivers = Receivers::new(view, |row| u64::from(!racks.is_far(row)))
        .at_most(far_slots.saturating_sub(racks.outstanding()) as u32, |row| racks.is_far(row));
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
    pick::offers(view, candidates, |row| racks.sent(row))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;
    use std::vec;
    use std::vec::Vec;

    use samara_policy::{SitesBuilder, pick::reason::FIRST_PASS};
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

    /// Pairs of peer and chunk that are offered for some random seed.
    fn pairs(view: &mut OffersView, cross: u64, seeds: u64) -> BTreeSet<(u32, u32)> {
        let mut pairs = BTreeSet::new();
        for seed in 0..seeds {
            view.me.random_seed = seed;
            for offer in choose(view, cross, 8).offers {
                pairs.extend(offer.chunks.iter().map(|chunk| (offer.peer, *chunk)));
            }
        }
        pairs
    }

    #[test]
    fn a_gateway_comes_before_an_idler_rack_mate_and_others_outside_get_nothing() {
        let mut view = view(&[0], &[&[], &[], &[], &[]], &[2, 1, 1, 1]);
        view.peers.inbound = vec![9, 5, 4, 5];
        assert_eq!(offered(&view), [(2, vec![0])], "one of many, and no gateway");
        let all_cross = choose(&view, 1000, 8).offers;
        assert_eq!(all_cross[0].peer, 0, "one of many, and a gateway");
        // Of a rack like the own one, half is seen: the only one is a gateway.
        view.peers.rack = vec![2, 1, 3, 0];
        assert!([0, 2].contains(&offered(&view)[0].0));
    }

    #[test]
    fn of_four_slots_one_serves_other_racks_and_none_when_something_is_on_its_way_there() {
        let mut view = view(&[0; 64], &[&[], &[], &[], &[]], &[2, 3, 1, 1]);
        (view.me.slots, view.me.free_slots) = (4, 4);
        let far =
            |view: &OffersView| choose(view, 1000, 8).offers.iter().filter(|o| o.peer < 2).count();
        assert_eq!(far(&view), 1);
        view.me.slots = 8;
        assert_eq!(far(&view), 2);
        view.peers.outstanding[0] = 1;
        view.me.per_peer = 2;
        assert_eq!(far(&view), 1);
        // The one to whom it is on its way may be no row of the view.
        view.peers.outstanding[0] = 0;
        let mut sites = SitesBuilder::new(0, 1, 1);
        for rack in [2, 3, 1, 1] {
            let site = sites.member(0, rack, 0);
            sites.row(site);
        }
        sites.member(0, 2, 2);
        view.more = sites.sites().into_columns();
        assert_eq!(far(&view), 0);
    }

    #[test]
    fn what_the_whole_own_rack_has_crosses_in_any_case() {
        let crossing = |holders: u32| {
            let mut racks = vec![1; 40];
            racks.push(2);
            let mut view = view(&[holders; 64], &[&[][..]; 41], &racks);
            // The mates have no slot.
            view.peers.outstanding = vec![1; 40];
            view.peers.outstanding.push(0);
            pairs(&mut view, 200, 300).len()
        };
        let (fresh, old) = (crossing(39), crossing(40));
        assert!((1..=26).contains(&fresh) && old == 64, "{fresh}, {old} of 64");
    }

    #[test]
    fn a_chunk_crosses_only_into_a_rack_where_nobody_has_it() {
        let view = view(&[1, 0], &[&[], &[0]], &[2, 2]);
        let mut view = OffersView { me: samara_policy::Me { free_slots: 2, ..view.me }, ..view };
        let crossing = |view: &mut OffersView| -> BTreeSet<u32> {
            pairs(view, 1000, 20).into_iter().map(|(_, chunk)| chunk).collect()
        };
        assert_eq!(crossing(&mut view), BTreeSet::from([1]));
        // Somebody there who has the other one is no row of the view, as it is busy.
        let mut sites = SitesBuilder::new(0, 1, 1);
        for _ in 0..2 {
            let site = sites.member(0, 2, 0);
            sites.row(site);
        }
        let site = sites.member(0, 2, 0);
        sites.held(site)[0] = 0b11;
        view.more = sites.sites().into_columns();
        assert_eq!(crossing(&mut view), BTreeSet::new());
        // Without labels racks do not count.
        view.more = vec![];
        view.peers.rack = vec![0, 0];
        assert_eq!(crossing(&mut view), BTreeSet::from([0, 1]));
    }

    #[test]
    fn one_member_of_a_rack_is_the_gateway_of_a_chunk_whatever_the_seed() {
        let mut view = view(&[0; 64], &[&[], &[], &[], &[]], &[2, 2, 3, 3]);
        (view.me.slots, view.me.free_slots) = (16, 4);
        let mut gateways: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); 64];
        for (peer, chunk) in pairs(&mut view, 0, 100) {
            gateways[chunk as usize].insert(peer);
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
        let mut racks = vec![2; 20];
        racks.push(1);
        let mut view = view(&[0; 64], &[&[][..]; 21], &racks);
        view.peers.lacks[20] = 0;
        (view.me.slots, view.me.free_slots) = (80, 20);
        assert_eq!(pairs(&mut view, 0, 200).len(), 64);
        let quarter = pairs(&mut view, 250, 200).len();
        assert!((64 * 4..64 * 7).contains(&quarter), "{quarter} of {}", 64 * 20);
        assert!(pairs(&mut view, 1000, 200).len() > 64 * 18);
    }

    #[test]
    fn the_origin_spreads_its_first_copies_over_the_racks() {
        let mut view = view(&[0; 64], &[&[], &[], &[], &[]], &[1, 2, 2, 2]);
        view.me.first_pass = true;
        view.peers.sent = vec![10, 4, 2, 5];
        let first = |view: &OffersView| choose(view, 250, 8).offers[0].clone();
        assert_eq!((first(&view).peer, first(&view).reason), (0, FIRST_PASS));
        view.peers.sent[0] = 12;
        assert_eq!(first(&view).peer, 2);
    }
}
