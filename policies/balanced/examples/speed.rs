//! How long one answer takes: `cargo run --release --example speed`. Views of 64 peers and 1,024 chunks,
//! with the spread of rarity that a swarm has at its start, midway and near its end.

use std::hint::black_box;
use std::time::Instant;

use samara_policy::{OffersView, Policy, RequestsView};
use samara_policy_balanced::Balanced;
use samara_policy_testing::views::Views;

const PEERS: u32 = 64;
const CHUNKS: u32 = 1_024;
const ROUNDS: u32 = 500;

/// The least of several runs, in nanoseconds: what else runs on the machine only adds.
fn time(mut call: impl FnMut()) -> u128 {
    let runs = (0..40).map(|_| {
        let start = Instant::now();
        (0..ROUNDS).for_each(|_| call());
        start.elapsed().as_nanos() / u128::from(ROUNDS)
    });
    runs.min().unwrap_or_default()
}

/// Holders between `low` and `high` and as many bits as fit to that.
fn offers(low: u32, high: u32) -> OffersView {
    let mut view = Views::usual(1).offers_of(PEERS, CHUNKS);
    view.me.first_pass = false;
    view.me.free_slots = 4;
    view.me.per_peer = 1;
    view.peers.lacks.fill(1);
    view.peers.outstanding.fill(0);
    (view.chunks.holders, view.unavailable.bits) = holdings(low, high);
    view
}

fn requests(low: u32, high: u32) -> RequestsView {
    let mut view = Views::usual(1).requests_of(PEERS, CHUNKS);
    view.me.free_slots = 4;
    view.me.per_peer = 1;
    view.peers.outstanding.fill(0);
    (view.chunks.holders, view.available.bits) = holdings(low, high);
    view
}

fn holdings(low: u32, high: u32) -> (Vec<u32>, Vec<u64>) {
    let mut random = samara_policy::Random::new(3);
    let holders: Vec<u32> = (0..CHUNKS).map(|_| low + random.below(high - low + 1)).collect();
    let mut bits = vec![0u64; (PEERS * CHUNKS / 64) as usize];
    for (chunk, holders) in holders.iter().enumerate() {
        for _ in 0..*holders {
            let peer = random.below(PEERS) as usize;
            bits[peer * (CHUNKS / 64) as usize + chunk / 64] |= 1 << (chunk % 64);
        }
    }
    (holders, bits)
}

fn main() {
    for (when, low, high) in
        [("start", 0, 2), ("midway", 10, 50), ("end", 55, 64), ("all alike", 20, 20)]
    {
        let (offers, requests) = (offers(low, high), requests(low.max(1), high));
        let of_offers = time(|| drop(black_box(Balanced.offers(black_box(&offers)))));
        let of_requests = time(|| drop(black_box(Balanced.requests(black_box(&requests)))));
        println!("{when:10} offers {of_offers:6} ns   requests {of_requests:6} ns");
    }
}
