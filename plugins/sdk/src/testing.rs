//! For tests of policies: views that hang together, views at random, views from real swarms, and the text
//! format that `samara policy test` reads. Only with the feature `testing`; put it into `dev-dependencies`.
//!
//! ```
//! # use samara_policy::testing::Swarm;
//! // Two peers, four chunks, all of them here; the first peer has chunk 0.
//! let mut swarm = Swarm::new(2, 4);
//! swarm.gives(0, [0]);
//! let view = swarm.offers();
//! assert!(view.unavailable.get(0, 0));
//! assert_eq!(view.peers.lacks, [3, 4]);
//! ```

mod case;
mod fields;
mod golden;
mod rows;
mod scenario;
mod swarm;

pub use case::{Case, CaseError, Expected, columns_of};
pub use fields::{Field, fields};
pub use golden::{Golden, golden};
pub use rows::stray;
pub use scenario::{random_question, scenario};
pub use swarm::Swarm;
