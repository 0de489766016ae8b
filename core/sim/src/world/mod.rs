//! Many nodes, one clock, one random seed.
//!
//! The world drives the engine's machines as the node does (`core/node/src/*_actor.rs`): it carries out what
//! they want done and tells them what happened. It has no opinion about who sends what to whom. Times are
//! nanoseconds since the beginning; the engine sees microseconds.
//!
//! What is real: swarm, seeder, tracker, announcer, gossip, the policies. What is modelled: links as fluids
//! ([`crate::network`]), messages by latency, jitter and order per link, hashing and disks by a rate.
//! Control messages take no capacity.

mod carry;
mod check;
mod clock;
mod dialling;
mod faults;
mod finding;
mod gossip;
mod losses;
mod node;
mod pair;
mod sample;
mod trace;
mod transfers;

use std::collections::VecDeque;
use std::sync::Arc;

use samara_engine::swarm::{ManifestFacts, PolicyFacts, Swarm, SwarmInput, SwarmOutput};
use samara_model::{ChunkSet, ContentId};
use samara_policy::Random;
use samara_policy_balanced::Balanced;

use crate::network::{EXACT_NODES, FlowIndex, Network, Sharing};
use crate::registry::Decide;
use crate::scenario::{Discovery, Scenario};
use clock::Clock;
pub(crate) use clock::Event;
use faults::Faults;
use finding::TrackerHost;
pub use losses::Losses;
pub(crate) use node::{Member, Node};
use pair::Pair;
use trace::Trace;

/// After the last completion the world goes on for this long, to see that nothing stays reserved.
const AFTERMATH: u64 = 6_000_000_000;
/// Between two looks at the whole world, at most so many in one limit.
const SAMPLES: u64 = 200;

/// Numbers that are counted on the way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub events: u64,
    pub messages: u64,
    pub transfers: u64,
    /// Bytes of chunks that the origin has sent, whoever they were for.
    pub origin_bytes: f64,
    /// Bytes that arrived, and those of them that were thrown away.
    pub arrived: f64,
    pub wasted: f64,
    pub cross_rack: f64,
    pub cross_zone: f64,
    pub fallbacks: u64,
    pub dropped_decisions: u64,
    pub bans: u64,
    pub questions: u64,
    pub most_flows: usize,
}

/// The world.
pub(crate) struct World {
    pub scenario: Scenario,
    pub random_seed: u64,
    policy: Box<dyn Decide>,
    facts: PolicyFacts,
    pub now: u64,
    /// When the first peer begins; before it, gossip settles.
    pub start: u64,
    clock: Clock,
    pub network: Network,
    flows: Vec<Option<(u32, u8)>>,
    pub nodes: Vec<Node>,
    pairs: Vec<Pair>,
    trackers: Vec<TrackerHost>,
    contents: Vec<ContentId>,
    manifests: Vec<Arc<[u8]>>,
    faults: Faults,
    random: Random,
    pub trace: Trace,
    pub counts: Counts,
    pub losses: Losses,
    pub violations: Vec<String>,
    chunk_time: u64,
    /// Chunks that are here, of chunks that are wanted, over all peers.
    arrived: u64,
    wanted: u64,
    unfinished: usize,
    last_arrival: u64,
    end: u64,
    sample_every: u64,
    inputs: VecDeque<(u32, u16, SwarmInput)>,
    spare: Vec<SwarmOutput>,
}

/// How far a run is, for whoever watches.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Part of all chunks that have arrived, 0 to 1.
    pub done: f64,
    /// Virtual nanoseconds since the start.
    pub now: u64,
    /// Peers that have everything.
    pub finished: u32,
}

impl World {
    pub fn new(scenario: Scenario, random_seed: u64, policy: Box<dyn Decide>, limit: u64) -> World {
        let mut random = Random::new(random_seed);
        let places = scenario.fleet.places(&mut random);
        let sharing = if places.len() <= EXACT_NODES + 1 { Sharing::Exact } else { Sharing::Local };
        let (capacities, nodes) = node::build(&scenario, &places, random_seed);
        let chunk_time = scenario.chunk_time();
        let wanted = scenario.contents.iter().map(|content| u64::from(content.chunks()));
        let wanted = wanted.sum::<u64>() * u64::from(scenario.fleet.peers);
        let contents = 0..scenario.contents.len() as u64;
        let budget = scenario.time.unwrap_or(limit * 20 + 60_000_000_000);
        let facts = policy.facts();
        World {
            trackers: finding::trackers(&scenario, random_seed, &facts),
            facts,
            policy,
            now: 0,
            start: 0,
            clock: Clock::default(),
            network: Network::new(capacities, sharing),
            flows: Vec::new(),
            contents: contents.map(|number| node::content_id(random_seed, number)).collect(),
            manifests: scenario.contents.iter().enumerate().map(node::manifest).collect(),
            faults: Faults::default(),
            trace: Trace::default(),
            counts: Counts::default(),
            losses: Losses::default(),
            violations: Vec::new(),
            chunk_time,
            arrived: 0,
            wanted,
            unfinished: nodes.len() - 1,
            last_arrival: 0,
            end: budget,
            sample_every: (limit / SAMPLES).max(1000),
            inputs: VecDeque::new(),
            spare: Vec::new(),
            nodes,
            pairs: Vec::new(),
            random,
            random_seed,
            scenario,
        }
    }

