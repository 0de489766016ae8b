//! The built-in policy: two-sided matching.
//!
//! The uploader offers a few candidate chunks, rarest first, to a receiver chosen at random among those
//! with the fewest inbound transfers; the receiver takes one or declines. The origin pushes each chunk once,
//! unasked, before any twice. Why: choices from one side's state alone are provably inefficient (Sanghavi,
//! Hajek, Massoulie 2007), and on a shaped network this came closest to the limit of all that was tried.
//!
//! Not here: slots, reservations, timeouts and the receiver's choice. They are the engine's.

#![no_std]

extern crate alloc;

mod neighbours;
mod offers;
mod overdue;
mod requests;

use alloc::string::ToString;
use alloc::vec;

use samara_policy::{
    Description, Hooks, MAX_CANDIDATES, NeighboursAnswer, NeighboursView, OffersAnswer, OffersView,
    OverdueAnswer, OverdueView, Parameter, ParameterKind, Policy, RequestsAnswer, RequestsView,
    WindowOrder,
};

/// The built-in policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Balanced;

/// Candidates per offer when the parameter is not set.
const CANDIDATES: u64 = 8;

samara_policy::export!(Balanced);

impl Policy for Balanced {
    fn describe(&self) -> Description {
        Description {
            name: "balanced".to_string(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            hooks: Hooks::ALL,
            window: WindowOrder::Rarest,
            labels: vec![],
            parameters: vec![Parameter {
                name: "candidates".to_string(),
                help: "chunks in one offer".to_string(),
                kind: ParameterKind::Number,
                default: CANDIDATES,
                min: 1,
                max: MAX_CANDIDATES as u64,
            }],
        }
    }

    fn neighbours(&self, view: &NeighboursView) -> NeighboursAnswer {
        neighbours::choose(view)
    }

    fn offers(&self, view: &OffersView) -> OffersAnswer {
        let candidates = view.me.parameter(0, CANDIDATES).clamp(1, MAX_CANDIDATES as u64);
        offers::choose(view, candidates as usize)
    }

    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        requests::choose(view)
    }

    fn overdue(&self, view: &OverdueView) -> OverdueAnswer {
        overdue::choose(view)
    }
}

/// Reason codes of this policy.
pub mod reason {
    /// The origin sends a chunk that nobody else has.
    pub const FIRST_PASS: u32 = 1;
    /// The receiver is among those with the fewest inbound transfers.
    pub const LEAST_INBOUND: u32 = 2;
    /// A slot stayed free although somebody has what is missing.
    pub const IDLE_SLOT: u32 = 3;
    /// A transfer takes several times the usual time and somebody else has the chunk.
    pub const HEDGE: u32 = 4;
    /// A transfer takes so long that its source is given up.
    pub const GIVE_UP: u32 = 5;
    /// There are fewer connections than there should be.
    pub const ROOM: u32 = 6;
}
