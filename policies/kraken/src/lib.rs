//! What Kraken's agents do, for comparison: ten connections, complete peers first, and over each connection
//! a pipeline of a few requests, rarest first, whoever else is busy.
//!
//! Kraken chooses for one connection at a time and sees no speed and no load; neither does this.

#![no_std]

extern crate alloc;

mod neighbours;
mod requests;

use samara_policy::{
    Description, Hooks, NeighboursAnswer, NeighboursView, OverdueAnswer, OverdueView, Parameter,
    Policy, RequestsAnswer, RequestsView,
    pick::{self, Patience},
};

/// The policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kraken;

/// Kraken's `max_open_connections_per_torrent`.
const CONNECTIONS: u64 = 10;
/// Kraken's pipeline limit to an agent ...
const PIPELINE: u64 = 3;
/// ... and to an origin.
const ORIGIN_PIPELINE: u64 = 5;
/// Kraken's endgame threshold.
const ENDGAME: u64 = 3;
/// Kraken's request timeout for one MB, and at least.
const TIMEOUT_US: u64 = 4_000_000;

/// Reason codes of this policy, beside those of [`pick::reason`].
pub mod reason {
    /// The pipeline of a connection has room.
    pub const PIPELINE: u32 = 16;
    /// A candidate of the handout, complete ones first.
    pub const HANDOUT: u32 = 17;
}

samara_policy::export!(Kraken);

impl Policy for Kraken {
    fn describe(&self) -> Description {
        let hooks = Hooks { neighbours: true, requests: true, overdue: true, offers: false };
        Description::new("kraken", env!("CARGO_PKG_VERSION"))
            .hooks(hooks)
            .parameter(Parameter::number(
                "connections",
                "connections up to which others are dialled, for one content",
                CONNECTIONS,
                1..=1024,
            ))
            .parameter(Parameter::number(
                "pipeline",
                "chunks under way over one connection to a peer",
                PIPELINE,
                1..=8,
            ))
            .parameter(Parameter::number(
                "origin-pipeline",
                "chunks under way over one connection to the origin",
                ORIGIN_PIPELINE,
                1..=8,
            ))
            .parameter(Parameter::number(
                "endgame",
                "missing chunks from which on late transfers are asked for twice",
                ENDGAME,
                0..=1024,
            ))
            .parameter(Parameter::micros(
                "timeout",
                "time that a source has to begin, for each started MB of a chunk",
                TIMEOUT_US,
                100_000..=600_000_000,
            ))
    }

    fn neighbours(&self, view: &NeighboursView) -> NeighboursAnswer {
        neighbours::choose(view, view.me.parameter(0, CONNECTIONS).clamp(1, 1024) as u32)
    }

    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        let peer = view.me.parameter(1, PIPELINE).clamp(1, 8) as u32;
        let origin = view.me.parameter(2, ORIGIN_PIPELINE).clamp(1, 8) as u32;
        requests::choose(view, peer, origin)
    }

    fn overdue(&self, view: &OverdueView) -> OverdueAnswer {
        let missing = u64::from(view.me.chunks.saturating_sub(view.me.held));
        let is_endgame = missing <= view.me.parameter(3, ENDGAME);
        let megabytes = u64::from(view.me.chunk_bytes).div_ceil(1 << 20).max(1);
        let timeout = view.me.parameter(4, TIMEOUT_US).max(100_000);
        let patience = Patience {
            hedge_us: if is_endgame { 0 } else { u64::MAX },
            give_up_us: timeout.saturating_mul(megabytes),
        };
        pick::overdue(view, patience, &[], |_| 0)
    }
}
