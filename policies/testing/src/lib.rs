//! What the tests of all policies share: [`views`] drawn from a random seed, and the [`rules`] that every
//! policy keeps whatever it is shown.
//!
//! Used by tests alone. Not here: golden views of real swarms and builders for single views, which a policy
//! outside of this checkout needs too.

pub mod rules;
pub mod views;
