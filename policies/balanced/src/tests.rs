//! What the policy decides on small views.

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;

use samara_policy::{ChunkColumns, Holdings, Me, PeerColumns};

use super::*;

fn choose(view: &OffersView, candidates: u64) -> OffersAnswer {
    let mut view = view.clone();
    view.me.parameters = vec![candidates];
    Balanced.offers(&view)
}

fn view(inbound: &[u32], holders: &[u32], unavailable: &[u64]) -> OffersView {
    let peers = inbound.len();
    OffersView {
        me: Me { free_slots: 1, per_peer: 1, random_seed: 7, ..Me::default() },
        peers: PeerColumns {
            id: (0..peers as u64).collect(),
            inbound: inbound.to_vec(),
            outstanding: vec![0; peers],
            sent: vec![0; peers],
            lacks: vec![1; peers],
            send_time_us: vec![0; peers],
            ..PeerColumns::default()
        },
        chunks: ChunkColumns {
            index: (0..holders.len() as u32).collect(),
            holders: holders.to_vec(),
            in_flight: vec![0; holders.len()],
            sent: vec![0; holders.len()],
        },
        unavailable: Holdings { words: 1, bits: unavailable.to_vec() },
        more: vec![],
    }
}

#[test]
fn the_receiver_with_the_fewest_inbound_gets_the_rarest_first() {
    let view = view(&[2, 0, 1], &[3, 1, 2, 1], &[0, 0b0010, 0]);
    let answer = choose(&view, 3);
    assert_eq!(answer.offers.len(), 1);
    assert_eq!(answer.offers[0].peer, 1);
    assert_eq!(answer.offers[0].chunks, vec![3, 2, 0]);
    assert!(!answer.offers[0].push);
}

#[test]
fn the_first_pass_pushes_only_what_nobody_has_and_each_chunk_once() {
    let mut view = view(&[0, 0, 0], &[1, 0, 0, 0], &[0, 0, 0]);
    view.me.first_pass = true;
    view.me.free_slots = 5;
    let answer = choose(&view, 8);
    let mut sent: Vec<u32> = answer.offers.iter().map(|offer| offer.chunks[0]).collect();
    sent.sort_unstable();
    assert_eq!(sent, vec![1, 2, 3]);
    assert!(answer.offers.iter().all(|offer| offer.push && offer.chunks.len() == 1));
}

#[test]
fn a_peer_that_has_everything_gets_nothing() {
    assert!(choose(&view(&[0], &[1, 1], &[u64::MAX]), 8).offers.is_empty());
}

#[test]
fn the_same_view_gives_the_same_answer() {
    let view = view(&[0, 0, 0, 0], &[1; 40], &[0; 4]);
    assert_eq!(choose(&view, 8), choose(&view, 8));
}
