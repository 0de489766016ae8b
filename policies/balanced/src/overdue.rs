//! What to do about slow transfers: a second copy from somebody idle, and in the end another source.

use alloc::vec::Vec;
use samara_policy::{OverdueAction, OverdueAnswer, OverdueDecision, OverdueView, Random};

use crate::reason;

/// A second copy is asked for after this many mean download times ...
const HEDGE_AFTER: u64 = 6;
/// ... and a source that has not even begun is given up after this many.
const GIVE_UP_AFTER: u64 = 16;
/// Below this, in microseconds, nothing is late: clocks, schedulers and queues are coarser.
const PATIENCE_US: u64 = 250_000;

/// One decision per transfer that should not wait any longer.
pub fn choose(view: &OverdueView) -> OverdueAnswer {
    let mut random = Random::new(view.me.random_seed);
    let usual = view.me.download_mean_us.max(1);
    let mut asked: Vec<u32> = view.peers.outstanding.clone();
    let mut decisions = Vec::new();
    for transfer in 0..view.inbound.chunk.len() as u32 {
        let row = transfer as usize;
        let age = view.inbound.age_us[row];
        let action =
            if age > (usual * GIVE_UP_AFTER).max(4 * PATIENCE_US) && !view.inbound.started[row] {
                (OverdueAction::Cancel, reason::GIVE_UP)
            } else if age > (usual * HEDGE_AFTER).max(PATIENCE_US) {
                let other = (0..view.peers.len())
                    .filter(|peer| view.alternatives.get(transfer, *peer))
                    .filter(|peer| *peer != view.inbound.peer[row])
                    .min_by_key(|peer| (asked[*peer as usize], random.next_u64()));
                let Some(other) = other else { continue };
                asked[other as usize] += 1;
                (OverdueAction::Duplicate(other), reason::HEDGE)
            } else {
                continue;
            };
        decisions.push(OverdueDecision { transfer, action: action.0, reason: action.1 });
    }
    OverdueAnswer { decisions }
}
