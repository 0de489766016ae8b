//! What operators say of this node and of others. An operator may say something else while the node runs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use samara_model::{HOST, LabelNumbers, Labels, PeerId, Place, RACK, ZONE};
use samara_wire::{label_number, number_labels};

use super::Shared;
use crate::gossip_actor::GossipMessage;
use crate::link::LinkHandle;
use crate::swarm_actor::SwarmMessage;
use crate::tracker_actor::TrackerMessage;

/// In words, and as numbers.
pub struct OwnLabels(RwLock<(Labels, LabelNumbers)>);

impl OwnLabels {
    /// As the node starts.
    pub fn new(labels: &Labels) -> Self {
        OwnLabels(RwLock::new((labels.clone(), number_labels(labels))))
    }

    fn read(&self) -> (Labels, LabelNumbers) {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The values that stand behind the numbers of a place, as far as anybody near says them.
pub struct Words {
    values: HashMap<u64, String>,
    live: HashMap<PeerId, Labels>,
}

impl Words {
    /// What is said of a peer: all by those with a link, of others where they stand.
    pub fn of(&self, peer: &PeerId, place: &Place) -> BTreeMap<String, String> {
        if let Some(said) = self.live.get(peer) {
            return in_words(said);
        }
        [(ZONE, place.zone), (RACK, place.rack), (HOST, place.host)]
            .into_iter()
            .filter(|(_, number)| *number != 0)
            .map(|(key, number)| (key.to_owned(), self.value(number)))
            .collect()
    }

    fn value(&self, number: u64) -> String {
        self.values.get(&number).cloned().unwrap_or_else(|| format!("#{number:016x}"))
    }
}

fn in_words(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

impl Shared {
    /// What the operator says of this node now, as numbers.
    pub fn labels(&self) -> LabelNumbers {
        self.own_labels.read().1
    }

    /// The same in words.
    pub fn said(&self) -> BTreeMap<String, String> {
        in_words(&self.own_labels.read().0)
    }

    /// Where this node stands now.
    pub fn place(&self) -> Place {
        self.labels().place()
    }

    /// The operator says something else of this node from now on: its own machines decide by it, its links tell their
    /// peers, gossip and trackers everybody else. Nothing that is under way ends.
    pub fn set_labels(&self, labels: &Labels) {
        {
            let mut own = self.own_labels.0.write().unwrap_or_else(PoisonError::into_inner);
            if own.0 == *labels {
                return;
            }
            *own = (labels.clone(), number_labels(labels));
        }
        tracing::info!(%labels, "other labels from now on");
        if let Some(links) = self.links() {
            links.set_labels(labels.clone());
        }
        self.measure_scopes();
        for state in self.contents_now() {
            state.swarm.tell(SwarmMessage::Relabelled);
        }
        self.gossip.tell(GossipMessage::Relabelled);
        self.tracker.tell(TrackerMessage::Relabelled);
    }

    /// The values of labels that this node and its neighbours have.
    pub fn words(&self) -> Words {
        let links = self.live_links();
        let live: HashMap<PeerId, Labels> =
            links.iter().map(|link: &LinkHandle| (link.peer, link.said())).collect();
        let own = self.own_labels.read().0;
        let known = live.values().chain([&own]).flat_map(Labels::iter);
        let values = known.map(|(_, value)| (label_number(value), value.to_owned())).collect();
        Words { values, live }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_link_is_told_in_full_and_others_by_where_they_stand() {
        let mut said = Labels::default();
        for label in ["rack=r1", "tier=gold"] {
            said.add(label.parse().expect("a label")).expect("room");
        }
        let (near, far) = (PeerId([1; 32]), PeerId([2; 32]));
        let words = Words {
            values: HashMap::from([(label_number("r1"), "r1".to_owned())]),
            live: HashMap::from([(near, said)]),
        };
        let text = |labels: BTreeMap<String, String>| -> Vec<String> {
            labels.into_iter().map(|(key, value)| format!("{key}={value}")).collect()
        };
        let place = Place { zone: 0, rack: label_number("r1"), host: 255 };
        assert_eq!(text(words.of(&near, &place)), ["rack=r1", "tier=gold"]);
        assert_eq!(text(words.of(&far, &place)), ["host=#00000000000000ff", "rack=r1"]);
        assert!(words.of(&far, &Place::default()).is_empty());
    }
}
