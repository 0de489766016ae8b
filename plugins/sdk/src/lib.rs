//! The policy contract in Rust.
//!
//! A *policy* decides who talks to whom and which chunk moves next. It sees a *view*, columns of plain
//! numbers, and gives back decisions. It is a pure function: time, randomness and parameters are values in
//! the view, the same view gives the same answer, and any instance may get any call. It decides, but it can
//! break nothing: the engine checks each decision and drops what does not hold.
//!
//! Implement [`Policy`]. Every hook has a default, the two-sided matching of [`pick`] in which
//! [`Policy::cost`] decides among peers that are equally busy, and [`Description::hooks`] says which hooks are
//! called at all. A policy that only scores peers is this long:
//!
//! ```
//! use samara_policy::{Description, Me, PeerColumns, Policy, pick, relation};
//!
//! /// Near peers first.
//! struct Near;
//!
//! impl Policy for Near {
//!     fn describe(&self) -> Description {
//!         Description::new("near", "1.0.0")
//!     }
//!
//!     fn cost(&self, _me: &Me, peers: &PeerColumns, row: u32) -> u64 {
//!         match pick::at(&peers.relation, row) {
//!             relation::HOST | relation::RACK => 0,
//!             relation::ZONE => 1,
//!             _ => 2,
//!         }
//!     }
//! }
//! # use samara_policy::{ChunkColumns, Holdings, OffersView};
//! # let view = OffersView {
//! #     me: Me { free_slots: 1, per_peer: 1, ..Me::default() },
//! #     peers: PeerColumns {
//! #         id: vec![1, 2, 3],
//! #         relation: vec![relation::REMOTE, relation::RACK, relation::ZONE],
//! #         lacks: vec![1; 3],
//! #         ..PeerColumns::default()
//! #     },
//! #     chunks: ChunkColumns { index: vec![0], holders: vec![0], ..ChunkColumns::default() },
//! #     unavailable: Holdings { words: 1, bits: vec![0; 3] },
//! #     more: vec![],
//! # };
//! let answer = Near.offers(&view);
//! assert_eq!(answer.offers[0].peer, 1);
//! ```
//!
//! Not here: how a policy is compiled to WASM, loaded and limited
//! (`plugins/host`), and how decisions are carried out (`core/engine`).
//!
//! Rows: a decision names a peer by its row in the view and a chunk by its position in the view's window,
//! never by an id, so that it cannot name what was not offered to it.

#![no_std]

extern crate alloc;

mod answer;
mod describe;
mod export;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[allow(unsafe_code, reason = "what enters and leaves a WASM module is unsafe by definition")]
pub mod guest;
mod hook;
pub mod pick;
mod random;
mod sites;
#[cfg(feature = "testing")]
pub mod testing;
mod view;

pub use answer::{
    Answer, Connection, NeighboursAnswer, Offer, OffersAnswer, OverdueAction, OverdueAnswer,
    OverdueDecision, Request, RequestsAnswer,
};
pub use describe::{Description, Hooks, Parameter, ParameterKind, WindowOrder};
pub use hook::Hook;
pub use random::Random;
pub use sites::{Sites, SitesBuilder};
pub use view::{
    CandidateColumns, ChunkColumns, Column, Holdings, InboundColumns, Me, NeighboursView,
    OffersView, OverdueView, PeerColumns, Question, RequestsView, Times, column, relation,
};

/// Most chunks that a view shows.
pub const MAX_WINDOW: usize = 1024;
/// Most candidates in one offer.
pub const MAX_CANDIDATES: usize = 8;
/// Most labels that a policy is shown.
pub const MAX_LABELS: usize = 4;
/// Most parameters of a policy.
pub const MAX_PARAMETERS: usize = 32;

/// A strategy. See the crate's documentation for the rules.
pub trait Policy {
    /// Name, version, parameters, and which hooks are wanted. Asked once.
    fn describe(&self) -> Description;

    /// What it costs to deal with the peer in `row`, in a unit of the policy's own: among peers that are
    /// equally busy the default hooks choose the least, ties at random; [`pick::NEVER`] leaves a peer out.
    /// 0 for everybody without an answer of the policy's. For [`Policy::neighbours`] the columns about
    /// transfers are empty: read them with [`pick::at`].
    fn cost(&self, _me: &Me, _peers: &PeerColumns, _row: u32) -> u64 {
        0
    }

    /// Whom to connect to and whom to drop. Asked when membership or health changes.
    fn neighbours(&self, view: &NeighboursView) -> NeighboursAnswer {
        let peers = PeerColumns::from(view);
        pick::neighbours(view, |row| self.cost(&view.me, &peers, row))
    }

    /// What to send next, to whom. Asked when an upload slot is or will soon be free.
    fn offers(&self, view: &OffersView) -> OffersAnswer {
        pick::offers(view, MAX_CANDIDATES, |row| self.cost(&view.me, &view.peers, row))
    }

    /// What to ask for, from whom. Asked when download slots are free; beside `offers` only when they stay so.
    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        pick::requests(view, &view.peers.incoming, |row| self.cost(&view.me, &view.peers, row))
    }

    /// What to do about transfers that take longer than they should.
    fn overdue(&self, view: &OverdueView) -> OverdueAnswer {
        let cost = |row| self.cost(&view.me, &view.peers, row);
        pick::overdue(view, pick::Patience::usual(view), &view.peers.incoming, cost)
    }

    /// Dispatches a question to its hook.
    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Neighbours(view) => Answer::Neighbours(self.neighbours(view)),
            Question::Offers(view) => Answer::Offers(self.offers(view)),
            Question::Requests(view) => Answer::Requests(self.requests(view)),
            Question::Overdue(view) => Answer::Overdue(self.overdue(view)),
        }
    }
}
