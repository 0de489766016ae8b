//! How nodes find each other: trackers and announcers, or the origin's address. Gossip is next door.

use std::net::SocketAddr;

use samara_engine::gossip::GossipInput;
use samara_engine::swarm::{PolicyFacts, SwarmInput};
use samara_engine::tracker::{
    AnnouncerEvent, AnnouncerInput, AnnouncerOutput, Tracker, TrackerConfig, TrackerInput,
    TrackerOutput,
};
use samara_model::{Holding, PeerHint, PeerMessage, Place, Time};

use super::World;
use super::clock::Event;
use super::dialling::DIAL_HOPS;
use super::node::{address, mix};
use crate::scenario::{Discovery, Scenario};

/// A machine on which a tracker runs.
#[derive(Debug)]
pub(super) struct TrackerHost {
    pub alive: bool,
    machine: Tracker,
}

/// The trackers of a scenario.
pub(super) fn trackers(
    scenario: &Scenario,
    random_seed: u64,
    policy: &PolicyFacts,
) -> Vec<TrackerHost> {
    let host = |number: u32| {
        let seed = mix(random_seed, u64::from(number) | 5 << 40);
        let mut machine = Tracker::new(TrackerConfig::default(), seed);
        let policy = TrackerInput::PolicyChanged { facts: policy.clone() };
        machine.handle(Time(0), policy, &mut Vec::new());
        TrackerHost { alive: true, machine }
    };
    (0..scenario.trackers).map(host).collect()
}

/// Where a tracker listens.
pub(super) fn tracker_address(number: u32) -> SocketAddr {
    SocketAddr::from(([10, 255, 255, number as u8 + 1], 7001))
}

fn tracker_at(address: &SocketAddr) -> Option<u32> {
    match address {
        SocketAddr::V4(v4) if v4.port() == 7001 => Some(u32::from(v4.ip().octets()[3]) - 1),
        _ => None,
    }
}

impl World {
    /// A node that has just taken up a content looks for others.
    pub(super) fn find_others(&mut self, node: u32, content: u16) {
        self.find_opened(node, content);
        let it = &mut self.nodes[node as usize];
        it.began.get_or_insert(self.now);
        let first = !std::mem::replace(&mut it.announces, true);
        match self.scenario.discovery {
            Discovery::Tracker => {
                if first {
                    self.announce(node, AnnouncerInput::Started);
                }
                self.ask_trackers(node, content);
            }
            Discovery::Origin if node != 0 => {
                let peer = self.nodes[0].id;
                let hint =
                    PeerHint { peer, address: address(0), permille: 1000, place: Place::default() };
                self.next_input(node, content, SwarmInput::HintsReceived(vec![hint]));
            }
            Discovery::Origin => {}
            Discovery::Gossip => self.hint_from_gossip(node, content),
        }
    }

    /// Asks every tracker who has a content, as a fetch does: announcements have pauses between them.
    fn ask_trackers(&mut self, node: u32, content: u16) {
        let life = self.nodes[node as usize].life;
        let wanted = Some(self.contents[content as usize]);
        for tracker in (0..self.scenario.trackers).filter(|_| node != 0) {
            let token = u32::from(content);
            let message = Box::new(PeerMessage::Find { token, release: None, content: wanted });
            let at = self.now + (1 + DIAL_HOPS) * self.delay();
            self.clock.add(at, Event::Announced { node, life, tracker, message });
        }
    }

    /// Lets announcer and gossip know what a node holds.
    pub(super) fn hold(&mut self, node: u32) {
        let members = self.nodes[node as usize].members.iter().zip(&self.contents);
        let holdings: Vec<Holding> = members
            .filter_map(|(member, content)| {
                let member = member.as_ref()?;
                let all = u64::from(member.has.universe().max(1));
                let permille = (u64::from(member.has.count()) * 1000 / all) as u16;
                Some(Holding { content: *content, permille, fetching: !member.complete })
            })
            .collect();
        if self.nodes[node as usize].gossip.is_some() {
            let holdings = holdings.clone();
            self.tell_gossip(node, GossipInput::HoldingsChanged { holdings });
        }
        self.announce(node, AnnouncerInput::HoldingsChanged { holdings });
    }

    pub(super) fn announce(&mut self, node: u32, input: AnnouncerInput) {
        let now = Time(self.now / 1000);
        let Some(announcer) = &mut self.nodes[node as usize].announcer else { return };
        let mut outputs = Vec::new();
        announcer.handle(now, input, &mut outputs);
        for output in outputs {
            self.carry_out_announcer(node, output);
        }
    }

