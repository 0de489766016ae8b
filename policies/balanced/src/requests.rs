//! What to ask for when slots stay free although somebody has what is missing.

use alloc::vec::Vec;
use samara_policy::{Random, Request, RequestsAnswer, RequestsView};

use crate::reason;

/// The rarest chunks, each from the least busy of those who have it.
pub fn choose(view: &RequestsView) -> RequestsAnswer {
    let mut random = Random::new(view.me.random_seed);
    let mut load = view.peers.outstanding.clone();
    let mut order: Vec<u32> = (0..view.chunks.index.len() as u32).collect();
    random.shuffle(&mut order);
    order.sort_by_key(|position| view.chunks.holders[*position as usize]);
    let mut requests = Vec::new();
    for position in order {
        if requests.len() as u32 >= view.me.free_slots {
            break;
        }
        let has = |row: &u32| {
            view.available.get(*row, position) && load[*row as usize] < view.me.per_peer
        };
        let best = (0..view.peers.len()).filter(has).min_by_key(|row| {
            (load[*row as usize], view.peers.failures[*row as usize], random.next_u64())
        });
        if let Some(peer) = best {
            load[peer as usize] += 1;
            requests.push(Request { peer, chunk: Some(position), reason: reason::IDLE_SLOT });
        }
    }
    RequestsAnswer { requests }
}
