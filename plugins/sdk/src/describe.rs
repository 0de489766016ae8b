//! What a policy says of itself.

use alloc::string::String;
use alloc::vec::Vec;

/// A policy's own description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name, as in `policies/NAME`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Which hooks are called.
    pub hooks: Hooks,
    /// Which chunks it is shown when more than [`crate::MAX_WINDOW`] are wanted.
    pub window: WindowOrder,
    /// Its parameters, in the order in which [`crate::Me::parameters`] gives their values.
    pub parameters: Vec<Parameter>,
}

/// Which hooks a policy wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hooks {
    /// [`crate::Policy::neighbours`]
    pub neighbours: bool,
    /// [`crate::Policy::offers`]
    pub offers: bool,
    /// [`crate::Policy::requests`]
    pub requests: bool,
    /// [`crate::Policy::overdue`]
    pub overdue: bool,
}

/// Which chunks come into the window first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WindowOrder {
    /// Fewest known holders first, ties in an order drawn anew for each node.
    #[default]
    Rarest,
    /// Lowest index first.
    LowestIndex,
}

/// A tunable number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it does and in which unit.
    pub help: String,
    /// Its value when nobody sets it.
    pub default: u64,
}
