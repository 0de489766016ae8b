//! Tests that every column of every view has its value.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use samara_model::{ChunkSet, PeerHint, PeerId, PeerMessage, Place, Time};
use samara_policy::{Answer, Offer, OffersAnswer, OffersView, WindowOrder, relation};

use super::bench::*;
use super::neighbour::number_of;
use super::{LinkKey, ManifestFacts, PolicyFacts, Swarm, SwarmConfig, SwarmInput};

#[test]
fn me_is_filled() {
    let config = SwarmConfig { upload_cap: 1000, download_cap: 2000, ..SwarmConfig::default() };
    let mut bench = Bench::new(config, 640, &[0, 1, 2]);
    bench.give(SwarmInput::PolicyChanged { facts: facts() });
    bench.connect(ONE, &[], false, &[]);
    for chunk in 10..20 {
        bench.receive(ONE, chunk, 20);
    }
    bench.connect(TWO, &[], false, &[]);
    let (_, OffersView { me, .. }) = bench.offers();
    assert_eq!(me.now_us, bench.now.0);
    assert_eq!(me.age_us, 200_000);
    assert_ne!(me.random_seed, 0);
    assert_eq!((me.zone, me.rack), (number("z1"), number("r1")));
    assert_eq!(me.labels, [number("gold"), number("r1")]);
    assert!(!me.origin && !me.first_pass);
    assert_eq!((me.chunks, me.held, me.chunk_bytes), (640, 13, 65536));
    // Three more than are free: they stand by.
    assert_eq!((me.free_slots, me.slots, me.per_peer), (7, 4, 2));
    assert_eq!(me.upload_times, samara_policy::Times::default());
    let times = me.download_times;
    assert_eq!((times.p30_us, times.p50_us, times.p99_us), (20_000, 20_000, 20_000));
    assert_eq!(me.download_mean_us, 20_000);
    assert_eq!((me.upload_rate, me.download_rate), (0, 10 * 65536));
    assert_eq!((me.upload_cap, me.download_cap), (1000, 2000));
    assert_eq!(me.parameters, [11, 12]);
    let first = me.random_seed;
    assert_ne!(bench.offers().1.me.random_seed, first);
}

#[test]
fn an_origin_in_its_first_pass_says_so() {
    let swarm = Swarm::new(SwarmConfig::default(), PeerId([99; 32]), CONTENT, true, 5);
    let mut bench = Bench { swarm, now: Time(0), asked: vec![], late: vec![] };
    let facts =
        ManifestFacts { bytes: Arc::from(&b"m"[..]), chunk_bytes: 1, have: ChunkSet::full(8) };
    bench.give(SwarmInput::ManifestLoaded(facts));
    bench.connect(ONE, &[], false, &[]);
    let (_, OffersView { me, .. }) = bench.offers();
    assert!(me.origin && me.first_pass);
    assert_eq!((me.zone, me.rack, me.labels.len()), (0, 0, 0));
}

