//! What to send next, to whom.

use alloc::vec::Vec;
use samara_policy::{Offer, OffersAnswer, OffersView, Random};

use crate::reason;

/// One offer per free slot, to different receivers as far as there are any.
pub fn choose(view: &OffersView, candidates: usize) -> OffersAnswer {
    let mut random = Random::new(view.me.random_seed);
    let mut load: Vec<u32> = view.peers.outstanding.clone();
    // Chunks given out by this very answer, so that two slots do not carry one chunk to two peers while
    // others are rarer.
    let mut given: Vec<u32> = view.chunks.in_flight.clone();
    let mut offers = Vec::new();
    for _ in 0..view.me.free_slots {
        let Some(peer) = receiver(view, &load, &mut random) else { break };
        let chunks = rarest(view, peer, &given, candidates, &mut random);
        let Some(first) = chunks.first() else {
            load[peer as usize] = u32::MAX;
            continue;
        };
        given[*first as usize] += 1;
        load[peer as usize] += 1;
        let reason = if view.me.first_pass { reason::FIRST_PASS } else { reason::LEAST_INBOUND };
        offers.push(Offer { peer, push: view.me.first_pass, chunks, reason });
    }
    OffersAnswer { offers }
}

/// Random among the best: idle first, fewest inbound, and in the first pass fewest chunks so far, weighted
/// by how fast the peer takes them.
fn receiver(view: &OffersView, load: &[u32], random: &mut Random) -> Option<u32> {
    let usual = view.me.upload_times.p30_us;
    let rank = |row: usize| {
        let inbound =
            view.peers.inbound[row] + load[row].saturating_sub(view.peers.outstanding[row]);
        if view.me.first_pass {
            // A peer that takes four times as long gets a quarter of the first copies.
            let weight = (view.peers.send_time_us[row] / usual.max(1)).clamp(1, 16);
            (load[row], inbound, u64::from(view.peers.sent[row]) * weight)
        } else {
            (load[row], inbound, 0)
        }
    };
    let usable = |row: &usize| load[*row] < view.me.per_peer && view.peers.lacks[*row] > 0;
    let best = (0..load.len()).filter(usable).map(rank).min()?;
    let equals: Vec<usize> =
        (0..load.len()).filter(usable).filter(|row| rank(*row) == best).collect();
    Some(equals[random.below(equals.len() as u32) as usize] as u32)
}

/// Up to `wanted` positions that the peer lacks: fewest holders and copies in flight first, ties random.
fn rarest(
    view: &OffersView,
    peer: u32,
    given: &[u32],
    wanted: usize,
    random: &mut Random,
) -> Vec<u32> {
    let wanted = if view.me.first_pass { 1 } else { wanted };
    // The lowest `wanted` keys so far, in order. The key is rarity and then a random number.
    let mut best: Vec<(u64, u32)> = Vec::with_capacity(wanted + 1);
    let mut bound = u64::MAX;
    let salt = random.next_u64();
    for (word_at, word) in view.unavailable.row(peer).iter().enumerate() {
        let mut lacking = !word;
        while lacking != 0 {
            let position = word_at as u32 * 64 + lacking.trailing_zeros();
            lacking &= lacking - 1;
            let Some(holders) = view.chunks.holders.get(position as usize) else { break };
            let rarity = holders + given[position as usize];
            if view.me.first_pass && rarity > 0 {
                continue;
            }
            let tie = if view.me.first_pass { u64::from(position) } else { mix(salt, position) };
            let key = u64::from(rarity) << 32 | (tie & 0xffff_ffff);
            if key < bound {
                let at = best.partition_point(|(other, _)| *other < key);
                best.insert(at, (key, position));
                if best.len() > wanted {
                    best.pop();
                }
                if best.len() == wanted {
                    bound = best[wanted - 1].0;
                }
            }
        }
    }
    best.into_iter().map(|(_, position)| position).collect()
}

fn mix(salt: u64, position: u32) -> u64 {
    (salt ^ u64::from(position)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use samara_policy::{ChunkColumns, Holdings, Me, PeerColumns};

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
}
