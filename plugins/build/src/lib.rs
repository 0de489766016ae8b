//! Builds policies into WASM components.
//!
//! Two steps: cargo compiles the policy's crate as a core module for `wasm32-unknown-unknown`
//! ([`build`]), and [`componentize`] wraps it into a component with the types of the contract. The second
//! step knows no language: it takes any core module with the contract's exports.
//!
//! Called by `samara policy build` and `make policies`. Not here: what a node accepts, which is the host's.

mod cargo;
mod clang;
mod component;

pub use cargo::{BuildError, BuildOptions, Built, build};
pub use component::{ComponentError, WIT, componentize};