#[test]
fn peers_and_chunks_are_filled() {
    let mut bench = Bench::new(SwarmConfig::default(), 64, &[0, 1, 2, 3]);
    bench.give(SwarmInput::PolicyChanged { facts: facts() });
    bench.connect(ONE, &["zone=z1", "rack=r1", "tier=silver"], true, &[0, 40, 41]);
    bench.wait(30);
    bench.connect(TWO, &["zone=z1", "rack=r2"], false, &[1, 40]);
    bench.receive(ONE, 5, 20);
    bench.receive(ONE, 6, 20);
    // One chunk goes to the second, and arrives.
    let (token, view) = bench.offers();
    let row = view.peers.id.iter().position(|id| *id == number_of(&peer(TWO))).expect("a row");
    let offer = Offer { peer: row as u32, push: true, chunks: vec![2], reason: 0 };
    let push = Answer::Offers(OffersAnswer { offers: vec![offer] });
    bench.give(SwarmInput::PolicyAnswered { token, answer: push });
    bench.wait(25);
    bench.give(SwarmInput::ChunkSent { link: TWO, chunk: 2 });
    // Another is on its way; the first one's chunk was bad; the second says how busy it is.
    let (token, _) = bench.offers();
    let offer = Offer { peer: row as u32, push: true, chunks: vec![3], reason: 0 };
    let push = Answer::Offers(OffersAnswer { offers: vec![offer] });
    bench.give(SwarmInput::PolicyAnswered { token, answer: push });
    bench.give(SwarmInput::ChunkStarted { link: ONE, chunk: 50 });
    bench.give(SwarmInput::ChunkRejected { link: ONE, chunk: 50 });
    bench.give(SwarmInput::ChunkStarted { link: ONE, chunk: 51 });
    bench.say(TWO, PeerMessage::Have { channel: 0, chunks: vec![], inbound: 3 });
    bench.wait(7);
    let (_, view) = bench.offers();
    let peers = &view.peers;
    assert_eq!(peers.id, [number_of(&peer(ONE)), number_of(&peer(TWO))]);
    assert_eq!(peers.zone, [number("z1"), number("z1")]);
    assert_eq!(peers.rack, [number("r1"), number("r2")]);
    assert_eq!(peers.relation, [relation::RACK, relation::ZONE]);
    assert_eq!(peers.labels, [number("silver"), number("r1"), 0, number("r2")]);
    assert_eq!(peers.origin, [true, false]);
    assert_eq!(peers.inbound, [0, 3]);
    assert_eq!(peers.age_ms, [102, 7]);
    assert_eq!(peers.connected_ms, [102, 72]);
    assert_eq!(peers.outstanding, [0, 1]);
    assert_eq!(peers.incoming, [1, 0]);
    assert_eq!(peers.sent, [0, 1]);
    assert_eq!(peers.received, [2, 0]);
    // ONE has 0, 40, 41, 5, 6; TWO has 1, 40, 2. Here are 0 to 3, 5 and 6.
    assert_eq!(peers.held, [5, 3]);
    assert_eq!(peers.lacks, [3, 4]);
    assert_eq!(peers.offers, [2, 1]);
    assert_eq!(peers.send_time_us, [0, 25_000]);
    assert_eq!(peers.receive_time_us, [20_000, 0]);
    assert_eq!(peers.failures, [1, 0]);
    assert_eq!(peers.rejected, [1, 0]);
    let chunks = &view.chunks;
    assert_eq!(chunks.index, (0..64).collect::<Vec<u32>>());
    assert_eq!((chunks.holders[40], chunks.holders[2], chunks.holders[3]), (2, 1, 0));
    assert_eq!((chunks.in_flight[3], chunks.in_flight[51], chunks.in_flight[2]), (1, 1, 0));
    assert_eq!((chunks.sent[2], chunks.sent[3]), (1, 0));
    assert_eq!(view.unavailable.words, 1);
    let here = 0b0110_1111u64;
    let theirs = 1 | 1 << 40 | 1 << 41 | 1 << 5 | 1 << 6;
    assert_eq!(view.unavailable.row(0), [theirs | !here]);
    assert_eq!(view.unavailable.row(1), [1 << 1 | 1 << 40 | 1 << 2 | 1 << 3 | !here]);
}

#[test]
fn of_whom_nothing_is_known_counts_as_busy_as_this_peer() {
    let mut bench = Bench::new(SwarmConfig::default(), 640, &[0, 1, 2]);
    bench.connect(ONE, &[], false, &[9, 10]);
    bench.connect(TWO, &[], false, &[]);
    bench.give(SwarmInput::ChunkStarted { link: ONE, chunk: 9 });
    assert_eq!(bench.offers().1.peers.inbound, [0, 0], "both said so when they came");
    bench.wait(1000);
    bench.say(TWO, PeerMessage::Have { channel: 0, chunks: vec![], inbound: 3 });
    assert_eq!(bench.offers().1.peers.inbound, [1, 3], "one comes in here");
}

