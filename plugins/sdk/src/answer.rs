//! What a policy decides. `reason` is a small number of the policy's own; it ends up in metrics and in
//! `samara why`.

use alloc::vec::Vec;

/// The answer to a [`crate::Question`], of the same kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// From [`crate::Policy::neighbours`].
    Neighbours(NeighboursAnswer),
    /// From [`crate::Policy::offers`].
    Offers(OffersAnswer),
    /// From [`crate::Policy::requests`].
    Requests(RequestsAnswer),
    /// From [`crate::Policy::overdue`].
    Overdue(OverdueAnswer),
}

/// Whom to connect to, whom to drop: rows of the view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NeighboursAnswer {
    /// Rows to connect to, in order.
    pub connect: Vec<Connection>,
    /// Rows to disconnect.
    pub drop: Vec<Connection>,
}

/// One connection to make or to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Row of the peer.
    pub peer: u32,
    /// The policy's reason code.
    pub reason: u32,
}

/// One thing to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Row of the receiver.
    pub peer: u32,
    /// Send the first candidate at once, unasked; otherwise the receiver picks or declines.
    pub push: bool,
    /// 1 to 8 positions in the window, best first.
    pub chunks: Vec<u32>,
    /// The policy's reason code.
    pub reason: u32,
}

/// What to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OffersAnswer {
    /// In order; the engine stops when the slots are full.
    pub offers: Vec<Offer>,
}

/// One thing to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Row of the source.
    pub peer: u32,
    /// Position in the window; `None`: the source chooses.
    pub chunk: Option<u32>,
    /// The policy's reason code.
    pub reason: u32,
}

/// What to ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestsAnswer {
    /// In order.
    pub requests: Vec<Request>,
}

/// What to do about a slow transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverdueAction {
    /// Nothing yet.
    Wait,
    /// Ask the peer in this row for a second copy.
    Duplicate(u32),
    /// Give it up.
    Cancel,
}

/// What to do about one row of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverdueDecision {
    /// Row of `inbound`.
    pub transfer: u32,
    /// What to do.
    pub action: OverdueAction,
    /// The policy's reason code.
    pub reason: u32,
}

/// What to do about slow transfers; rows not named wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverdueAnswer {
    /// The decisions.
    pub decisions: Vec<OverdueDecision>,
}
