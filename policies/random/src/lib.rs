//! A random chunk for a random peer: what every better choice is compared with.
//!
//! It uses the same two-sided exchange as `balanced`, so that what `balanced` gains over it comes from
//! choosing, not from the protocol: no rarity, no load, no first pass that sends each chunk once.

#![no_std]

extern crate alloc;

use alloc::vec::Vec;

use samara_policy::{
    Description, MAX_CANDIDATES, Offer, OffersAnswer, OffersView, OverdueAnswer, OverdueView,
    Parameter, Policy, Request, RequestsAnswer, RequestsView,
    pick::{self, MAX_DECISIONS, at},
};

/// The policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Random;

/// Candidates per offer when the parameter is not set.
const CANDIDATES: u64 = 8;

/// Reason codes of this policy, beside those of [`pick::reason`].
pub mod reason {
    /// Nothing but chance.
    pub const CHANCE: u32 = 16;
}

samara_policy::export!(Random);

impl Policy for Random {
    fn describe(&self) -> Description {
        let most = MAX_CANDIDATES as u64;
        Description::new("random", env!("CARGO_PKG_VERSION")).parameter(Parameter::number(
            "candidates",
            "chunks in one offer",
            CANDIDATES,
            1..=most,
        ))
    }

    fn offers(&self, view: &OffersView) -> OffersAnswer {
        let candidates = view.me.parameter(0, CANDIDATES).clamp(1, MAX_CANDIDATES as u64) as usize;
        let slots = (view.me.free_slots as usize).min(MAX_DECISIONS);
        let mut random = samara_policy::Random::new(view.me.random_seed);
        let room = |row: &u32| at(&view.peers.outstanding, *row) < view.me.per_peer;
        let mut receivers: Vec<u32> = (0..view.peers.len()).filter(room).collect();
        random.shuffle(&mut receivers);
        let offers = receivers.into_iter().filter_map(|peer| {
            let mut chunks = lacking(view, peer);
            random.shuffle(&mut chunks);
            chunks.truncate(candidates);
            let offer = Offer { peer, push: false, chunks, reason: reason::CHANCE };
            (!offer.chunks.is_empty()).then_some(offer)
        });
        OffersAnswer { offers: offers.take(slots).collect() }
    }

    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        let slots = (view.me.free_slots as usize).min(MAX_DECISIONS);
        let mut random = samara_policy::Random::new(view.me.random_seed);
        let mut order: Vec<u32> = (0..view.chunks.index.len() as u32).collect();
        random.shuffle(&mut order);
        let mut load = view.peers.incoming.clone();
        load.resize(view.peers.len() as usize, 0);
        let requests = order.into_iter().filter_map(|position| {
            let able = |row: &u32| {
                load[*row as usize] < view.me.per_peer && view.available.get(*row, position)
            };
            let sources: Vec<u32> = (0..view.peers.len()).filter(able).collect();
            let peer = *sources.get(random.below(sources.len() as u32) as usize)?;
            load[peer as usize] += 1;
            Some(Request { peer, chunk: Some(position), reason: reason::CHANCE })
        });
        RequestsAnswer { requests: requests.take(slots).collect() }
    }

    fn overdue(&self, view: &OverdueView) -> OverdueAnswer {
        pick::overdue(view, pick::Patience::usual(view), &[], |_| 0)
    }
}

/// Positions that the peer may be offered.
fn lacking(view: &OffersView, peer: u32) -> Vec<u32> {
    let words = view.unavailable.row(peer).len() as u32;
    let positions = 0..(view.chunks.holders.len() as u32).min(words.saturating_mul(64));
    positions.filter(|position| !view.unavailable.get(peer, *position)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::vec;

    use samara_policy_testing::small;

    use super::*;

    extern crate std;

    #[test]
    fn every_receiver_and_every_chunk_has_its_turn() {
        let mut view = small::offers(&[0, 9, 2], &[&[0], &[], &[]]);
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            view.me.random_seed = seed;
            let offer = Random.offers(&view).offers.remove(0);
            seen.insert((offer.peer, offer.chunks[0]));
        }
        assert_eq!(seen.len(), 8, "{seen:?}");
    }

    #[test]
    fn the_first_pass_is_like_any_other_time() {
        let mut view = small::offers(&[0; 10], &[&[], &[]]);
        view.me.first_pass = true;
        view.me.free_slots = 2;
        view.me.parameters = vec![3];
        let answer = Random.offers(&view);
        assert!(answer.offers.iter().all(|offer| !offer.push && offer.chunks.len() == 3));
        assert_eq!(answer.offers.len(), 2);
    }

    #[test]
    fn a_busy_peer_is_neither_offered_anything_nor_asked() {
        let mut view = small::offers(&[0], &[&[], &[]]);
        view.peers.outstanding = vec![1, 0];
        view.me.free_slots = 2;
        assert_eq!(Random.offers(&view).offers.len(), 1);
        assert_eq!(Random.offers(&view).offers[0].peer, 1);
        let mut view = small::requests(&[2, 2], &[&[0, 1], &[0, 1]]);
        view.peers.incoming = vec![1, 0];
        view.me.free_slots = 2;
        let answer = Random.requests(&view);
        assert_eq!(answer.requests.len(), 1);
        assert_eq!(answer.requests[0].peer, 1);
    }

    #[test]
    fn any_source_that_has_a_chunk_may_be_asked() {
        let mut view = small::requests(&[2, 2], &[&[0, 1], &[0], &[1]]);
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            view.me.random_seed = seed;
            let request = Random.requests(&view).requests.remove(0);
            seen.insert((request.peer, request.chunk));
        }
        assert_eq!(seen.len(), 4, "{seen:?}");
    }
}
