//! What the tests of all policies share: [`small`] views built by hand, [`views`] drawn from a random seed,
//! and the [`rules`] that every policy keeps whatever it is shown.
//!
//! Used by tests alone. Not here: golden views of real swarms, which the SDK has, because a policy outside
//! of this checkout needs them too.

pub mod rules;
pub mod small;
pub mod views;