#[test]
fn few_chunks_take_few_slots_and_begin_with_one() {
    let mut bench = Bench::new(SwarmConfig::default(), 64, &[0, 1, 2]);
    bench.connect(ONE, &[], false, &[9, 10]);
    bench.connect(TWO, &[], false, &[]);
    let me = bench.offers().1.me;
    assert_eq!((me.slots, me.free_slots), (3, 1 + 3), "nothing comes in; three stand by");
    bench.give(SwarmInput::ChunkStarted { link: ONE, chunk: 9 });
    assert_eq!(bench.offers().1.me.free_slots, 2 + 3);
}

#[test]
fn a_requests_view_shows_what_is_missing_and_who_has_it() {
    let mut bench = Bench::new(SwarmConfig::default(), 200, &[0]);
    bench.connect(ONE, &[], false, &[0, 3, 130]);
    bench.connect(TWO, &[], false, &[3, 7, 199]);
    bench.give(SwarmInput::ChunkStarted { link: TWO, chunk: 7 });
    bench.give(SwarmInput::ChunkDiscarded { link: TWO, chunk: 7 });
    let facts = PolicyFacts {
        hooks: samara_policy::Hooks { offers: false, ..samara_policy::Hooks::ALL },
        ..facts()
    };
    bench.give(SwarmInput::PolicyChanged { facts });
    let view = bench.requests();
    assert_eq!(view.chunks.index, [3, 7, 130, 199]);
    assert_eq!(view.chunks.holders, [2, 1, 1, 1]);
    assert_eq!(view.chunks.in_flight, [0; 4]);
    assert_eq!(
        (first_word(view.available.row(0)), first_word(view.available.row(1))),
        (0b101, 0b1011)
    );
    assert_eq!((view.me.free_slots, view.me.slots, view.me.per_peer), (6, 6, 3));
    assert_eq!(view.peers.offers, [2, 3]);
}

#[test]
fn the_lowest_window_shows_the_lowest_and_the_rarest_the_rarest() {
    let many = 3000;
    let mut bench = Bench::new(SwarmConfig::default(), many, &[]);
    let all: Vec<u32> = (0..many).collect();
    let most: Vec<u32> = (0..many - 100).collect();
    bench.connect(ONE, &[], false, &all);
    bench.connect(TWO, &[], false, &most);
    let hooks = samara_policy::Hooks { offers: false, ..samara_policy::Hooks::ALL };
    let window = WindowOrder::LowestIndex;
    bench.give(SwarmInput::PolicyChanged { facts: PolicyFacts { hooks, window, ..facts() } });
    assert_eq!(bench.requests().chunks.index, (0..1024).collect::<Vec<u32>>());
    bench.give(SwarmInput::PolicyChanged { facts: PolicyFacts { hooks, ..facts() } });
    bench.ask_again();
    let view = bench.requests();
    assert_eq!(view.chunks.index.len(), 1024);
    assert!(view.chunks.index.ends_with(&(many - 100..many).collect::<Vec<u32>>()));
    assert!(view.chunks.index.is_sorted());
    assert_eq!(view.available.row(0), [u64::MAX; 16]);
}

#[test]
fn an_overdue_view_shows_transfers_and_who_else_has_them() {
    let mut bench = Bench::new(SwarmConfig::default(), 64, &[]);
    bench.connect(ONE, &[], false, &[1, 2, 3]);
    bench.connect(TWO, &[], false, &[1, 2]);
    bench.receive(ONE, 3, 20);
    bench.say(ONE, PeerMessage::Offer { channel: 0, chunks: vec![2], inbound: 0 });
    bench.wait(100);
    bench.give(SwarmInput::ChunkStarted { link: ONE, chunk: 1 });
    bench.ask_again();
    bench.wait(400);
    bench.give(SwarmInput::SlotsLeased { upload: 4, download: 6 });
    let view = bench.overdue();
    let mut rows: Vec<(u32, u32, u64, bool)> = (0..view.inbound.chunk.len())
        .map(|row| {
            let inbound = &view.inbound;
            (inbound.peer[row], inbound.chunk[row], inbound.age_us[row], inbound.started[row])
        })
        .collect();
    rows.sort_unstable_by_key(|row| row.1);
    assert_eq!(rows, [(0, 1, 400_000, true), (0, 2, 500_000, false)]);
    assert_eq!(view.alternatives.words, 1);
    assert_eq!(view.alternatives.bits, [0b10, 0b10]);
    assert_eq!(view.peers.id.len(), 2);
}

