//! The gossip machine: one entry, the queries beside it.

use alloc::vec::Vec;
use samara_model::{ContentId, PeerMessage, Release, ReleaseName, Time};

use super::{GossipConfig, GossipInput, GossipOutput, HolderView, Member, MemberView};

/// See the [module](crate::gossip).
#[derive(Debug)]
pub struct Gossip {}

impl Gossip {
    /// A machine that has not started.
    pub fn new(_config: GossipConfig, _me: Member, _random_seed: u64) -> Self {
        Gossip {}
    }

    /// Takes in what happened and says what to do.
    pub fn handle(&mut self, _now: Time, _input: GossipInput, _out: &mut Vec<GossipOutput>) {}

    /// All known members, this node not included, ordered by id.
    pub fn members(&self, _now: Time) -> Vec<MemberView> {
        Vec::new()
    }

    /// Members that are up and hold something of `content`, this node not included: the complete ones
    /// first, then by id.
    pub fn holders(&self, _content: &ContentId, _now: Time) -> Vec<HolderView> {
        Vec::new()
    }

    /// What a name means.
    pub fn release(&self, _name: &ReleaseName) -> Option<&Release> {
        None
    }

    /// All known releases, ordered by name.
    pub fn releases(&self) -> impl Iterator<Item = &Release> {
        [].iter()
    }

    /// A `PeerMessage::FullState` for an exchange.
    pub fn full_state(&mut self, reply: bool) -> PeerMessage {
        PeerMessage::FullState {
            reply,
            members: Vec::new(),
            table: Vec::new(),
            releases: Vec::new(),
        }
    }

    /// Updates and summaries still to be passed on. Healthy when below the number of members.
    pub fn backlog(&self) -> usize {
        0
    }
}
