//! What goes wrong, when, and whether it really did.

use samara_engine::seeder::{Seeder, SeederConfig};
use samara_engine::swarm::SwarmInput;
use samara_engine::tracker::{Announcer, AnnouncerConfig};
use samara_model::ChunkSet;

use super::clock::Event;
use super::finding::tracker_address;
use super::node::{Node, PolicyHealth, address, mix};
use super::{World, gossip};
use crate::scenario::quantity::{When, Who};
use crate::scenario::{Discovery, FaultKind};

/// Places in [`Node::blame`].
pub(super) const CORRUPT: usize = 0;
pub(super) const LIAR: usize = 1;
pub(super) const DISK: usize = 2;
pub(super) const POLICY: usize = 3;

/// The faults of a run.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Per fault: how often it showed.
    shown: Vec<u64>,
    /// Those that wait for progress.
    waiting: Vec<usize>,
    /// Those that have not begun.
    to_begin: usize,
    /// Those that are going to end.
    to_end: usize,
    victims: Vec<Vec<u32>>,
}

impl Faults {
    /// Something is still going to change.
    pub fn any_to_come(&self) -> bool {
        self.to_begin > 0 || self.to_end > 0
    }

    /// The fault of this node has shown.
    pub fn fired(&mut self, node: &Node, kind: usize) {
        if let Some(fault) = node.blame[kind] {
            self.shown[fault] += 1;
        }
    }

    /// Per fault, how often it showed.
    pub fn shown(&self) -> &[u64] {
        &self.shown
    }
}

impl World {
    pub(super) fn plan_faults(&mut self) {
        let faults = self.scenario.faults.clone();
        self.faults.shown = vec![0; faults.len()];
        self.faults.victims = vec![Vec::new(); faults.len()];
        self.faults.to_begin = faults.len();
        for (number, fault) in faults.iter().enumerate() {
            match fault.at {
                When::After(span) => {
                    let at = self.start + span.nanos(self.chunk_time);
                    self.clock.add(at, Event::Fault(number));
                }
                When::Progress(_) | When::Copies(_) => self.faults.waiting.push(number),
            }
        }
    }

    /// Begins the faults that waited for this much progress.
    pub(super) fn look_at_faults(&mut self) {
        if self.faults.waiting.is_empty() {
            return;
        }
        let progress = self.arrived as f64 / self.wanted.max(1) as f64;
        let size: u64 = self.scenario.contents.iter().map(|content| content.size).sum();
        let copies = self.counts.origin_bytes / size as f64;
        let mut due = Vec::new();
        let faults = &self.scenario.faults;
        self.faults.waiting.retain(|number| {
            let now = match faults[*number].at {
                When::Progress(share) => progress >= share,
                When::Copies(wanted) => copies >= wanted,
                When::After(_) => true,
            };
            if now {
                due.push(*number);
            }
            !now
        });
        for number in due {
            self.clock.add(self.now, Event::Fault(number));
        }
    }

    pub(super) fn fault_begins(&mut self, number: usize) {
        self.faults.to_begin -= 1;
        let fault = self.scenario.faults[number];
        let victims = self.victims(fault.who);
        match fault.kind {
            _ if fault.who == Who::Tracker => self.tracker_crashes(number),
            FaultKind::Crash => {
                for node in &victims {
                    self.crash(*node, fault.noticed_after);
                    self.faults.shown[number] += 1;
                }
            }
            FaultKind::Partition => self.part(number, &victims, fault.noticed_after),
            FaultKind::Corrupt => self.blame(number, &victims, CORRUPT, |node| node.corrupt = true),
            FaultKind::Liar => self.blame(number, &victims, LIAR, |node| node.liar = true),
            FaultKind::FullDisk => self.blame(number, &victims, DISK, |node| node.disk_full = true),
            FaultKind::SlowPolicy => self.blame(number, &victims, POLICY, |node| {
                node.policy = PolicyHealth::Slow(fault.delay);
            }),
            FaultKind::FailingPolicy => self.blame(number, &victims, POLICY, |node| {
                node.policy = PolicyHealth::Failing;
            }),
        }
        self.faults.victims[number] = victims;
        if let Some(lasts) = fault.lasts {
            self.faults.to_end += 1;
            self.clock.add(self.now + lasts, Event::FaultOver(number));
        }
        self.count_unfinished();
    }

    pub(super) fn fault_ends(&mut self, number: usize) {
        self.faults.to_end -= 1;
        let kind = self.scenario.faults[number].kind;
        let victims = std::mem::take(&mut self.faults.victims[number]);
        if kind == FaultKind::Partition {
            self.nodes.iter_mut().for_each(|node| node.side = 0);
        }
        for node in victims {
            match kind {
                FaultKind::Crash => self.come_back(node),
                FaultKind::FullDisk => {
                    self.nodes[node as usize].disk_full = false;
                    for content in 0..self.contents.len() as u16 {
                        self.next_input(node, content, SwarmInput::Resumed);
                    }
                }
                FaultKind::SlowPolicy | FaultKind::FailingPolicy => {
                    self.nodes[node as usize].policy = PolicyHealth::Fine;
                }
                // Whoever forged or lied is not believed again.
                FaultKind::Corrupt | FaultKind::Liar | FaultKind::Partition => {}
            }
        }
        self.count_unfinished();
    }

