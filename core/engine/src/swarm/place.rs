//! Where peers stand, seen from here, and what else their operators say of them.

use alloc::string::String;
use alloc::vec::Vec;

use samara_model::{HOST, LabelNumbers, Place, RACK, ZONE};
use samara_policy::relation;

use super::neighbour::Neighbour;
use super::{LinkKey, Swarm};

/// One of [`relation`]. Racks are told apart by zone and rack: two zones may both have a rack `r1`.
pub(crate) fn relation_between(here: &Place, there: &Place) -> u32 {
    let same = |a: u64, b: u64| a != 0 && a == b;
    let differ = |a: u64, b: u64| a != 0 && b != 0 && a != b;
    if same(here.host, there.host) {
        relation::HOST
    } else if differ(here.zone, there.zone) {
        relation::REMOTE
    } else if same(here.rack, there.rack) {
        relation::RACK
    } else if same(here.zone, there.zone) {
        relation::ZONE
    } else if differ(here.rack, there.rack) {
        relation::REMOTE
    } else {
        relation::UNKNOWN
    }
}

/// The numbers of these labels, as far as a place knows them; 0 for others.
pub(crate) fn label_numbers(place: Place, labels: &[String]) -> impl Iterator<Item = u64> {
    labels.iter().map(move |key| match &**key {
        ZONE => place.zone,
        RACK => place.rack,
        HOST => place.host,
        _ => 0,
    })
}

fn shown(labels: &LabelNumbers, wanted: &[String]) -> Vec<u64> {
    wanted.iter().map(|key| labels.number(key)).collect()
}

impl Neighbour {
    /// Takes in what is said of it; `wanted` are the labels that the policy wants to see.
    pub(super) fn label(&mut self, labels: LabelNumbers, here: &Place, wanted: &[String]) {
        self.place = labels.place();
        self.relation = relation_between(here, &self.place);
        self.shown = shown(&labels, wanted);
        self.labels = labels;
    }
}

impl Swarm {
    /// The operator of this node says something else of it: it may stand elsewhere, and see all others anew.
    pub(super) fn on_relabelled(&mut self, labels: LabelNumbers) {
        if self.labels == labels {
            return;
        }
        self.place = labels.place();
        self.labels = labels;
        self.look_at_labels();
        self.decide_anew();
    }

    pub(super) fn on_peer_relabelled(&mut self, link: LinkKey, labels: LabelNumbers) {
        let Some(neighbour) = self.neighbours.get_mut(&link) else { return };
        neighbour.label(labels, &self.place, &self.policy.labels);
        self.hints.stands(&neighbour.peer, neighbour.place);
        self.decide_anew();
    }

    /// Brings what the policy sees of the labels up to date.
    pub(super) fn look_at_labels(&mut self) {
        self.shown = shown(&self.labels, &self.policy.labels);
        for neighbour in self.neighbours.values_mut() {
            neighbour.relation = relation_between(&self.place, &neighbour.place);
            neighbour.shown = shown(&neighbour.labels, &self.policy.labels);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_label_that_both_have_decides() {
        let place = |zone, rack, host| Place { zone, rack, host };
        let check = |here: Place, there: Place, wanted: u32| {
            assert_eq!(relation_between(&here, &there), wanted, "{here:?} {there:?}");
            assert_eq!(relation_between(&there, &here), wanted, "{there:?} {here:?}");
        };
        check(place(1, 2, 3), place(1, 2, 3), relation::HOST);
        check(place(1, 2, 3), place(1, 2, 4), relation::RACK);
        check(place(1, 2, 3), place(1, 5, 4), relation::ZONE);
        check(place(1, 2, 3), place(9, 2, 4), relation::REMOTE);
        check(place(0, 2, 0), place(0, 2, 0), relation::RACK);
        check(place(0, 2, 0), place(0, 5, 0), relation::REMOTE);
        check(place(1, 2, 0), place(1, 0, 0), relation::ZONE);
        check(place(1, 2, 3), place(0, 0, 0), relation::UNKNOWN);
        check(place(0, 0, 0), place(0, 0, 0), relation::UNKNOWN);
    }
}
