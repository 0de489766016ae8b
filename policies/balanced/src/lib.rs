//! The built-in policy: two-sided matching.
//!
//! The uploader offers a few candidate chunks, rarest first, to a receiver chosen at random among those
//! with the fewest inbound transfers; the receiver takes one or declines. The origin pushes each chunk once,
//! unasked, before any twice. Why: choices from one side's state alone are provably inefficient (Sanghavi,
//! Hajek, Massoulie 2007), and on a shaped network this came closest to the limit of all that was tried.
//!
//! The parts are the SDK's (`samara_policy::pick`), because other strategies use them too. Not here: slots,
//! reservations, timeouts and the receiver's choice. They are the engine's.

#![no_std]

use samara_policy::{
    Description, MAX_CANDIDATES, OffersAnswer, OffersView, OverdueAnswer, OverdueView, Parameter,
    Policy, RequestsAnswer, RequestsView, pick,
};

pub use samara_policy::pick::reason;

/// The built-in policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Balanced;

/// Candidates per offer when the parameter is not set.
const CANDIDATES: u64 = 8;

samara_policy::export!(Balanced);

impl Policy for Balanced {
    fn describe(&self) -> Description {
        let most = MAX_CANDIDATES as u64;
        Description::new("balanced", env!("CARGO_PKG_VERSION")).parameter(Parameter::number(
            "candidates",
            "chunks in one offer",
            CANDIDATES,
            1..=most,
        ))
    }

    fn offers(&self, view: &OffersView) -> OffersAnswer {
        let candidates = view.me.parameter(0, CANDIDATES).clamp(1, MAX_CANDIDATES as u64);
        pick::offers(view, candidates as usize, |_| 0)
    }

    // Requests fill slots that stayed empty, so nothing comes in: the least busy peer is the one that least
    // goes out to.

    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        pick::requests(view, &view.peers.outstanding, |_| 0)
    }

    fn overdue(&self, view: &OverdueView) -> OverdueAnswer {
        pick::overdue(view, pick::Patience::usual(view), &view.peers.outstanding, |_| 0)
    }
}

#[cfg(test)]
mod tests;
