//! What the building blocks decide on small views.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::*;

fn peers(count: usize) -> PeerColumns {
    PeerColumns { id: vec![9; count], lacks: vec![1; count], ..PeerColumns::default() }
}

fn chunks(holders: &[u32]) -> ChunkColumns {
    ChunkColumns {
        index: (0..holders.len() as u32).collect(),
        holders: holders.to_vec(),
        ..ChunkColumns::default()
    }
}

fn offers_view(count: usize, holders: &[u32]) -> OffersView {
    OffersView {
        me: Me { free_slots: 1, per_peer: 1, random_seed: 5, ..Me::default() },
        peers: peers(count),
        chunks: chunks(holders),
        unavailable: Holdings { words: 1, bits: vec![0; count] },
        more: vec![],
    }
}

#[test]
fn the_cheapest_of_equally_busy_receivers_is_chosen() {
    let mut view = offers_view(3, &[0]);
    view.peers.outstanding = vec![1, 0, 0];
    view.peers.inbound = vec![0, 0, 4];
    let cost = |row: u32| [0, 7, 3][row as usize];
    view.me.per_peer = 2;
    assert_eq!(offers(&view, 8, cost).offers[0].peer, 2);
    let cost = |row: u32| [0, 7, NEVER][row as usize];
    assert_eq!(offers(&view, 8, cost).offers[0].peer, 1);
    assert!(offers(&view, 8, |_| NEVER).offers.is_empty());
}

#[test]
fn receivers_that_are_equal_are_all_chosen_sooner_or_later() {
    let mut view = offers_view(5, &[0]);
    let mut chosen: Vec<u32> = (0..100)
        .map(|seed| {
            view.me.random_seed = seed;
            offers(&view, 1, |_| 0).offers[0].peer
        })
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    assert_eq!(chosen, [0, 1, 2, 3, 4]);
}

/// They once used up the places of an answer: behind forty mates that were served, nobody got anything.
#[test]
fn receivers_for_whom_there_is_nothing_take_no_place_of_those_behind() {
    let mut view = offers_view(9, &[0]);
    view.me.free_slots = 2;
    (0..8).for_each(|row| view.unavailable.bits[row] = 1);
    let peers: Vec<u32> = offers(&view, 8, u64::from).offers.iter().map(|one| one.peer).collect();
    assert_eq!(peers, [8]);
}

#[test]
fn some_receivers_get_at_most_so_many_offers_together() {
    let mut view = offers_view(4, &[0; 8]);
    view.me.free_slots = 4;
    let offered = |most: u32| {
        let (mut random, anything) = (Random::new(1), |_, _| true);
        let mut receivers = Receivers::new(&view, u64::from).at_most(most, |row| row < 3);
        let answer = offers_with(&view, 8, &mut receivers, &mut random, anything);
        answer.offers.iter().map(|offer| offer.peer).collect::<Vec<u32>>()
    };
    assert_eq!(offered(0), [3]);
    assert_eq!(offered(1), [0, 3]);
    assert_eq!(offered(2), [0, 1, 3]);
    assert_eq!(offered(9), [0, 1, 2, 3]);
}

#[test]
fn the_rarest_come_first_however_common_they_are() {
    let holders: Vec<u32> = (0..70).map(|position| 1_000_000 - position).collect();
    let mut rarest = Rarest::new(&chunks(&holders));
    let chosen = rarest.choose(&[0, 0], 3, &mut Random::new(1), |position| position != 68);
    assert_eq!(chosen, [69, 67, 66]);
}

#[test]
fn a_chunk_that_was_given_is_less_rare() {
    let mut rarest = Rarest::new(&chunks(&[4, 5, 6]));
    let first = |rarest: &mut Rarest| rarest.choose(&[0], 1, &mut Random::new(1), |_| true);
    assert_eq!(first(&mut rarest), [0]);
    rarest.gave(0);
    rarest.gave(0);
    assert_eq!(first(&mut rarest), [1]);
    assert_eq!(rarest.choose(&[0b10], 8, &mut Random::new(1), |_| true).len(), 2);
}

#[test]
fn what_is_chosen_is_as_rare_as_can_be_whatever_was_given_before() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let (positions, highest) = (random.below(200), 1 + random.below(300));
        let mut holders: Vec<u32> = (0..positions).map(|_| random.below(highest)).collect();
        let commonest = 1 + holders.iter().copied().max().unwrap_or(0);
        let mut rarest = Rarest::new(&chunks(&holders));
        for _ in 0..6 {
            let words = positions.div_ceil(64) as usize;
            let excluded: Vec<u64> =
                (0..words).map(|_| random.next_u64() & random.next_u64()).collect();
            let is_free = |position: &u32| {
                excluded[*position as usize / 64] >> (position % 64) & 1 == 0 && position % 7 != 3
            };
            let wanted = 1 + random.below(8) as usize;
            let chosen = rarest.choose(&excluded, wanted, &mut random, |one| one % 7 != 3);
            assert!(chosen.iter().all(is_free), "{seed}");
            let level = |position: u32| holders[position as usize];
            let mut all: Vec<u32> = (0..positions).filter(is_free).map(level).collect();
            all.sort_unstable();
            all.truncate(wanted);
            let levels: Vec<u32> = chosen.iter().map(|position| level(*position)).collect();
            // Of those that are so much commoner than the rarest, no order is promised.
            if highest < 250 {
                assert_eq!(levels, all, "{seed}");
            }
            assert_eq!(levels.len(), all.len(), "{seed}");
            let mut once = chosen.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), chosen.len(), "{seed}");
            if let Some(given) = chosen.first() {
                rarest.gave(*given);
                holders[*given as usize] = (holders[*given as usize] + 1).min(commonest);
            }
        }
    }
}

