//! Connections, and messages over them.

use samara_engine::gossip::GossipInput;
use samara_engine::swarm::{LinkKey, SwarmInput};
use samara_model::PeerMessage;

use super::World;
use super::clock::Event;
use super::node::address;
use super::pair::Pair;

/// Ways of a message until a connection stands: TCP, and the handshake.
pub(super) const DIAL_HOPS: u64 = 4;

impl World {
    /// Connects, or uses the connection that stands.
    pub(super) fn dial(&mut self, from: u32, to: u32, content: u16) {
        if let Some(pair) = self.live_pair(from, to) {
            return self.tell_connected(pair, from, content);
        }
        let at = self.now + DIAL_HOPS * self.delay();
        let life = self.nodes[from as usize].life;
        self.clock.add(at, Event::Dialled { from, life, to, content });
    }

    fn live_pair(&self, from: u32, to: u32) -> Option<u32> {
        let pair = *self.nodes[from as usize].pairs.get(&to)?;
        self.pairs[pair as usize].up.then_some(pair)
    }

    pub(super) fn dialled(&mut self, from: u32, life: u32, to: u32, content: u16) {
        if !self.is_life(from, life) {
            return;
        }
        if (to as usize) >= self.nodes.len() || !self.reaches(from, to) {
            let peer = self.nodes.get(to as usize).map_or(self.nodes[0].id, |node| node.id);
            return self.input(from, content, SwarmInput::ConnectFailed { peer });
        }
        let pair = match self.live_pair(from, to) {
            Some(pair) => pair,
            None => self.connect(from, to),
        };
        self.tell_connected(pair, from, content);
    }

    fn connect(&mut self, from: u32, to: u32) -> u32 {
        let lives = [self.nodes[from as usize].life, self.nodes[to as usize].life];
        let pair = self.pairs.len() as u32;
        self.pairs.push(Pair::new([from, to], lives));
        self.nodes[from as usize].pairs.insert(to, pair);
        self.nodes[to as usize].pairs.insert(from, pair);
        for (at, other) in [(from, to), (to, from)] {
            let peer = self.nodes[other as usize].id;
            let input = GossipInput::PeerSeen { peer, address: address(other) };
            self.tell_gossip(at, input);
        }
        pair
    }

    fn tell_connected(&mut self, pair: u32, node: u32, content: u16) {
        let other = self.pairs[pair as usize].other(node);
        let input = SwarmInput::PeerConnected {
            link: LinkKey(u64::from(pair)),
            peer: self.nodes[other as usize].id,
            address: address(other),
            labels: self.nodes[other as usize].labels.clone(),
            resumed: false,
        };
        self.next_input(node, content, input);
    }

    /// A message sets out. Those of one way do not overtake each other.
    pub(super) fn send(&mut self, from: u32, pair: u32, content: u16, message: PeerMessage) {
        let delay = self.delay();
        let link = &mut self.pairs[pair as usize];
        if !link.up {
            return;
        }
        self.counts.messages += 1;
        let to = 1 - link.end_of(from);
        let at = (self.now + delay).max(link.last[to]);
        link.last[to] = at;
        self.clock.add(at, Event::Message { pair, to: to as u8, content, message });
    }

    pub(super) fn message_arrived(
        &mut self,
        pair: u32,
        to: u8,
        content: u16,
        message: PeerMessage,
    ) {
        let link = &mut self.pairs[pair as usize];
        let (node, life) = (link.ends[to as usize], link.lives[to as usize]);
        if !link.up || !self.is_life(node, life) {
            return;
        }
        let link = &mut self.pairs[pair as usize];
        if matches!(message, PeerMessage::Open { .. }) {
            link.opened |= 1 << content;
            self.tell_connected(pair, node, content);
            self.drain();
        }
        let link = LinkKey(u64::from(pair));
        self.input(node, content, SwarmInput::MessageReceived { link, message });
    }

    /// A node that takes up a content finds the connections on which others have opened it before.
    pub(super) fn find_opened(&mut self, node: u32, content: u16) {
        let opened = |pair: &&u32| {
            let link = &self.pairs[**pair as usize];
            link.up && link.opened & 1 << content != 0
        };
        let found: Vec<u32> =
            self.nodes[node as usize].pairs.values().filter(opened).copied().collect();
        for pair in found {
            let other = self.pairs[pair as usize].other(node);
            let input = SwarmInput::PeerConnected {
                link: LinkKey(u64::from(pair)),
                peer: self.nodes[other as usize].id,
                address: address(other),
                labels: self.nodes[other as usize].labels.clone(),
                resumed: true,
            };
            self.next_input(node, content, input);
        }
    }

    /// A connection is gone; both ends learn of it after a message's way and `noticed_after`.
    pub(super) fn end_pair(&mut self, pair: u32, noticed_after: u64) {
        if !std::mem::replace(&mut self.pairs[pair as usize].up, false) {
            return;
        }
        for lane in 0..2 {
            self.stop_lane(pair, lane);
        }
        for end in 0..2 {
            let at = self.now + self.delay() + noticed_after;
            self.clock.add(at, Event::PairEnded { pair, end });
        }
    }

    pub(super) fn pair_ended(&mut self, pair: u32, end: u8) {
        let link = &self.pairs[pair as usize];
        let (node, life) = (link.ends[end as usize], link.lives[end as usize]);
        let other = link.other(node);
        let pairs = &mut self.nodes[node as usize].pairs;
        if pairs.get(&other) == Some(&pair) {
            pairs.remove(&other);
        }
        if !self.is_life(node, life) {
            return;
        }
        for content in 0..self.contents.len() as u16 {
            let link = LinkKey(u64::from(pair));
            self.next_input(node, content, SwarmInput::PeerDisconnected { link });
        }
        self.tell_gossip(node, GossipInput::ExchangeFailed { address: address(other) });
    }
}
