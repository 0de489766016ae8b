//! A whole answer to [`crate::Policy::overdue`]: a second copy from somebody idle, and in the end another
//! source.

use alloc::vec::Vec;

use super::{NEVER, at, reason};
use crate::{OverdueAction, OverdueAnswer, OverdueDecision, OverdueView, Random};

/// When a transfer has waited long enough, in microseconds since it was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A second copy is asked for when it is older than this.
    pub hedge_us: u64,
    /// A source that has not begun is given up when it is older than this.
    pub give_up_us: u64,
}

/// A second copy is asked for after this many mean download times ...
const HEDGE_AFTER: u64 = 6;
/// ... and a source that has not even begun is given up after this many.
const GIVE_UP_AFTER: u64 = 16;
/// Below this, in microseconds, nothing is late: clocks, schedulers and queues are coarser.
const PATIENCE_US: u64 = 250_000;

impl Patience {
    /// 6 and 16 mean download times, at least 250 ms and 1 s.
    pub fn usual(view: &OverdueView) -> Patience {
        let usual = view.me.download_mean_us.max(1);
        Patience {
            hedge_us: usual.saturating_mul(HEDGE_AFTER).max(PATIENCE_US),
            give_up_us: usual.saturating_mul(GIVE_UP_AFTER).max(4 * PATIENCE_US),
        }
    }
}

/// One decision per transfer that should not wait any longer. The second copy comes from the other holder
/// with the least `load` (a column of the view's peers) and `cost`.
pub fn overdue(
    view: &OverdueView,
    patience: Patience,
    load: &[u32],
    cost: impl Fn(u32) -> u64,
) -> OverdueAnswer {
    let mut random = Random::new(view.me.random_seed);
    let rank = |row: u32| (at(load, row), cost(row));
    let mut ranks: Vec<(u32, u64)> = (0..view.peers.len()).map(rank).collect();
    let mut decisions = Vec::new();
    for transfer in 0..view.inbound.chunk.len() as u32 {
        let age = at(&view.inbound.age_us, transfer);
        let begun = at(&view.inbound.started, transfer);
        let (action, reason) = if age > patience.give_up_us && !begun {
            (OverdueAction::Cancel, reason::GIVE_UP)
        } else if age > patience.hedge_us {
            let source = at(&view.inbound.peer, transfer);
            let other = (0..view.peers.len())
                .filter(|row| view.alternatives.get(transfer, *row) && *row != source)
                .filter(|row| ranks[*row as usize].1 != NEVER)
                .min_by_key(|row| (ranks[*row as usize], random.next_u64()));
            let Some(other) = other else { continue };
            let load = &mut ranks[other as usize].0;
            *load = load.saturating_add(1);
            (OverdueAction::Duplicate(other), reason::HEDGE)
        } else {
            continue;
        };
        decisions.push(OverdueDecision { transfer, action, reason });
    }
    OverdueAnswer { decisions }
}
