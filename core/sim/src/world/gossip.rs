//! Gossip among the nodes of a run: it settles before anybody fetches, and goes on meanwhile.

use samara_engine::gossip::{Gossip, GossipConfig, GossipEvent, GossipInput, GossipOutput, Member};
use samara_engine::swarm::SwarmInput;
use samara_model::{PeerHint, PeerId, PeerMessage, Time};

use super::World;
use super::clock::Event;
use super::dialling::DIAL_HOPS;
use super::node::{address, index_of, node_at};

/// Virtual time within which a cluster must settle.
const SETTLES_WITHIN: u64 = 300_000_000_000;
/// Between two looks whether it has.
const LOOK: u64 = 500_000_000;

/// The machine of a node; `instance` counts its starts.
pub(super) fn machine(peer: PeerId, node: u32, instance: u64, random_seed: u64) -> Gossip {
    let me = Member { peer, instance, address: address(node) };
    Gossip::new(GossipConfig::default(), me, random_seed)
}

impl World {
    /// All nodes join through node 0 and get to know each other.
    pub(super) fn settle_gossip(&mut self) {
        for node in 0..self.nodes.len() as u32 {
            self.start_gossip(node);
        }
        let others = self.nodes.len() - 1;
        self.run_gossip_until(|world| {
            let known = |node: &super::Node| node.gossip.as_ref().map_or(0, Gossip::up_count);
            world.nodes.iter().all(|node| known(node) == others)
        });
    }

    /// What the origin holds gets around.
    pub(super) fn spread_gossip(&mut self) {
        self.run_gossip_until(|world| {
            let (now, contents) = (Time(world.now / 1000), &world.contents);
            world.nodes.iter().skip(1).all(|node| {
                let gossip = node.gossip.as_ref();
                gossip.is_some_and(|gossip| {
                    contents.iter().all(|content| !gossip.holders(content, now).is_empty())
                })
            })
        });
    }

    fn run_gossip_until(&mut self, reached: impl Fn(&World) -> bool) {
        let end = self.now + SETTLES_WITHIN;
        while self.now < end {
            if reached(self) {
                return;
            }
            let until = self.now + LOOK;
            while self.step(until) {}
            self.now = until;
        }
        self.violate("gossip did not settle within five minutes".into());
    }

    pub(super) fn start_gossip(&mut self, node: u32) {
        let join = if node == 0 { Vec::new() } else { vec![address(0)] };
        self.tell_gossip(node, GossipInput::Started { join });
    }

    pub(super) fn gossip_input(&mut self, node: u32, life: u32, input: GossipInput) {
        if self.is_life(node, life) {
            self.tell_gossip(node, input);
        }
    }

    pub(super) fn tell_gossip(&mut self, node: u32, input: GossipInput) {
        let now = Time(self.now / 1000);
        let Some(gossip) = &mut self.nodes[node as usize].gossip else { return };
        let mut outputs = Vec::new();
        gossip.handle(now, input, &mut outputs);
        for output in outputs {
            self.carry_out_gossip(node, output);
        }
    }

    fn carry_out_gossip(&mut self, node: u32, output: GossipOutput) {
        match output {
            GossipOutput::SendDatagram { to, bytes } => {
                let lost = f64::from(self.random.below(1 << 20)) / f64::from(1u32 << 20);
                if lost >= self.scenario.datagram_loss {
                    let input = GossipInput::DatagramReceived { from: address(node), bytes };
                    self.gossip_later(node, node_at(&to), input);
                }
            }
            GossipOutput::ExchangeWith { address, .. } => {
                let at = self.now + DIAL_HOPS * self.delay();
                let (from, to) = (node, node_at(&address));
                self.clock.add(at, Event::GossipExchange { from, to });
            }
            GossipOutput::AnswerExchange { peer, message } => {
                self.send_state(node, index_of(&peer), message)
            }
            GossipOutput::StartTimer { token, after } => {
                let (life, at) =
                    (self.nodes[node as usize].life, self.now + after.as_nanos() as u64);
                let input = Box::new(GossipInput::TimerFired { token });
                self.clock.add(at, Event::Gossip { node, life, input });
            }
            GossipOutput::Report(GossipEvent::HoldersChanged(content)) => {
                let known = self.contents.iter().position(|one| *one == content);
                if let Some(content) = known {
                    self.hint_from_gossip(node, content as u16);
                }
            }
            GossipOutput::Report(_) => {}
        }
    }

    /// Tells the swarm of a content who holds something of it.
    pub(super) fn hint_from_gossip(&mut self, node: u32, content: u16) {
        if self.nodes[node as usize].members[content as usize].is_none() {
            return;
        }
        let now = Time(self.now / 1000);
        let Some(gossip) = &self.nodes[node as usize].gossip else { return };
        let holders = gossip.holders(&self.contents[content as usize], now);
        let hints = holders.iter().map(|row| PeerHint {
            peer: row.peer,
            address: row.address,
            permille: row.permille,
            place: row.place,
        });
        let hints = hints.collect();
        self.next_input(node, content, SwarmInput::HintsReceived(hints));
    }

    fn gossip_later(&mut self, from: u32, to: u32, input: GossipInput) {
        if (to as usize) < self.nodes.len() && self.reaches(from, to) {
            let (life, at) = (self.nodes[to as usize].life, self.now + self.delay());
            self.clock.add(at, Event::Gossip { node: to, life, input: Box::new(input) });
        }
    }

    pub(super) fn gossip_exchange(&mut self, from: u32, to: u32) {
        if (to as usize) >= self.nodes.len() || !self.reaches(from, to) {
            let failed = GossipInput::ExchangeFailed { address: address(to) };
            return self.tell_gossip(from, failed);
        }
        if let Some(gossip) = &mut self.nodes[from as usize].gossip {
            let message = gossip.full_state(true);
            self.send_state(from, to, message);
        }
    }

    fn send_state(&mut self, from: u32, to: u32, message: PeerMessage) {
        let PeerMessage::FullState { reply, members, table, releases } = message else { return };
        let from_id = self.nodes[from as usize].id;
        let input =
            GossipInput::FullStateReceived { from: from_id, reply, members, table, releases };
        self.gossip_later(from, to, input);
    }
}
