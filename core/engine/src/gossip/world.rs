//! A few gossip machines, one clock, one queue: the cluster in which the tests live.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;
use core::{net::SocketAddr, time::Duration};
use rand::RngExt;
use samara_model::{ContentId, Holding, PeerId, PeerMessage, Release, ReleaseName, Time};

use super::random::{Random, random_for};
use super::{Gossip, GossipConfig, GossipEvent, GossipInput, GossipOutput, Member};

/// Time of one message from node to node.
const HOP: Duration = Duration::from_millis(1);

pub struct World {
    pub now: Time,
    /// Thousandths of the datagrams that get lost.
    pub loss: u32,
    pub config: GossipConfig,
    nodes: BTreeMap<u16, Node>,
    queue: BTreeMap<(Time, u64), Event>,
    sequence: u64,
    random: Random,
    random_seed: u64,
    /// Pairs of nodes that cannot reach each other.
    pub cut: BTreeSet<(u16, u16)>,
    pub datagram_bytes: u64,
    pub exchanges: u64,
}

struct Node {
    gossip: Gossip,
    life: u64,
    events: Vec<GossipEvent>,
}

struct Event {
    to: u16,
    life: Option<u64>,
    input: GossipInput,
}

pub fn peer(node: u16) -> PeerId {
    let mut id = [0x5a; 32];
    id[..2].copy_from_slice(&node.to_be_bytes());
    PeerId(id)
}

pub fn address(node: u16) -> SocketAddr {
    let [high, low] = node.to_be_bytes();
    SocketAddr::from(([10, 0, high, low], 7000))
}

fn node_at(address: &SocketAddr) -> u16 {
    match address {
        SocketAddr::V4(v4) => u16::from_be_bytes([v4.ip().octets()[2], v4.ip().octets()[3]]),
        SocketAddr::V6(_) => u16::MAX,
    }
}

pub fn content(n: u8) -> ContentId {
    ContentId([n; 32])
}

pub fn complete(n: u8) -> Holding {
    Holding { content: content(n), permille: 1000, fetching: false }
}

pub fn release(version: &str, of: u8, publisher: u16) -> Release {
    Release {
        release: ReleaseName::new("llama", version).expect("a plain name"),
        content: content(of),
        publisher: peer(publisher),
        published_at: 0,
        signature: None,
    }
}

impl World {
    pub fn new(random_seed: u64) -> Self {
        World {
            now: Time::ZERO,
            loss: 0,
            config: GossipConfig::default(),
            nodes: BTreeMap::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            random: random_for(random_seed, 99),
            random_seed,
            cut: BTreeSet::new(),
            datagram_bytes: 0,
            exchanges: 0,
        }
    }

    /// Starts, or starts again, a node that joins through `join`.
    pub fn start(&mut self, node: u16, join: &[u16]) {
        let instance = 1_000_000 + self.now.0 / 1000;
        self.start_as(node, node, instance, join);
    }

    /// Starts a node at the place of `node` with the id of `id`.
    pub fn start_as(&mut self, node: u16, id: u16, instance: u64, join: &[u16]) {
        let me = Member { peer: peer(id), instance, address: address(node) };
        self.sequence += 1;
        let seed = self.random_seed ^ self.sequence << 16 ^ u64::from(node);
        let gossip = Gossip::new(self.config.clone(), me, seed);
        self.nodes.insert(node, Node { gossip, life: self.sequence, events: Vec::new() });
        let join = join.iter().map(|node| address(*node)).collect();
        self.tell(node, GossipInput::Started { join });
    }

    /// The node is gone without a word.
    pub fn kill(&mut self, node: u16) {
        self.nodes.remove(&node);
    }

    /// Tells a node something now.
    pub fn tell(&mut self, node: u16, input: GossipInput) {
        let Some(Node { gossip, events, life }) = self.nodes.get_mut(&node) else {
            return;
        };
        let (mut out, life) = (Vec::new(), *life);
        gossip.handle(self.now, input, &mut out);
        for output in &out {
            if let GossipOutput::Report(event) = output {
                events.push(event.clone());
            }
        }
        for output in out {
            self.carry_out(node, life, output);
        }
    }

    pub fn hold(&mut self, node: u16, holdings: &[Holding]) {
        self.tell(node, GossipInput::HoldingsChanged { holdings: holdings.to_vec() });
    }