#[test]
fn a_neighbours_view_knows_where_a_peer_stands_before_it_is_connected() {
    let mut bench = Bench::new(SwarmConfig::default(), 64, &[]);
    bench.give(SwarmInput::PolicyChanged { facts: facts() });
    bench.connect(ONE, &["zone=z1", "rack=r1", "tier=silver"], false, &(0..32).collect::<Vec<_>>());
    bench.wait(50);
    let three = LinkKey(3);
    let place = Place { zone: number("z1"), rack: number("r9"), host: 0 };
    let hint = PeerHint { peer: peer(three), address: address(three), permille: 250, place };
    bench.ask_again();
    bench.give(SwarmInput::HintsReceived(vec![hint]));
    bench.give(SwarmInput::ConnectFailed { peer: peer(TWO) });
    let view = bench.neighbours();
    let peers = &view.peers;
    assert_eq!(peers.id, [number_of(&peer(ONE)), number_of(&peer(three))]);
    assert_eq!(peers.zone, [number("z1"), number("z1")]);
    assert_eq!(peers.rack, [number("r1"), number("r9")]);
    assert_eq!(peers.relation, [relation::RACK, relation::ZONE]);
    assert_eq!(peers.labels, [number("silver"), number("r1"), 0, number("r9")]);
    assert_eq!(peers.connected, [true, false]);
    assert_eq!(peers.permille, [500, 250]);
    assert_eq!(peers.connected_ms, [50, 0]);
    assert_eq!(peers.failures, [0, 0]);
    assert_eq!(view.target, SwarmConfig::default().full_mesh);
    assert_eq!(view.me.rack, number("r1"));
}

#[test]
fn a_peer_and_a_node_that_move_are_seen_where_they_are() {
    let mut bench = Bench::new(SwarmConfig::default(), 64, &[]);
    bench.give(SwarmInput::PolicyChanged { facts: facts() });
    bench.connect(ONE, &["zone=z1", "rack=r1", "tier=silver"], false, &[1]);
    bench.connect(TWO, &["zone=z1", "rack=r2"], false, &[2]);
    let seen_after = |bench: &mut Bench, input: SwarmInput| {
        bench.wait(1000);
        bench.ask_again();
        bench.give(input);
        let view = bench.neighbours();
        (view.peers.rack, view.peers.relation, view.peers.labels, view.me.rack, view.me.labels)
    };
    let (r1, r2) = (number("r1"), number("r2"));
    let (silver, gold) = (number("silver"), number("gold"));
    let seen = seen_after(&mut bench, SwarmInput::PolicyChanged { facts: facts() });
    let near = vec![relation::RACK, relation::ZONE];
    assert_eq!(seen, (vec![r1, r2], near, vec![silver, r1, 0, r2], r1, vec![gold, r1]));
    let labels = numbers(&["zone=z1", "rack=r1", "tier=gold"]);
    let seen = seen_after(&mut bench, SwarmInput::PeerRelabelled { link: TWO, labels });
    let near = vec![relation::RACK, relation::RACK];
    assert_eq!(seen, (vec![r1, r1], near, vec![silver, r1, gold, r1], r1, vec![gold, r1]));
    let labels = numbers(&["zone=z2", "rack=r1"]);
    let seen = seen_after(&mut bench, SwarmInput::Relabelled { labels });
    let near = vec![relation::REMOTE, relation::REMOTE];
    assert_eq!(seen, (vec![r1, r1], near, vec![silver, r1, gold, r1], r1, vec![0, r1]));
}
