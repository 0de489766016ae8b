//! Loads, limits and runs policies compiled to WASM.
//!
//! A [`Host`] compiles a file into a [`Module`]; a module gives [`Instance`]s; an instance answers one
//! [`samara_policy::Question`] at a time. A [`Pool`] does so on threads of its own; a caller that wants the
//! answer at once gives the module a little to use ([`Brief`]) and asks the pool when that was not enough. Whatever a module does — spin, trap, exhaust its memory, answer nonsense — ends as a [`Fault`] of
//! that one call; the next call gets a fresh instance.
//!
//! A module can do nothing but compute: it imports nothing, so it has no clock, no randomness, no files and
//! no network. What it may use is in [`Limits`].
//!
//! The only crate that names wasmtime. Not here: what happens after a fault (the built-in policy answers, the
//! module is put aside), which is the node's `Selector`; whether a decision holds, which the engine checks.

mod bindings;
mod cache;
mod describe;
mod fault;
mod host;
mod instance;
mod limits;
mod load_error;
mod marshal;
mod module;
mod parameters;
mod pool;
mod sniff;
mod ticker;

pub use fault::{Fault, Malformed};
pub use host::{CONTRACT, Host, HostError};
pub use instance::{Brief, Called, Instance};
pub use limits::Limits;
pub use load_error::LoadError;
pub use module::{Module, ModuleId};
pub use parameters::{ParameterError, parameter_values, show_value};
pub use pool::{Pool, PoolConfig, QueueFull, Reply};