    /// Runs to the end and looks at what must hold.
    pub fn run(&mut self, watch: &mut dyn FnMut(Progress)) {
        self.begin();
        let mut until_told = 0u32;
        while self.unfinished > 0 || self.faults.any_to_come() {
            if !self.step(self.end) {
                break;
            }
            until_told += 1;
            if until_told == 20_000 {
                until_told = 0;
                watch(self.progress());
            }
        }
        let over = self.now;
        while self.step(over + AFTERMATH) {}
        self.check_end();
        watch(self.progress());
    }

    fn progress(&self) -> Progress {
        let all = self.nodes.len() - 1;
        Progress {
            done: self.arrived as f64 / self.wanted.max(1) as f64,
            now: self.now.saturating_sub(self.start),
            finished: (all - self.unfinished) as u32,
        }
    }

    /// Sets everything up: the origin has what is distributed, the others begin at their time.
    fn begin(&mut self) {
        if self.scenario.discovery == Discovery::Gossip {
            self.settle_gossip();
        }
        for content in 0..self.contents.len() {
            self.open(0, content as u16);
        }
        if self.scenario.discovery == Discovery::Gossip {
            self.spread_gossip();
        }
        // The origin's announcement is there before anybody asks.
        let ahead = 10 * (self.scenario.latency.0 + self.scenario.latency.1);
        self.start = self.now + ahead;
        self.end = self.start.saturating_add(self.end);
        let contents = self.scenario.contents.clone();
        for node in 1..self.nodes.len() as u32 {
            let spread = self.scenario.arrive_within;
            let share = f64::from(self.random.below(1 << 24)) / f64::from(1u32 << 24);
            let arrival = self.start + (spread as f64 * share) as u64;
            self.last_arrival = self.last_arrival.max(arrival);
            for (number, content) in contents.iter().enumerate() {
                let content_at = arrival + content.starts;
                self.clock.add(content_at, Event::Begin { node, content: number as u16 });
            }
        }
        self.plan_faults();
        self.clock.add(self.start + self.sample_every, Event::Sample);
    }

    /// One thing happens; false when nothing does before `end`.
    fn step(&mut self, end: u64) -> bool {
        let flow = self.network.next();
        let event = self.clock.next();
        let (at, is_flow) = match (flow, event) {
            (Some((flow, _)), Some(event)) => (flow.min(event), flow <= event),
            (Some((flow, _)), None) => (flow, true),
            (None, Some(event)) => (event, false),
            (None, None) => return false,
        };
        if at > end {
            return false;
        }
        self.now = self.now.max(at);
        self.counts.events += 1;
        if let (true, Some((_, flow))) = (is_flow, flow) {
            self.flow_reported(flow);
        } else if let Some(event) = self.clock.pop() {
            self.happen(event);
        }
        self.drain();
        true
    }

    fn drain(&mut self) {
        while let Some((node, content, input)) = self.inputs.pop_front() {
            self.input(node, content, input);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Begin { node, content } => {
                if self.nodes[node as usize].alive {
                    self.open(node, content);
                } else {
                    self.begin_when_back(node, content);
                }
            }
            Event::Message { pair, to, content, message } => {
                self.message_arrived(pair, to, content, message)
            }
            Event::Timer { node, life, content, token } => {
                if self.is_life(node, life) && self.is_timer(node, content, token) {
                    self.input(node, content, SwarmInput::TimerFired { token });
                }
            }
            Event::Input { node, life, content, input } => {
                if self.is_life(node, life) {
                    self.input(node, content, *input);
                }
            }
            Event::Dialled { from, life, to, content } => self.dialled(from, life, to, content),
            Event::PairEnded { pair, end } => self.pair_ended(pair, end),
            Event::Landed(landed) => self.landed(*landed),
            Event::Announced { node, life, tracker, message } => {
                self.announced(node, life, tracker, *message)
            }
            Event::HandedOut { node, life, tracker, message } => {
                self.handed_out(node, life, tracker, *message)
            }
            Event::AnnouncerTimer { node, life, token } => self.announcer_timer(node, life, token),
            Event::TrackerTimer { tracker, token } => self.tracker_timer(tracker, token),
            Event::Gossip { node, life, input } => self.gossip_input(node, life, *input),
            Event::GossipExchange { from, to } => self.gossip_exchange(from, to),
            Event::Fault(number) => self.fault_begins(number),
            Event::FaultOver(number) => self.fault_ends(number),
            Event::Sample => self.sample(),
        }
    }

