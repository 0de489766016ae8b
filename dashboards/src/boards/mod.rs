//! The dashboards. Rows are questions, in the order in which a person asks them: is it healthy, how far is it,
//! who is slow, why, what changed. A node is a row of a table, never a line of its own: a fleet has thousands.

mod fleet;
mod node;
mod policies;
mod rollouts;
mod transfer;

use crate::board::Board;

/// All of them, with their file names.
pub fn all() -> Vec<(&'static str, Board)> {
    vec![
        ("fleet-overview", fleet::board()),
        ("swarm-transfer", transfer::board()),
        ("node-detail", node::board()),
        ("policies", policies::board()),
        ("rollouts", rollouts::board()),
    ]
}
