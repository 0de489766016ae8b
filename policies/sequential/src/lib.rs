//! Streaming: each peer pulls the chunk with the lowest index that it lacks.
//!
//! The start of a content is usable while the rest still comes. That is bought dearly: everybody wants the
//! same chunks at the same time, has the same ones, and so can give one another little.

#![no_std]

extern crate alloc;

use alloc::vec::Vec;

use samara_policy::{
    Description, Hooks, OverdueAnswer, OverdueView, Parameter, Policy, RequestsAnswer,
    RequestsView, WindowOrder,
    pick::{self, Patience, Sources, at},
};

/// The policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sequential;

/// Strictly in order.
const SPREAD: u64 = 1;
/// Mean download times after which a chunk is asked for twice: a player waits for it.
const HEDGE: u64 = 3;

/// Reason codes of this policy, beside those of [`pick::reason`].
pub mod reason {
    /// The chunk is among the next that are needed.
    pub const NEXT: u32 = 16;
}

samara_policy::export!(Sequential);

impl Policy for Sequential {
    fn describe(&self) -> Description {
        let hooks = Hooks { neighbours: true, requests: true, overdue: true, offers: false };
        Description::new("sequential", env!("CARGO_PKG_VERSION"))
            .hooks(hooks)
            .window(WindowOrder::LowestIndex)
            .parameter(Parameter::number(
                "spread",
                "next chunks of which the rarest is asked for first; 1 is strictly in order",
                SPREAD,
                1..=1024,
            ))
            .parameter(Parameter::number(
                "hedge",
                "mean download times after which a chunk is asked for twice",
                HEDGE,
                3..=100,
            ))
    }

    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        let mut random = samara_policy::Random::new(view.me.random_seed);
        let spread = view.me.parameter(0, SPREAD).clamp(1, 1024) as usize;
        let order = order(view, spread, &mut random);
        let sources = Sources::new(&view.peers, &view.peers.incoming, view.me.per_peer, |_| 0);
        pick::requests_in_order(view, order, sources, reason::NEXT, &mut random)
    }

    fn overdue(&self, view: &OverdueView) -> OverdueAnswer {
        let mean = view.me.download_mean_us;
        let hedge_us = mean.saturating_mul(view.me.parameter(1, HEDGE).clamp(3, 100));
        let patience = Patience { hedge_us, ..Patience::usual(view) };
        pick::overdue(view, patience, &view.peers.incoming, |_| 0)
    }
}

/// Positions by index, in groups of `spread`; inside a group the rarest first, ties at random.
fn order(view: &RequestsView, spread: usize, random: &mut samara_policy::Random) -> Vec<u32> {
    let mut order: Vec<u32> = (0..view.chunks.index.len() as u32).collect();
    order.sort_unstable_by_key(|position| (at(&view.chunks.index, *position), *position));
    if spread > 1 {
        for group in order.chunks_mut(spread) {
            random.shuffle(group);
            group.sort_by_key(|position| at(&view.chunks.holders, *position));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use std::vec;

    use samara_policy::OverdueAction;
    use samara_policy_testing::small;

    use super::*;

    extern crate std;

    fn asked(view: &RequestsView) -> Vec<u32> {
        Sequential.requests(view).requests.iter().filter_map(|one| one.chunk).collect()
    }

    #[test]
    fn the_lowest_index_comes_first_wherever_it_is_in_the_window() {
        let mut view = small::requests(&[1, 9, 1, 5], &[&[0, 1, 2, 3], &[0, 1, 2, 3], &[0, 1, 2]]);
        view.chunks.index = vec![40, 7, 30, 8];
        view.me.free_slots = 3;
        assert_eq!(asked(&view), [1, 3, 2]);
    }

    #[test]
    fn a_chunk_that_nobody_free_has_is_passed_over() {
        let mut view = small::requests(&[1, 1], &[&[0], &[1]]);
        view.peers.incoming = vec![1, 0];
        assert_eq!(asked(&view), [1]);
    }

    #[test]
    fn with_a_spread_the_rarest_of_the_next_chunks_comes_first() {
        let mut view = small::requests(&[3, 2, 4, 1], &[&[0, 1, 2, 3]]);
        view.me.parameters = vec![3];
        assert_eq!(asked(&view), [1]);
    }

    #[test]
    fn a_chunk_that_is_late_is_asked_for_twice() {
        let view = small::overdue(2, &[(0, 310_000, true), (0, 290_000, true)], &[&[1], &[1]]);
        let answer = Sequential.overdue(&view);
        assert_eq!(answer.decisions.len(), 1);
        assert_eq!(answer.decisions[0].action, OverdueAction::Duplicate(1));
        assert_eq!(answer.decisions[0].transfer, 0);
    }
}
