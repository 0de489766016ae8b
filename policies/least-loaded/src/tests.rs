//! What the policy decides on small views.

extern crate std;

use std::vec;

use samara_policy::relation;
use samara_policy_testing::small;

use super::*;

/// How often each row is asked in 1,000 questions that differ in their seed alone.
fn shares(view: &RequestsView) -> Vec<u32> {
    let mut shares = vec![0; view.peers.len() as usize];
    let mut view = view.clone();
    for seed in 0..1_000 {
        view.me.random_seed = seed;
        for request in LeastLoaded.requests(&view).requests {
            shares[request.peer as usize] += 1;
        }
    }
    shares
}

fn all_have_one_chunk(count: usize) -> RequestsView {
    small::requests(&[count as u32], &vec![&[0][..]; count])
}

#[test]
fn idle_sources_are_asked_more_often_but_not_alone() {
    let mut view = all_have_one_chunk(2);
    view.peers.inbound = vec![0, 9];
    view.peers.receive_time_us = vec![small::CHUNK_US, 4 * small::CHUNK_US];
    let shares = shares(&view);
    assert!(shares[0] > 2 * shares[1] - shares[1] / 2, "{shares:?}");
    assert!(shares[1] > 100, "{shares:?}");
}

#[test]
fn only_the_best_few_are_asked() {
    let mut view = all_have_one_chunk(6);
    view.peers.relation = vec![
        relation::REMOTE,
        relation::RACK,
        relation::REMOTE,
        relation::HOST,
        relation::UNKNOWN,
        relation::ZONE,
    ];
    view.me.parameters = vec![600, 200, 100, 100, 3];
    let shares = shares(&view);
    assert!(shares.iter().enumerate().all(|(row, share)| (*share > 0) == [1, 3, 5].contains(&row)));
}

#[test]
fn the_weights_decide_what_counts() {
    let mut view = all_have_one_chunk(2);
    view.peers.relation = vec![relation::HOST, relation::REMOTE];
    view.peers.inbound = vec![9, 0];
    view.me.parameters = vec![0, 200, 100, 0, 1];
    assert_eq!(shares(&view), [1_000, 0]);
    view.me.parameters = vec![1000, 200, 100, 0, 1];
    assert_eq!(shares(&view), [0, 1_000]);
}

#[test]
fn the_origin_is_for_those_who_have_nothing() {
    let mut view = all_have_one_chunk(2);
    view.peers.origin = vec![true, false];
    view.me.parameters = vec![600, 200, 100, 100, 1];
    assert_eq!(shares(&view), [0, 1_000]);
    view.me.held = 0;
    assert_eq!(shares(&view), [1_000, 0]);
}

#[test]
fn a_bad_source_is_not_asked_even_if_nobody_else_has_the_chunk() {
    let mut view = all_have_one_chunk(1);
    assert_eq!(shares(&view), [1_000]);
    view.peers.receive_time_us = vec![21 * small::CHUNK_US];
    assert_eq!(shares(&view), [0]);
    view.peers.receive_time_us = vec![0];
    view.peers.rejected = vec![1];
    assert_eq!(shares(&view), [0]);
}

#[test]
fn near_candidates_become_neighbours_first() {
    let mut view = small::neighbours(&[false; 3], 1);
    view.peers.relation = vec![relation::REMOTE, relation::ZONE, relation::RACK];
    assert_eq!(LeastLoaded.neighbours(&view).connect[0].peer, 2);
}
