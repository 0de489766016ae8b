//! A whole answer to [`crate::Policy::requests`].

use alloc::vec::Vec;

use super::{MAX_DECISIONS, Sources, rarest_order, reason};
use crate::{Random, Request, RequestsAnswer, RequestsView};

/// The rarest chunks, each from the best of those who have it by `load` (a column of the view's peers) and
/// `cost`.
pub fn requests(view: &RequestsView, load: &[u32], cost: impl Fn(u32) -> u64) -> RequestsAnswer {
    let mut random = Random::new(view.me.random_seed);
    let order = rarest_order(&view.chunks, &mut random);
    let sources = Sources::new(&view.peers, load, view.me.per_peer, cost);
    requests_in_order(view, order, sources, reason::IDLE_SLOT, &mut random)
}

/// The chunks of `order` (positions), each from the best of those who have it, while slots are free.
pub fn requests_in_order(
    view: &RequestsView,
    order: impl IntoIterator<Item = u32>,
    mut sources: Sources,
    reason: u32,
    random: &mut Random,
) -> RequestsAnswer {
    let slots = (view.me.free_slots as usize).min(MAX_DECISIONS);
    let mut requests = Vec::new();
    for position in order {
        if requests.len() >= slots {
            break;
        }
        if let Some(peer) = sources.best(|row| view.available.get(row, position), random) {
            sources.asked(peer);
            requests.push(Request { peer, chunk: Some(position), reason });
        }
    }
    RequestsAnswer { requests }
}
