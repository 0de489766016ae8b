//! The rules catch what breaks them, and the SDK's defaults keep them under any cost.

use std::cell::Cell;

use proptest::prelude::*;
use samara_policy::{
    Description, Me, Offer, OffersAnswer, OffersView, PeerColumns, Policy, Request, RequestsAnswer,
    RequestsView, pick,
};
use samara_policy_testing::rules;

/// Scores peers by anything.
struct Scored;

impl Policy for Scored {
    fn describe(&self) -> Description {
        Description::new("scored", "1")
    }

    fn cost(&self, me: &Me, peers: &PeerColumns, row: u32) -> u64 {
        match (me.random_seed ^ pick::at(&peers.id, row)) % 4 {
            0 => pick::NEVER,
            other => other,
        }
    }
}

proptest! {
    #[test]
    fn the_default_hooks_keep_the_rules_under_any_cost(seed: u64) {
        rules::check(&Scored, seed);
    }
}

fn check_many(policy: &dyn Policy) {
    (0..100).for_each(|seed| rules::check(policy, seed));
}

/// Offers position 0 to everybody, whether it is lacked or not.
struct Blind;

impl Policy for Blind {
    fn describe(&self) -> Description {
        Description::new("blind", "1")
    }

    fn offers(&self, view: &OffersView) -> OffersAnswer {
        let offer = |peer| Offer { peer, push: false, chunks: vec![0], reason: 0 };
        let offers = (0..view.peers.len()).map(offer).take(view.me.free_slots as usize);
        OffersAnswer { offers: offers.collect() }
    }
}

#[test]
#[should_panic = "the peer has it"]
fn an_offer_of_what_the_peer_has_is_caught() {
    check_many(&Blind);
}

/// Asks everybody for position 0.
struct Greedy;

impl Policy for Greedy {
    fn describe(&self) -> Description {
        Description::new("greedy", "1")
    }

    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        let has = |row: &u32| view.available.get(*row, 0) && !view.chunks.index.is_empty();
        let request = |peer| Request { peer, chunk: Some(0), reason: 0 };
        let rows = (0..view.peers.len()).filter(has).take(view.me.free_slots as usize);
        RequestsAnswer { requests: rows.map(request).collect() }
    }
}

#[test]
#[should_panic = "asked for twice"]
fn a_chunk_that_is_asked_of_two_peers_is_caught() {
    check_many(&Greedy);
}

/// Counts its calls.
struct Remembering(Cell<u64>);

impl Policy for Remembering {
    fn describe(&self) -> Description {
        Description::new("remembering", "1")
    }

    fn cost(&self, _me: &Me, _peers: &PeerColumns, _row: u32) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get() / 7 % 3
    }
}

#[test]
#[should_panic = "the same view, another answer"]
fn kept_state_is_caught() {
    check_many(&Remembering(Cell::new(0)));
}
