//! The tracker: one entry, the queries beside it.

use alloc::vec::Vec;
use samara_model::{Release, ReleaseName, Time};

use super::{TrackerConfig, TrackerInput, TrackerOutput};

/// The registry that a node with the tracker's role runs. See the [module](crate::tracker).
#[derive(Debug)]
pub struct Tracker {}

impl Tracker {
    /// An empty registry.
    pub fn new(_config: TrackerConfig, _random_seed: u64) -> Self {
        Tracker {}
    }

    /// Takes in what happened and says what to do.
    pub fn handle(&mut self, _now: Time, _input: TrackerInput, _out: &mut Vec<TrackerOutput>) {}

    /// How many peers are registered.
    pub fn peer_count(&self) -> usize {
        0
    }

    /// What a name means.
    pub fn release(&self, _name: &ReleaseName) -> Option<&Release> {
        None
    }
}
