//! Announcing this node to one of several trackers.

use alloc::vec::Vec;
use core::net::SocketAddr;
use samara_model::Time;

use super::{AnnouncerConfig, AnnouncerInput, AnnouncerOutput};

/// Announces what this node holds to the first tracker that answers. See the [module](crate::tracker).
#[derive(Debug)]
pub struct Announcer {}

impl Announcer {
    /// `trackers` in order of preference; `address` is where this node can be dialled.
    pub fn new(
        _config: AnnouncerConfig,
        _address: SocketAddr,
        _trackers: Vec<SocketAddr>,
        _random_seed: u64,
    ) -> Self {
        Announcer {}
    }

    /// Takes in what happened and says what to do.
    pub fn handle(&mut self, _now: Time, _input: AnnouncerInput, _out: &mut Vec<AnnouncerOutput>) {}

    /// The tracker that answered last, while it does.
    pub fn tracker(&self) -> Option<SocketAddr> {
        None
    }
}