    /// Lets this much time pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            let life = self.nodes.get(&event.to).map(|node| node.life);
            if life.is_some() && (event.life.is_none() || event.life == life) {
                self.tell(event.to, event.input);
            }
        }
        self.now = end;
    }

    /// Lets seconds pass until `reached` says yes; says how many, or panics after `most`.
    pub fn run_until(&mut self, most: u64, reached: impl Fn(&World) -> bool) -> u64 {
        for second in 0..=most {
            if reached(self) {
                return second;
            }
            self.run(Duration::from_secs(1));
        }
        panic!("not reached within {most} s; random seed {}", self.random_seed);
    }

    pub fn gossip(&self, node: u16) -> &Gossip {
        &self.nodes[&node].gossip
    }

    pub fn nodes(&self) -> Vec<u16> {
        self.nodes.keys().copied().collect()
    }

    pub fn events(&self, node: u16) -> &[GossipEvent] {
        &self.nodes[&node].events
    }

    /// Who a node believes to hold a content.
    pub fn holders(&self, node: u16, n: u8) -> Vec<u16> {
        let holders = self.gossip(node).holders(&content(n), self.now);
        holders.iter().map(|holder| node_at(&holder.address)).collect()
    }

    /// The members that a node would send in an exchange.
    pub fn state_of(&mut self, node: u16) -> Vec<u8> {
        let gossip = &mut self.nodes.get_mut(&node).expect("a node").gossip;
        let PeerMessage::FullState { members, .. } = gossip.full_state(false) else {
            panic!("a full state");
        };
        members
    }

    /// A datagram to node 0 that is under way, or the next that will be.
    pub fn next_datagram(&mut self) -> Vec<u8> {
        for _ in 0..10_000 {
            let under_way = self.queue.values().find_map(|event| match &event.input {
                GossipInput::DatagramReceived { bytes, .. } if event.to == 0 => Some(bytes.clone()),
                _ => None,
            });
            if let Some(bytes) = under_way {
                return bytes;
            }
            self.run(Duration::from_micros(500));
        }
        panic!("nobody sends anything to node 0");
    }

    /// Whether every node knows every other to be up, and nobody else.
    pub fn everybody_knows_everybody(&self) -> bool {
        let others = self.nodes.len() - 1;
        self.nodes.values().all(|node| node.gossip.up_count() == others)
    }

    fn reaches(&self, from: u16, to: u16) -> bool {
        self.nodes.contains_key(&to) && !self.cut.contains(&(from.min(to), from.max(to)))
    }

    fn carry_out(&mut self, node: u16, life: u64, output: GossipOutput) {
        match output {
            GossipOutput::SendDatagram { to, bytes } => {
                assert!(bytes.len() <= 1400);
                self.datagram_bytes += bytes.len() as u64;
                let lost = self.random.random_range(0..1000) < self.loss;
                if !lost && self.reaches(node, node_at(&to)) {
                    let input = GossipInput::DatagramReceived { from: address(node), bytes };
                    self.later(HOP, node_at(&to), None, input);
                }
            }
            GossipOutput::ExchangeWith { address, .. } => self.exchange(node, life, address),
            GossipOutput::AnswerExchange { peer: to, message } => {
                let to = u16::from_be_bytes([to.0[0], to.0[1]]);
                self.send_state(node, to, message);
            }
            GossipOutput::StartTimer { token, after } => {
                self.later(after, node, Some(life), GossipInput::TimerFired { token });
            }
            GossipOutput::Report(_) => {}
        }
    }

    fn exchange(&mut self, node: u16, life: u64, address: SocketAddr) {
        self.exchanges += 1;
        if self.reaches(node, node_at(&address)) {
            let gossip = &mut self.nodes.get_mut(&node).expect("it just spoke").gossip;
            let message = gossip.full_state(true);
            self.send_state(node, node_at(&address), message);
        } else {
            let failed = GossipInput::ExchangeFailed { address };
            self.later(HOP * 100, node, Some(life), failed);
        }
    }

    fn send_state(&mut self, from: u16, to: u16, message: PeerMessage) {
        let PeerMessage::FullState { reply, members, table, releases } = message else {
            panic!("only full states are sent");
        };
        if self.reaches(from, to) {
            let from = self.nodes[&from].gossip.me().peer;
            let input = GossipInput::FullStateReceived { from, reply, members, table, releases };
            self.later(HOP * 3, to, None, input);
        }
    }

    fn later(&mut self, after: Duration, to: u16, life: Option<u64>, input: GossipInput) {
        self.sequence += 1;
        self.queue.insert((self.now + after, self.sequence), Event { to, life, input });
    }
}

/// A cluster of `count` nodes that all joined through node 0 and know each other.
pub fn joined(count: u16, random_seed: u64) -> World {
    let mut world = World::new(random_seed);
    world.start(0, &[]);
    for node in 1..count {
        world.start(node, &[0]);
    }
    world.run_until(60, World::everybody_knows_everybody);
    world
}

/// Everything that a world did, as one number: equal runs give equal numbers.
pub fn fingerprint(world: &World) -> (u64, u64, Vec<Vec<GossipEvent>>) {
    let events = world.nodes.values().map(|node| node.events.clone());
    (world.datagram_bytes, world.sequence, vec![events.flatten().collect()])
}
