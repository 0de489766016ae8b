//! How the actors of a node fare, and the fault that tests inject.

use super::Node;
use crate::api::ActorName;
use crate::chunk_store_actor::ChunkStoreMessage;
use crate::gossip_actor::GossipMessage;
use crate::seeder_actor::SeederMessage;
use crate::selector_actor::SelectorMessage;
use crate::swarm_actor::SwarmMessage;
use crate::tracker_actor::TrackerMessage;

impl Node {
    /// How often an actor was restarted after a panic.
    pub fn restarts(&self, actor: ActorName) -> u64 {
        self.shared.metrics.restarts_of(actor)
    }

    /// The most messages that ever waited in the mailbox of an actor; for `Swarm`, of any swarm.
    pub fn deepest_mailbox(&self, actor: ActorName) -> usize {
        match actor {
            ActorName::Seeder => self.shared.seeder.gauge().most(),
            ActorName::ChunkStore => self.shared.chunk_store.gauge().most(),
            ActorName::Gossip => self.shared.gossip.gauge().most(),
            ActorName::Selector => self.shared.selector.gauge().most(),
            ActorName::Tracker => self.shared.tracker.gauge().most(),
            ActorName::Swarm => self
                .shared
                .contents_now()
                .iter()
                .map(|state| state.swarm.gauge().most())
                .max()
                .unwrap_or(0),
        }
    }

    /// Makes an actor panic, to test that it comes back. False when it is down just now.
    #[doc(hidden)]
    pub fn inject_panic(&self, actor: ActorName) -> bool {
        match actor {
            ActorName::Seeder => self.shared.seeder.tell(SeederMessage::Panic),
            ActorName::ChunkStore => self.shared.chunk_store.tell(ChunkStoreMessage::Panic),
            ActorName::Gossip => self.shared.gossip.tell(GossipMessage::Panic),
            ActorName::Selector => self.shared.selector.tell(SelectorMessage::Panic),
            ActorName::Tracker => self.shared.tracker.tell(TrackerMessage::Panic),
            ActorName::Swarm => {
                let contents = self.shared.contents_now();
                let told: Vec<bool> =
                    contents.iter().map(|state| state.swarm.tell(SwarmMessage::Panic)).collect();
                !told.is_empty() && told.into_iter().all(|told| told)
            }
        }
    }
}