    fn carry_out_announcer(&mut self, node: u32, output: AnnouncerOutput) {
        let life = self.nodes[node as usize].life;
        match output {
            AnnouncerOutput::Announce { tracker, message } => {
                let Some(tracker) = tracker_at(&tracker) else { return };
                let reached = &mut self.nodes[node as usize].reached[tracker as usize];
                let hops = if std::mem::replace(reached, true) { 1 } else { 1 + DIAL_HOPS };
                let at = self.now + hops * self.delay();
                let message = Box::new(message);
                self.clock.add(at, Event::Announced { node, life, tracker, message });
            }
            AnnouncerOutput::StartTimer { token, after } => {
                let at = self.now + after.as_nanos() as u64;
                self.clock.add(at, Event::AnnouncerTimer { node, life, token });
            }
            AnnouncerOutput::Report(AnnouncerEvent::Neighbours(content, hints)) => {
                let known = self.contents.iter().position(|one| *one == content);
                if let Some(content) = known {
                    self.next_input(node, content as u16, SwarmInput::HintsReceived(hints));
                }
            }
            AnnouncerOutput::Report(_) => {}
        }
    }

    pub(super) fn announcer_timer(&mut self, node: u32, life: u32, token: u64) {
        if self.is_life(node, life) {
            self.announce(node, AnnouncerInput::TimerFired { token });
        }
    }

    pub(super) fn announced(&mut self, node: u32, life: u32, tracker: u32, message: PeerMessage) {
        let alive = self.trackers[tracker as usize].alive;
        let from = self.nodes[node as usize].id;
        let link = u64::from(node) | u64::from(life) << 32;
        match message {
            PeerMessage::Announce { .. } if !alive => self.tracker_lost(node, life, tracker),
            PeerMessage::Announce { address, place, holdings, releases, token } => {
                let input = TrackerInput::Announced {
                    from,
                    link,
                    address,
                    place,
                    holdings,
                    releases,
                    token,
                };
                self.track(tracker, input);
            }
            PeerMessage::Find { token, release, content } => {
                self.track(tracker, TrackerInput::Find { link, token, release, content });
            }
            _ => {}
        }
    }

    /// A node learns that its tracker is gone.
    pub(super) fn tracker_lost(&mut self, node: u32, life: u32, tracker: u32) {
        if self.is_life(node, life) {
            self.nodes[node as usize].reached[tracker as usize] = false;
            let tracker = tracker_address(tracker);
            self.announce(node, AnnouncerInput::AnnounceFailed { tracker });
        }
    }

    pub(super) fn tracker_timer(&mut self, tracker: u32, token: u64) {
        self.track(tracker, TrackerInput::TimerFired { token });
    }

    fn track(&mut self, tracker: u32, input: TrackerInput) {
        let now = Time(self.now / 1000);
        let host = &mut self.trackers[tracker as usize];
        if !host.alive {
            return;
        }
        let mut outputs = Vec::new();
        host.machine.handle(now, input, &mut outputs);
        for output in outputs {
            match output {
                TrackerOutput::Send { link, message } => {
                    let (node, life) = (link as u32, (link >> 32) as u32);
                    let at = self.now + self.delay();
                    let message = Box::new(message);
                    self.clock.add(at, Event::HandedOut { node, life, tracker, message });
                }
                TrackerOutput::StartTimer { token, after } => {
                    let at = self.now + after.as_nanos() as u64;
                    self.clock.add(at, Event::TrackerTimer { tracker, token });
                }
                TrackerOutput::AskPolicy { token, question, .. } => {
                    let answer = self.policy.decide(&question);
                    self.track(tracker, TrackerInput::PolicyAnswered { token, answer });
                }
                TrackerOutput::Report(_) => {}
            }
        }
    }

    pub(super) fn handed_out(&mut self, node: u32, life: u32, tracker: u32, message: PeerMessage) {
        if !self.is_life(node, life) {
            return;
        }
        match message {
            PeerMessage::Handout { token, neighbours, refused, expires_s } => {
                let tracker = tracker_address(tracker);
                self.announce(
                    node,
                    AnnouncerInput::HandoutReceived {
                        tracker,
                        token,
                        neighbours,
                        refused,
                        expires_s,
                    },
                );
            }
            PeerMessage::Found { token, holders, .. } => {
                self.next_input(node, token as u16, SwarmInput::HintsReceived(holders));
            }
            _ => {}
        }
    }
}
