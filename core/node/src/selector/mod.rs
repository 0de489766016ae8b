//! The policies of a node: which is active, which was before, which is tried beside it, and what to think of
//! each.
//!
//! [`Desk`] is the book that all parts share and that outlives the `Selector` actor; [`ask`](asking) is what
//! the actor does with a question. The built-in policy is asked at once, and so is a module whose answers are
//! quick, with a bound on time and fuel; any other on threads of its own ([`samara_policy_host::Pool`]). Whatever a
//! module does, a transfer goes on: the engine asks the built-in policy when an answer fails or is late, and here
//! the [`breaker`](Breaker) leaves a module alone that fails too often.

mod agreement;
mod asking;
mod breaker;
mod desk;
mod durations;
mod load;
mod loaded;
mod stats;
mod status;
mod tailor;

pub use asking::{Asked, Asker, ask};
pub use breaker::BreakerConfig;
pub use desk::Desk;
pub use load::{PolicyError, PolicyMode, PolicyRequest};
pub use status::{HookRow, PolicyName, PolicyRow, PolicyStatus};
