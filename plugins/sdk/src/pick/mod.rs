//! The building blocks that strategies share: receivers and sources by load and cost, the rarest chunks,
//! reliable candidates, ties broken at random, and from them one whole answer per hook.
//!
//! A *cost* is a policy's own number for a peer, lowest first; [`NEVER`] leaves the peer out. It decides among
//! peers that are equally busy. The whole answers ([`offers`], [`requests`], [`overdue`], [`neighbours`]) are
//! those of `policies/balanced` and the defaults of [`crate::Policy`]; the parts are for other orders.
//!
//! All of them survive any view: a missing value counts as 0, and no answer has more than
//! [`MAX_DECISIONS`] rows.

mod neighbours;
mod offers;
mod overdue;
mod rarest;
mod receivers;
mod requests;
mod sources;

pub use neighbours::{connect, neighbours, unconnected};
pub use offers::{offers, offers_with};
pub use overdue::{Patience, overdue};
pub use rarest::{Rarest, rarest_order};
pub use receivers::Receivers;
pub use requests::{requests, requests_in_order};
pub use sources::Sources;

/// The cost of a peer that is never chosen.
pub const NEVER: u64 = u64::MAX;

/// Most decisions of one answer; more slots than that are left for the next question.
pub const MAX_DECISIONS: usize = 1024;

/// Reason codes of the whole answers. A policy that uses them numbers its own from 16 on.
pub mod reason {
    /// The origin sends a chunk that nobody else has.
    pub const FIRST_PASS: u32 = 1;
    /// The receiver is among those with the fewest inbound transfers.
    pub const LEAST_INBOUND: u32 = 2;
    /// A slot is free, and somebody has what is missing.
    pub const IDLE_SLOT: u32 = 3;
    /// A transfer takes several times the usual time and somebody else has the chunk.
    pub const HEDGE: u32 = 4;
    /// A transfer takes so long that its source is given up.
    pub const GIVE_UP: u32 = 5;
    /// There are fewer connections than there should be.
    pub const ROOM: u32 = 6;
}

/// The value of a column in a row; 0 (or false) where the column is too short.
pub fn at<T: Copy + Default>(column: &[T], row: u32) -> T {
    column.get(row as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
