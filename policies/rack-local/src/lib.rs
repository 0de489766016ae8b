//! Two-sided matching that keeps bytes inside racks.
//!
//! Everybody knows all of its rack and a few peers outside. A chunk crosses only into a rack where nobody is known
//! to have it, and there to few members, its gateways, the same ones whoever sends. Gateways come first, as whole
//! racks wait for what they get, through one slot in four; the others go to the own rack. The origin spreads
//! its first copies evenly over the racks. Peers without a rack label are near to all.
//!
//! Why: racks that share an uplink at 4:1 do not change the limit as long as at most a quarter of the bytes
//! cross, and a choice that is blind to racks makes nearly all of them cross (simulated: 3.9 times the limit
//! against 1.1).

#![no_std]

extern crate alloc;

mod neighbours;
mod offers;
mod racks;
mod requests;

use samara_policy::{
    Description, MAX_CANDIDATES, Me, NeighboursAnswer, NeighboursView, OffersAnswer, OffersView,
    Parameter, PeerColumns, Policy, RequestsAnswer, RequestsView, column,
};

/// The policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct RackLocal;

/// Thousandths of the chunks for which a peer is a gateway by itself. Simulated with 1,000 peers and 1,000 chunks at
/// 4:1, without and with latency: 250 took 1.066 and 1.089 times the limit and 9 and 10 % of the bytes crossed, 400 took
/// 1.064 and 1.082 with 12 and 14 %.
const CROSS: u64 = 250;
/// Connections outside of the own rack.
const FAR_LINKS: u64 = 10;
/// Candidates per offer.
const CANDIDATES: u64 = 8;

/// Reason codes of this policy, beside those of `samara_policy::pick::reason`.
pub mod reason {
    /// The receiver is in this rack, or has no rack.
    pub const NEAR: u32 = 16;
    /// The receiver is a gateway of another rack, where nobody is seen to have the chunk.
    pub const GATEWAY: u32 = 17;
    /// A slot stayed free, and nobody near has the chunk.
    pub const STARVING: u32 = 18;
    /// A rack mate.
    pub const RACK_MATE: u32 = 19;
    /// One of the few links to other racks.
    pub const FAR_LINK: u32 = 20;
}

samara_policy::export!(RackLocal);

impl Policy for RackLocal {
    fn describe(&self) -> Description {
        Description::new("rack-local", env!("CARGO_PKG_VERSION"))
            .column(column::SITES)
            .parameter(Parameter::permille(
                "cross",
                "chunks for which a peer is a gateway; about 40 % of this share crosses",
                CROSS,
            ))
            .parameter(Parameter::number(
                "far-links",
                "connections outside of the own rack",
                FAR_LINKS,
                1..=1024,
            ))
            .parameter(Parameter::number(
                "candidates",
                "chunks in one offer",
                CANDIDATES,
                1..=MAX_CANDIDATES as u64,
            ))
    }

    /// 1 for peers of other racks: a second copy comes from near, if anybody there has it.
    fn cost(&self, me: &Me, peers: &PeerColumns, row: u32) -> u64 {
        u64::from(!racks::is_near(me, &peers.zone, &peers.rack, row))
    }

    fn neighbours(&self, view: &NeighboursView) -> NeighboursAnswer {
        neighbours::choose(view, view.me.parameter(1, FAR_LINKS).clamp(1, 1024) as u32)
    }

    fn offers(&self, view: &OffersView) -> OffersAnswer {
        let cross = view.me.parameter(0, CROSS).min(1000);
        let candidates = view.me.parameter(2, CANDIDATES).clamp(1, MAX_CANDIDATES as u64);
        offers::choose(view, cross, candidates as usize)
    }

    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        requests::choose(view)
    }
}
