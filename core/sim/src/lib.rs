//! Many Samara nodes on one machine: the very engine and policies of the node, on a virtual network with one
//! clock and one random seed.
//!
//! [`Scenario::parse`] reads what is distributed to whom, and what goes wrong; [`run`] runs it and reports
//! how near it came to the theoretical limit. Called by `samara sim`. There is no selection code in here:
//! what is sent to whom is decided by the engine and the policy.

pub mod network;
mod registry;
mod report;
pub mod rivals;
mod run;
pub mod scenario;
mod world;

pub use registry::{BUILT_IN, Decide, Native, find as find_policy, names as policy_names};
pub use samara_engine::swarm::PolicyFacts;

pub use report::{FIGURES, Report};
pub use run::{run, run_with};
pub use scenario::{Scenario, ScenarioError};
pub use world::{Losses, Progress};
