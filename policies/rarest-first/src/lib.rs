//! BitTorrent's choice: each peer pulls the rarest chunk from whoever is free and fast.
//!
//! The first few chunks are random ones, so that there is soon something to give; then the rarest known,
//! ties at random; at the very end late ones are asked for twice. Uploads serve what is asked for, and the
//! origin is a peer like any other. Not here: choking. Samara's uploads have slots, not favourites.

#![no_std]

extern crate alloc;

use alloc::vec::Vec;

use samara_policy::{
    Description, Hooks, OverdueAnswer, OverdueView, Parameter, PeerColumns, Policy, RequestsAnswer,
    RequestsView,
    pick::{self, Patience, Sources, at},
};

/// The policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct RarestFirst;

/// Random chunks before the rarest, as in libtorrent.
const RANDOM_FIRST: u64 = 4;
/// Missing chunks from which on late transfers are doubled: a few per slot.
const ENDGAME: u64 = 20;
/// A source that has sent nothing for so long is given up, in microseconds: libtorrent's snubbing.
const SNUBBED_US: u64 = 20_000_000;

/// Reason codes of this policy, beside those of [`pick::reason`].
pub mod reason {
    /// One of the first chunks, chosen at random.
    pub const RANDOM_FIRST: u32 = 16;
    /// The chunk is among those with the fewest known holders.
    pub const RAREST: u32 = 17;
}

samara_policy::export!(RarestFirst);

impl Policy for RarestFirst {
    fn describe(&self) -> Description {
        let hooks = Hooks { neighbours: true, requests: true, overdue: true, offers: false };
        Description::new("rarest-first", env!("CARGO_PKG_VERSION"))
            .hooks(hooks)
            .parameter(Parameter::number(
                "random-first",
                "chunks taken at random before the rarest",
                RANDOM_FIRST,
                0..=1024,
            ))
            .parameter(Parameter::number(
                "endgame",
                "missing chunks from which on late transfers are asked for twice",
                ENDGAME,
                0..=1024,
            ))
            .parameter(Parameter::micros(
                "snubbed",
                "a source that has not begun after this time is given up",
                SNUBBED_US,
                1_000_000..=600_000_000,
            ))
    }

    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        let mut random = samara_policy::Random::new(view.me.random_seed);
        let random_first = view.me.parameter(0, RANDOM_FIRST);
        let (order, reason) = if u64::from(view.me.held) < random_first {
            let mut order: Vec<u32> = (0..view.chunks.index.len() as u32).collect();
            random.shuffle(&mut order);
            (order, reason::RANDOM_FIRST)
        } else {
            (pick::rarest_order(&view.chunks, &mut random), reason::RAREST)
        };
        let slowness = |row| slowness(&view.peers, row);
        let sources = Sources::new(&view.peers, &view.peers.incoming, view.me.per_peer, slowness);
        pick::requests_in_order(view, order, sources, reason, &mut random)
    }

    fn overdue(&self, view: &OverdueView) -> OverdueAnswer {
        let missing = u64::from(view.me.chunks.saturating_sub(view.me.held));
        let is_endgame = missing <= view.me.parameter(1, ENDGAME);
        let patience = Patience {
            // The engine shows only what takes several times the usual time already.
            hedge_us: if is_endgame { 0 } else { u64::MAX },
            give_up_us: view.me.parameter(2, SNUBBED_US).max(1_000_000),
        };
        pick::overdue(view, patience, &view.peers.incoming, |row| slowness(&view.peers, row))
    }
}

/// How often the time of a chunk from this peer doubles from a microsecond up: peers within a factor of two
/// are alike, so that not everybody asks the one that is a little faster. Unknown ones come first: they are
/// tried.
fn slowness(peers: &PeerColumns, row: u32) -> u64 {
    u64::from(u64::BITS - at(&peers.receive_time_us, row).leading_zeros())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::vec;

    use samara_policy::OverdueAction;
    use samara_policy_testing::small;

    use super::*;

    extern crate std;

    fn asked(view: &RequestsView) -> Vec<(u32, u32)> {
        let answer = RarestFirst.requests(view);
        answer.requests.iter().map(|one| (one.peer, one.chunk.unwrap_or(u32::MAX))).collect()
    }

    #[test]
    fn the_rarest_chunk_is_asked_of_a_peer_that_is_free_and_fast() {
        let mut view = small::requests(&[3, 1, 2], &[&[0, 1], &[0, 1], &[0, 1, 2]]);
        view.peers.incoming = vec![1, 0, 0];
        view.peers.receive_time_us = vec![10_000, 200_000, 40_000];
        assert_eq!(asked(&view), [(2, 1)]);
    }

    #[test]
    fn ties_between_chunks_and_between_peers_of_like_speed_are_broken_at_random() {
        let mut view = small::requests(&[1; 4], &[&[0, 1, 2, 3], &[0, 1, 2, 3]]);
        view.peers.receive_time_us = vec![70_000, 120_000];
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            view.me.random_seed = seed;
            seen.extend(asked(&view));
        }
        assert_eq!(seen.len(), 8, "{seen:?}");
    }

    #[test]
    fn the_first_chunks_are_random_ones() {
        let mut view = small::requests(&[9, 9, 1], &[&[0, 1, 2]]);
        view.me.held = 3;
        let first = |view: &mut RequestsView, seed| {
            view.me.random_seed = seed;
            asked(view)[0].1
        };
        assert!((0..50).any(|seed| first(&mut view, seed) != 2));
        view.me.held = 4;
        assert!((0..50).all(|seed| first(&mut view, seed) == 2));
    }

    #[test]
    fn a_late_chunk_is_asked_for_twice_only_in_the_endgame() {
        let mut view = small::overdue(3, &[(0, 400_000, true)], &[&[1, 2]]);
        view.peers.receive_time_us = vec![0, 300_000, 90_000];
        view.me.held = 79;
        assert!(RarestFirst.overdue(&view).decisions.is_empty());
        view.me.held = 80;
        assert_eq!(RarestFirst.overdue(&view).decisions[0].action, OverdueAction::Duplicate(2));
    }

    #[test]
    fn a_source_that_does_not_begin_is_given_up() {
        let view = small::overdue(2, &[(0, 21_000_000, false), (0, 21_000_000, true)], &[&[], &[]]);
        let answer = RarestFirst.overdue(&view);
        assert_eq!(answer.decisions.len(), 1);
        assert_eq!(answer.decisions[0].action, OverdueAction::Cancel);
    }
}
