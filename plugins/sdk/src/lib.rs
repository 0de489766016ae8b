//! The policy contract in Rust.
//!
//! A *policy* decides who talks to whom and which chunk moves next. It sees a *view*, columns of plain
//! numbers, and gives back decisions. It is a pure function: time, randomness and parameters are values in
//! the view, the same view gives the same answer, and any instance may get any call. It decides, but it can
//! break nothing: the engine checks each decision and drops what does not hold.
//!
//! Implement [`Policy`]; every hook has a default that decides nothing, and [`Description::hooks`] says
//! which hooks are called at all. Not here: how a policy is compiled to WASM, loaded and limited
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
mod random;
#[cfg(feature = "testing")]
pub mod testing;
mod view;

pub use answer::{
    Answer, Connection, NeighboursAnswer, Offer, OffersAnswer, OverdueAction, OverdueAnswer,
    OverdueDecision, Request, RequestsAnswer,
};
pub use describe::{Description, Hooks, Parameter, ParameterKind, WindowOrder};
pub use random::Random;
pub use view::{
    CandidateColumns, ChunkColumns, Column, Holdings, InboundColumns, Me, NeighboursView,
    OffersView, OverdueView, PeerColumns, Question, RequestsView, Times, relation,
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

    /// Whom to connect to and whom to drop. Asked when membership or health changes.
    fn neighbours(&self, _view: &NeighboursView) -> NeighboursAnswer {
        NeighboursAnswer::default()
    }

    /// What to send next, to whom. Asked when an upload slot is or will soon be free.
    fn offers(&self, _view: &OffersView) -> OffersAnswer {
        OffersAnswer::default()
    }

    /// What to ask for, from whom. Asked when download slots stay free.
    fn requests(&self, _view: &RequestsView) -> RequestsAnswer {
        RequestsAnswer::default()
    }

    /// What to do about transfers that take longer than they should.
    fn overdue(&self, _view: &OverdueView) -> OverdueAnswer {
        OverdueAnswer::default()
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
