//! Peers from which neighbours are handed out, evenly.

use alloc::vec::Vec;
use rand::RngExt;
use samara_model::{PeerHint, PeerId};
use samara_policy::relation;

use crate::gossip::random::{Map, Random, keyed_map, shuffle_front};
use crate::swarm::relation_between;

/// One peer of a pool.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hint: PeerHint,
    /// How often it was handed out.
    handed: u32,
}

/// Peers in no order, each with the number of times that it was handed out.
#[derive(Debug)]
pub(super) struct Pool {
    /// A usual handout: so far a newcomer may be behind.
    handout: u32,
    entries: Vec<Entry>,
    places: Map<PeerId, usize>,
}

impl Pool {
    /// An empty pool, of which `handout` at a time are handed out.
    pub fn new(handout: usize, random_seed: u64) -> Self {
        let handout = u32::try_from(handout).unwrap_or(u32::MAX);
        Pool { handout, entries: Vec::new(), places: keyed_map(random_seed) }
    }

    /// Number of peers.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a peer, or updates what is known of it.
    pub fn put(&mut self, hint: PeerHint, random: &mut Random) {
        if let Some(place) = self.places.get(&hint.peer) {
            self.entries[*place].hint = hint;
            return;
        }
        let handed = self.usual(random);
        self.places.insert(hint.peer, self.entries.len());
        self.entries.push(Entry { hint, handed });
    }

