//! A whole answer to [`crate::Policy::offers`]: two-sided matching.

use alloc::vec;
use alloc::vec::Vec;

use super::{MAX_DECISIONS, Rarest, Receivers, reason};
use crate::{MAX_CANDIDATES, Offer, OffersAnswer, OffersView, Random};

/// One offer per free slot, of up to `candidates` chunks, rarest first, to a random one of the best
/// [`Receivers`]. In the origin's first pass each chunk that nobody has is pushed once, lowest first.
pub fn offers(view: &OffersView, candidates: usize, cost: impl Fn(u32) -> u64) -> OffersAnswer {
    let mut random = Random::new(view.me.random_seed);
    let mut receivers = Receivers::new(view, cost);
    let anything = |_, _| true;
    offers_with(view, candidates, &mut receivers, &mut random, anything)
}

/// The same with receivers of the caller's, of the chunks that `keep(row, position)` lets through.
pub fn offers_with(
    view: &OffersView,
    candidates: usize,
    receivers: &mut Receivers,
    random: &mut Random,
    keep: impl Fn(u32, u32) -> bool,
) -> OffersAnswer {
    let first_pass = view.me.first_pass;
    let mut rarest = Rarest::new(&view.chunks);
    let mut offers = Vec::new();
    let wanted = (view.me.free_slots as usize).min(MAX_DECISIONS);
    // Who has all of it, or has it on the way, takes no slot from those behind.
    while offers.len() < wanted {
        let Some(peer) = receivers.best(random) else { break };
        let excluded = view.unavailable.row(peer);
        let chunks = if first_pass {
            random.next_u64();
            rarest.first_unsent(excluded).map(|first| vec![first]).unwrap_or_default()
        } else {
            let keep = |position| keep(peer, position);
            rarest.choose(excluded, candidates.clamp(1, MAX_CANDIDATES), random, keep)
        };
        let Some(first) = chunks.first() else {
            receivers.leave_out(peer);
            continue;
        };
        rarest.gave(*first);
        receivers.offered(peer);
        let reason = if first_pass { reason::FIRST_PASS } else { reason::LEAST_INBOUND };
        offers.push(Offer { peer, push: first_pass, chunks, reason });
    }
    OffersAnswer { offers }
}