    fn is_life(&self, node: u32, life: u32) -> bool {
        let node = &self.nodes[node as usize];
        node.alive && node.life == life
    }

    fn is_timer(&self, node: u32, content: u16, token: u64) -> bool {
        let member = self.nodes[node as usize].members.get(content as usize);
        member.and_then(Option::as_ref).is_some_and(|member| member.timer == token)
    }

    /// A node takes up a content: the origin with all of it, a peer with what it had before, or nothing.
    fn open(&mut self, node: u32, content: u16) {
        let life = self.nodes[node as usize].life;
        if !self.nodes[node as usize].alive
            || self.nodes[node as usize].members[content as usize].is_some()
        {
            return;
        }
        let chunks = self.scenario.contents[content as usize].chunks();
        let origin = node == 0;
        let before = self.nodes[node as usize].kept[content as usize].take();
        let has = match before {
            _ if origin => ChunkSet::full(chunks),
            Some(kept) => kept,
            None => ChunkSet::empty(chunks),
        };
        let seed = node::mix(self.random_seed, (u64::from(node) << 24) | (u64::from(life) << 8))
            ^ u64::from(content);
        let id = self.nodes[node as usize].id;
        let machine =
            Swarm::new(self.scenario.engine, id, self.contents[content as usize], origin, seed)
                .with_labels(self.nodes[node as usize].labels.clone());
        let known = !has.is_empty();
        let member = Member::new(machine, has);
        self.nodes[node as usize].members[content as usize] = Some(member);
        self.open_slots(node, content);
        let facts = self.facts.clone();
        self.input(node, content, SwarmInput::PolicyChanged { facts });
        if known {
            let facts = self.manifest_facts(node, content);
            self.input(node, content, SwarmInput::ManifestLoaded(facts));
        }
        self.hold(node);
        self.find_others(node, content);
        self.drain();
    }

    fn manifest_facts(&self, node: u32, content: u16) -> ManifestFacts {
        let member = self.nodes[node as usize].members[content as usize].as_ref();
        let chunks = self.scenario.contents[content as usize].chunks();
        ManifestFacts {
            bytes: self.manifests[content as usize].clone(),
            chunk_bytes: self.scenario.contents[content as usize].chunk,
            have: member.map_or_else(|| ChunkSet::empty(chunks), |member| member.has.clone()),
        }
    }

    fn member(&mut self, node: u32, content: u16) -> Option<&mut Member> {
        self.nodes[node as usize].members.get_mut(content as usize)?.as_mut()
    }

    /// Transfers out of a node that still hold a slot.
    fn uploads_from(&self, node: u32) -> usize {
        let holds_slot = |flow: &&FlowIndex| {
            let place = self.flows.get(**flow as usize).copied().flatten();
            let lane = |(pair, lane): (u32, u8)| &self.pairs[pair as usize].lanes[lane as usize];
            let running = place.and_then(|place| lane(place).running.as_ref());
            running.is_none_or(|running| !running.told)
        };
        self.network.flows_on(self.nodes[node as usize].up).iter().filter(holds_slot).count()
    }

    fn flow_of(&mut self, flow: FlowIndex) -> &mut Option<(u32, u8)> {
        if self.flows.len() <= flow as usize {
            self.flows.resize(flow as usize + 1, None);
        }
        &mut self.flows[flow as usize]
    }

    /// Whether nothing cuts two nodes off from each other.
    fn reaches(&self, from: u32, to: u32) -> bool {
        let (a, b) = (&self.nodes[from as usize], &self.nodes[to as usize]);
        a.alive && b.alive && a.side == b.side
    }

    /// One way of a message: latency and a random part of the jitter.
    fn delay(&mut self) -> u64 {
        let (latency, jitter) = self.scenario.latency;
        latency + if jitter == 0 { 0 } else { self.random.next_u64() % jitter }
    }

    /// Per fault of the scenario, how often it showed.
    pub fn faults_shown(&self) -> &[u64] {
        self.faults.shown()
    }

    /// When the last peer began.
    pub fn last_began(&self) -> u64 {
        self.start.max(self.last_arrival)
    }

    fn built_in() -> Balanced {
        Balanced
    }
}