    /// Takes a peer out.
    pub fn remove(&mut self, peer: &PeerId) {
        let Some(place) = self.places.remove(peer) else {
            return;
        };
        self.entries.swap_remove(place);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.hint.peer, place);
        }
    }

    /// Up to `wanted` random peers other than `requester`; of two that are drawn, the one that was handed
    /// out less often. Always the least would be even as well, but everybody would be sent the latest
    /// arrivals, which makes a chain of the swarm: many hops from end to end.
    pub fn hand_out(
        &mut self,
        wanted: usize,
        requester: Option<&PeerId>,
        random: &mut Random,
    ) -> Vec<PeerHint> {
        let mut drawn = self.sample(2 * wanted + 1, random);
        drawn.retain(|place| Some(&self.entries[*place].hint.peer) != requester);
        drawn.truncate(2 * wanted);
        let pairs = drawn.len().saturating_sub(wanted);
        let (paired, single) = drawn.split_at(2 * pairs);
        let handed = |place: &usize| self.entries[*place].handed;
        let winners = paired.chunks(2).filter_map(|pair| pair.iter().min_by_key(|at| handed(at)));
        let places: Vec<usize> = winners.chain(single).copied().collect();
        for place in &places {
            self.entries[*place].handed = self.entries[*place].handed.saturating_add(1);
        }
        places.into_iter().map(|place| self.entries[place].hint).collect()
    }

    /// Up to `wanted` random peers, which are not counted as handed out.
    pub fn draw(&self, wanted: usize, random: &mut Random) -> Vec<PeerHint> {
        self.sample(wanted, random).into_iter().map(|place| self.entries[place].hint).collect()
    }

    /// Who stands in the same rack as this one, itself left out.
    pub fn mates(&self, of: &PeerHint) -> impl Iterator<Item = PeerHint> {
        let near = |hint: &PeerHint| {
            let relation = relation_between(&of.place, &hint.place);
            hint.peer != of.peer && matches!(relation, relation::HOST | relation::RACK)
        };
        self.entries.iter().map(|entry| entry.hint).filter(near)
    }

    /// It was handed out.
    pub fn handed_out(&mut self, peer: &PeerId) {
        if let Some(place) = self.places.get(peer) {
            let handed = &mut self.entries[*place].handed;
            *handed = handed.saturating_add(1);
        }
    }

    /// Random places, in random order.
    fn sample(&self, wanted: usize, random: &mut Random) -> Vec<usize> {
        let all = self.entries.len();
        if all <= 2 * wanted {
            let mut places: Vec<usize> = (0..all).collect();
            shuffle_front(random, &mut places, all);
            places.truncate(wanted);
            return places;
        }
        let mut places = Vec::with_capacity(wanted);
        let mut seen = keyed_map(random.random());
        while places.len() < wanted {
            let place = random.random_range(0..all);
            if seen.insert(place, ()).is_none() {
                places.push(place);
            }
        }
        places
    }

    /// How often a newcomer is taken to have been handed out: as often as the middle of a few others,
    /// less one handout. In a growing swarm that is never, which keeps all equal; in an old one, starting
    /// from zero, it would be sent everybody until it had caught up.
    fn usual(&self, random: &mut Random) -> u32 {
        let few = self.sample(9, random);
        let mut handed: Vec<u32> = few.iter().map(|place| self.entries[*place].handed).collect();
        handed.sort_unstable();
        handed.get(handed.len() / 2).map_or(0, |middle| middle.saturating_sub(self.handout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gossip::random::random_for;
    use alloc::vec;
    use core::net::SocketAddr;
    use samara_model::Place;

    fn hint(peer: PeerId, address: SocketAddr, permille: u16) -> PeerHint {
        PeerHint { peer, address, permille, place: Place::default() }
    }

    fn peer(n: u16) -> PeerId {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&n.to_be_bytes());
        PeerId(id)
    }

    fn address() -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], 7000))
    }

    /// Everybody comes, and asks on arrival and three times more: how often was each handed out?
    fn degrees(peers: u16, wanted: usize) -> Vec<u32> {
        let (mut pool, mut random) = (Pool::new(wanted, 1), random_for(1, 0));
        let mut degrees = vec![0; usize::from(peers)];
        for round in 0..4 {
            for n in 0..peers {
                if round == 0 {
                    pool.put(hint(peer(n), address(), 0), &mut random);
                }
                for hint in pool.hand_out(wanted, Some(&peer(n)), &mut random) {
                    assert_ne!(hint.peer, peer(n), "nobody is its own neighbour");
                    degrees[usize::from(u16::from_be_bytes([hint.peer.0[0], hint.peer.0[1]]))] += 1;
                }
            }
        }
        degrees
    }

    #[test]
    fn everybody_is_handed_out_about_as_often() {
        for (peers, wanted) in [(60, 10), (500, 10), (1000, 50)] {
            let degrees = degrees(peers, wanted);
            let (least, most) = (degrees.iter().min(), degrees.iter().max());
            let (least, most) = (least.copied().unwrap_or(0), most.copied().unwrap_or(0));
            assert!(most * 2 <= least * 3, "{peers} peers: {least} to {most}");
        }
    }

    #[test]
    fn a_swarm_that_came_one_by_one_is_few_hops_wide() {
        let (mut pool, mut random) = (Pool::new(10, 1), random_for(1, 0));
        let mut links = vec![Vec::new(); 500];
        for n in 0..500u16 {
            for hint in pool.hand_out(10, Some(&peer(n)), &mut random) {
                let other = u16::from_be_bytes([hint.peer.0[0], hint.peer.0[1]]);
                links[usize::from(n)].push(other);
                links[usize::from(other)].push(n);
            }
            pool.put(hint(peer(n), address(), 0), &mut random);
        }
        let (mut reached, mut edge, mut hops) = (vec![false; 500], vec![0u16], 0);
        while reached.contains(&false) {
            edge.iter().for_each(|n| reached[usize::from(*n)] = true);
            edge = edge.iter().flat_map(|n| links[usize::from(*n)].clone()).collect();
            edge.retain(|n| !reached[usize::from(*n)]);
            edge.sort_unstable();
            edge.dedup();
            hops += 1;
            assert!(hops <= 6, "from the first peer to the farthest");
        }
    }

    #[test]
    fn a_newcomer_is_not_sent_everybody() {
        let (mut pool, mut random) = (Pool::new(10, 1), random_for(1, 0));
        for n in 0..200 {
            pool.put(hint(peer(n), address(), 0), &mut random);
        }
        for n in 0..2000 {
            pool.hand_out(10, Some(&peer(n % 200)), &mut random);
        }
        pool.put(hint(peer(999), address(), 0), &mut random);
        let handed = (0..100).filter(|n| {
            let hints = pool.hand_out(10, Some(&peer(*n)), &mut random);
            hints.iter().any(|hint| hint.peer == peer(999))
        });
        let handed = handed.count();
        assert!(handed <= 20, "in {handed} of 100 handouts; five are its share");
    }

    #[test]
    fn who_is_taken_out_is_handed_out_no_more() {
        let (mut pool, mut random) = (Pool::new(10, 1), random_for(1, 0));
        (0..5).for_each(|n| pool.put(hint(peer(n), address(), 0), &mut random));
        [0, 4, 2, 2].iter().for_each(|n| pool.remove(&peer(*n)));
        let mut left = pool.hand_out(9, None, &mut random);
        left.sort_by_key(|hint| hint.peer);
        assert_eq!(left, [hint(peer(1), address(), 0), hint(peer(3), address(), 0)]);
    }
}