    /// Those whom a fault befalls: at random, among those who still fetch as long as there are enough.
    fn victims(&mut self, who: Who) -> Vec<u32> {
        let peers = self.nodes.len() as u32 - 1;
        let wanted = match who {
            Who::Origin => return vec![0],
            Who::Tracker => return Vec::new(),
            Who::Share(share) => (share * f64::from(peers)).round().max(1.0) as u32,
            Who::Count(count) => count,
        };
        let mut able: Vec<u32> =
            (1..=peers).filter(|node| self.nodes[*node as usize].alive).collect();
        self.random.shuffle(&mut able);
        able.sort_by_key(|node| self.nodes[*node as usize].completed.is_some());
        able.truncate(wanted as usize);
        able
    }

    fn blame(&mut self, fault: usize, victims: &[u32], kind: usize, does: impl Fn(&mut Node)) {
        for node in victims {
            let node = &mut self.nodes[*node as usize];
            node.blame[kind] = Some(fault);
            does(node);
        }
    }

    fn tracker_crashes(&mut self, number: usize) {
        let Some(host) = self.trackers.first_mut() else { return };
        self.faults.shown[number] += u64::from(std::mem::replace(&mut host.alive, false));
        for node in 0..self.nodes.len() as u32 {
            let (life, reached) =
                (self.nodes[node as usize].life, self.nodes[node as usize].reached[0]);
            if reached {
                self.tracker_lost(node, life, 0);
            }
        }
    }

    fn part(&mut self, number: usize, victims: &[u32], noticed_after: u64) {
        for node in victims {
            self.nodes[*node as usize].side = 1;
        }
        for pair in 0..self.pairs.len() as u32 {
            let [a, b] = self.pairs[pair as usize].ends;
            let parted = self.nodes[a as usize].side != self.nodes[b as usize].side;
            if parted && self.pairs[pair as usize].up {
                self.faults.shown[number] += 1;
                self.end_pair(pair, noticed_after);
            }
        }
    }

    fn crash(&mut self, node: u32, noticed_after: u64) {
        let it = &mut self.nodes[node as usize];
        it.alive = false;
        it.life += 1;
        let members =
            std::mem::replace(&mut it.members, (0..it.kept.len()).map(|_| None).collect());
        for (kept, member) in it.kept.iter_mut().zip(members) {
            if let Some(member) = member {
                *kept = Some(member.has);
            }
        }
        let pairs: Vec<u32> = it.pairs.values().copied().collect();
        for pair in pairs {
            self.end_pair(pair, noticed_after);
        }
    }

    /// A crashed node starts again, with the chunks that it had.
    fn come_back(&mut self, node: u32) {
        let life = self.nodes[node as usize].life;
        if self.nodes[node as usize].alive {
            return;
        }
        let seed =
            |purpose: u64| mix(self.random_seed, u64::from(node) | purpose << 40) ^ u64::from(life);
        let engine = &self.scenario.engine;
        let slots = SeederConfig {
            upload_slots: engine.upload_slots,
            download_slots: engine.download_slots,
        };
        let (seeder, for_gossip) = (Seeder::new(slots, seed(1)), seed(3));
        let trackers = (0..self.scenario.trackers).map(tracker_address).collect();
        let announcer = (self.scenario.discovery == Discovery::Tracker)
            .then(|| Announcer::new(AnnouncerConfig::default(), address(node), trackers, seed(2)));
        let it = &mut self.nodes[node as usize];
        (it.alive, it.seeder, it.announcer) = (true, seeder, announcer);
        it.reached.iter_mut().for_each(|reached| *reached = false);
        it.pairs.clear();
        it.announces = false;
        if it.gossip.is_some() {
            it.gossip = Some(gossip::machine(it.id, node, u64::from(life) + 1, for_gossip));
            self.start_gossip(node);
        }
        for content in 0..self.contents.len() as u16 {
            let had = self.nodes[node as usize].kept[content as usize].is_some();
            if had || node == 0 {
                self.open(node, content);
            }
        }
        let members = &self.nodes[node as usize].members;
        if node != 0 && members.iter().any(|one| one.as_ref().is_none_or(|one| !one.complete)) {
            self.nodes[node as usize].completed = None;
        }
    }

    /// A node that is down would have begun now: it does when it is back.
    pub(super) fn begin_when_back(&mut self, node: u32, content: u16) {
        let chunks = self.scenario.contents[content as usize].chunks();
        let kept = &mut self.nodes[node as usize].kept[content as usize];
        kept.get_or_insert_with(|| ChunkSet::empty(chunks));
    }
}