#[test]
fn only_what_nobody_has_is_unsent() {
    let mut rarest = Rarest::new(&chunks(&[1, 0, 0, 0]));
    assert_eq!(rarest.first_unsent(&[0b0010]), Some(2));
    rarest.gave(2);
    assert_eq!(rarest.first_unsent(&[0b0010]), Some(3));
    assert_eq!(rarest.first_unsent(&[0b1010]), None);
    assert_eq!(rarest.first_unsent(&[]), None);
}

#[test]
fn the_order_of_rarity_has_each_position_once() {
    for highest in [0, 3, 200, 100_000] {
        let mut random = Random::new(highest.into());
        let chunks = chunks(&(0..500).map(|_| random.below(highest + 1)).collect::<Vec<_>>());
        let order = rarest_order(&chunks, &mut random);
        assert!(order.is_sorted_by_key(|position| chunks.holders[*position as usize]));
        let mut positions = order.clone();
        positions.sort_unstable();
        assert!(positions.iter().copied().eq(0..500));
    }
}

#[test]
fn the_least_busy_and_then_the_cheapest_source_is_asked() {
    let mut peers = peers(4);
    peers.incoming = vec![1, 0, 0, 0];
    let mut sources =
        Sources::new(&peers, &peers.incoming, 2, |row| [0, 5, 4, NEVER][row as usize]);
    let mut random = Random::new(1);
    let mut asked = Vec::new();
    while let Some(row) = sources.best(|row| row != 1, &mut random) {
        sources.asked(row);
        asked.push(row);
    }
    assert_eq!(asked, [2, 0, 2]);
}

#[test]
fn a_second_copy_comes_from_the_cheapest_and_what_never_began_is_given_up() {
    let view = OverdueView {
        me: Me { download_mean_us: 100_000, ..Me::default() },
        peers: peers(3),
        inbound: InboundColumns {
            peer: vec![0, 0, 0],
            chunk: vec![7, 8, 9],
            age_us: vec![700_000, 1_700_000, 500_000],
            started: vec![true, false, true],
        },
        alternatives: Holdings { words: 1, bits: vec![0b111; 3] },
        more: vec![],
    };
    let answer = overdue(&view, Patience::usual(&view), &[], |row| [0, 2, 1][row as usize]);
    let actions: Vec<_> = answer.decisions.iter().map(|one| (one.transfer, one.action)).collect();
    assert_eq!(actions, [(0, OverdueAction::Duplicate(2)), (1, OverdueAction::Cancel)]);
}

#[test]
fn the_room_is_filled_with_reliable_and_cheap_candidates() {
    let view = NeighboursView {
        peers: CandidateColumns {
            id: vec![1, 2, 3, 4, 5],
            connected: vec![true, false, false, false, false],
            failures: vec![0, 3, 0, 0, 0],
            ..CandidateColumns::default()
        },
        target: 4,
        ..NeighboursView::default()
    };
    let answer = neighbours(&view, |row| [0, 0, 2, 1, NEVER][row as usize]);
    let rows: Vec<u32> = answer.connect.iter().map(|one| one.peer).collect();
    assert_eq!(rows, [3, 2, 1]);
}

/// Scores by the share of the content that a peer has.
struct Complete;

impl Policy for Complete {
    fn describe(&self) -> Description {
        Description::new("complete", "1").hooks(Hooks { neighbours: true, ..Hooks::default() })
    }

    fn cost(&self, me: &Me, peers: &PeerColumns, row: u32) -> u64 {
        u64::from(me.chunks - at(&peers.held, row))
    }
}

#[test]
fn one_cost_serves_every_hook() {
    let me = Me { free_slots: 1, per_peer: 1, chunks: 100, ..Me::default() };
    let held = vec![10, 90, 50];
    let mut offers = offers_view(3, &[0]);
    (offers.me, offers.peers.held) = (me.clone(), held.clone());
    assert_eq!(Complete.offers(&offers).offers[0].peer, 1);
    let requests = RequestsView {
        me: me.clone(),
        peers: PeerColumns { held, ..peers(3) },
        chunks: chunks(&[1]),
        available: Holdings { words: 1, bits: vec![1; 3] },
        more: vec![],
    };
    assert_eq!(Complete.requests(&requests).requests[0].peer, 1);
    let neighbours = NeighboursView {
        me,
        peers: CandidateColumns {
            id: vec![1, 2],
            permille: vec![0, 1000],
            ..CandidateColumns::default()
        },
        target: 1,
        more: vec![],
    };
    assert_eq!(Complete.neighbours(&neighbours).connect[0].peer, 1);
}
