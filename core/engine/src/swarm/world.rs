//! A small in-memory world for the swarm's own tests: a few machines, links that carry one chunk after the
//! other at one rate, messages with a latency, the built-in policy, and faults. Every node checks, all the
//! time, that nobody stores what was not sent to it.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BinaryHeap};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::net::SocketAddr;
use core::time::Duration;

use samara_model::{
    ChunkIndex, ChunkSet, ContentId, LabelNumbers, Labels, PeerHint, PeerId, PeerMessage, Place,
    Time,
};
use samara_policy::Policy;
use samara_policy_balanced::Balanced;

use super::{
    Hook, LinkKey, ManifestFacts, PolicyFacts, Swarm, SwarmConfig, SwarmEvent, SwarmInput,
    SwarmOutput,
};

const CHUNK_TIME: Duration = Duration::from_millis(10);
const LATENCY: Duration = Duration::from_millis(1);
const MANIFEST: &[u8] = b"stands for the manifest of the test content";

/// What is wrong with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Fault {
    #[default]
    None,
    /// Every chunk it sends is bad, and its own copy looks good to it.
    Corrupts,
    /// It accepts and promises, and sends nothing.
    SendsNothing,
    /// Its policy fails on every question.
    PolicyFails,
    /// Its policy never answers.
    PolicySleeps,
    /// Its store is full until this world time in milliseconds.
    DiskFullUntil(u64),
}

pub(super) struct Node {
    pub(super) swarm: Swarm,
    pub(super) fault: Fault,
    pub(super) policy: Box<dyn Policy>,
    pub(super) labels: LabelNumbers,
    pub(super) asked: Vec<Hook>,
    pub(super) why_fallen_back: Vec<&'static str>,
    pub(super) alive: bool,
    pub(super) uplink_free: Time,
    pub(super) has: ChunkSet,
    pub(super) completed: Option<Time>,
    pub(super) chunks_sent: u32,
    pub(super) banned: Vec<PeerId>,
    pub(super) bad_received: u32,
    pub(super) fallbacks: u32,
    pub(super) broken_promises: u32,
    /// Its clock jumps at this world time by so many seconds.
    pub(super) clock_jump: Option<(Time, i64)>,
}

pub(super) enum Event {
    Input(usize, SwarmInput),
    Arrives {
        from: usize,
        to: usize,
        chunk: ChunkIndex,
    },
    Kill(usize),
    /// The built-in policy again, as another generation.
    Policy(usize, u64),
    Join(usize),
}

pub(super) struct World {
    pub(super) now: Time,
    pub(super) queue: BinaryHeap<Reverse<(Time, u64)>>,
    pub(super) events: BTreeMap<u64, Event>,
    pub(super) next: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) trace: u64,
    pub(super) chunks: u32,
    pub(super) kill_origin_after: Option<u32>,
    /// Chunks that went from one node to another.
    pub(super) carried: BTreeMap<(usize, usize), u32>,
}

pub(super) fn peer(node: usize) -> PeerId {
    PeerId([node as u8 + 1; 32])
}

pub(super) fn address(node: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, node as u8 + 1], 7300))
}

/// The link between two nodes has one number, whoever looks.
pub(super) fn link(a: usize, b: usize) -> LinkKey {
    LinkKey((a.min(b) * 1000 + a.max(b)) as u64)
}

/// Node 0 has a connection to another, without labels.
pub(super) fn connected(node: usize) -> SwarmInput {
    SwarmInput::PeerConnected {
        link: link(0, node),
        peer: peer(node),
        address: address(node),
        labels: LabelNumbers::default(),
        resumed: false,
    }
}

impl World {
    /// Node 0 is the origin, everybody else knows only its address.
    pub(super) fn new(peers: usize, chunks: u32, random_seed: u64) -> Self {
        let config = SwarmConfig::default();
        let nodes = (0..=peers).map(|index| Node {
            swarm: Swarm::new(
                config,
                peer(index),
                ContentId([9; 32]),
                index == 0,
                random_seed * 1000 + index as u64,
            ),
            fault: Fault::None,
            policy: Box::new(Balanced),
            labels: LabelNumbers::default(),
            asked: vec![],
            why_fallen_back: vec![],
            clock_jump: None,
            alive: true,
            uplink_free: Time::ZERO,
            has: if index == 0 { ChunkSet::full(chunks) } else { ChunkSet::empty(chunks) },
            completed: None,
            chunks_sent: 0,
            banned: vec![],
            bad_received: 0,
            fallbacks: 0,
            broken_promises: 0,
        });
        let mut world = World {
            now: Time::ZERO,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            next: 0,
            nodes: nodes.collect(),
            trace: 0,
            chunks,
            kill_origin_after: None,
            carried: BTreeMap::new(),
        };
        world.at(Time::ZERO, Event::Input(0, SwarmInput::ManifestLoaded(world.facts(0))));
        world
    }

    /// Gives a node another policy, now.
    pub(super) fn set_policy(
        &mut self,
        node: usize,
        generation: u64,
        policy: impl Policy + 'static,
    ) {
        let description = policy.describe();
        let parameters = description.parameters.iter().map(|one| one.default).collect();
        let facts = PolicyFacts::of(&description, parameters, generation);
        self.nodes[node].policy = Box::new(policy);
        self.input(node, SwarmInput::PolicyChanged { facts });
    }

    /// Says where a node stands, before anything happens.
    pub(super) fn label(&mut self, node: usize, text: &[&str]) {
        let mut labels = Labels::default();
        for label in text {
            labels.add(label.parse().expect("a label")).expect("room");
        }
        let number = |value: &str| value.bytes().fold(1, |sum, byte| sum * 31 + u64::from(byte));
        let numbers = LabelNumbers::new(&labels, number);
        self.nodes[node].labels = numbers.clone();
        let fresh = {
            let seed = 77 + node as u64;
            Swarm::new(SwarmConfig::default(), peer(node), ContentId([9; 32]), node == 0, seed)
        };
        self.nodes[node].swarm = fresh.with_labels(numbers);
    }

    fn facts(&self, node: usize) -> ManifestFacts {
        let have = self.nodes[node].has.clone();
        ManifestFacts { bytes: Arc::from(MANIFEST), chunk_bytes: 65536, have }
    }

    pub(super) fn at(&mut self, time: Time, event: Event) {
        self.next += 1;
        self.queue.push(Reverse((time, self.next)));
        self.events.insert(self.next, event);
    }

    pub(super) fn soon(&mut self, after: Duration, node: usize, input: SwarmInput) {
        self.at(self.now + after, Event::Input(node, input));
    }

    /// Everybody joins at once and the world runs until all who can have finished, or `limit` passed.
    pub(super) fn run(&mut self, limit: Duration) -> &mut Self {
        for node in 1..self.nodes.len() {
            self.at(Time::ZERO, Event::Join(node));
        }
        self.go_on(limit)
    }

    pub(super) fn go_on(&mut self, limit: Duration) -> &mut Self {
        while let Some(Reverse((time, number))) = self.queue.pop() {
            if time > Time::ZERO + limit || self.all_done() {
                break;
            }
            self.now = time;
            let Some(event) = self.events.remove(&number) else { continue };
            self.step(event);
        }
        self
    }

    fn all_done(&self) -> bool {
        self.nodes[1..]
            .iter()
            .all(|node| node.completed.is_some() || !node.alive || node.fault == Fault::Corrupts)
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Join(node) => {
                let hint = PeerHint {
                    peer: peer(0),
                    address: address(0),
                    permille: 1000,
                    place: Place::default(),
                };
                self.input(node, SwarmInput::HintsReceived(vec![hint]));
            }
            Event::Kill(node) => self.kill(node),
            Event::Policy(node, generation) => self.set_policy(node, generation, Balanced),
            Event::Input(node, input) => self.input(node, input),
            Event::Arrives { from, to, chunk } => self.arrive(from, to, chunk),
        }
    }

    fn kill(&mut self, node: usize) {
        self.nodes[node].alive = false;
        for other in 0..self.nodes.len() {
            if other != node {
                self.input(other, SwarmInput::PeerDisconnected { link: link(node, other) });
            }
        }
    }

    fn arrive(&mut self, from: usize, to: usize, chunk: ChunkIndex) {
        let link = link(from, to);
        if !self.nodes[from].alive {
            return;
        }
        self.input(from, SwarmInput::ChunkSent { link, chunk });
        if self.nodes[from].fault == Fault::Corrupts {
            self.nodes[to].bad_received += 1;
            return self.soon(LATENCY, to, SwarmInput::ChunkRejected { link, chunk });
        }
        assert!(
            self.nodes[from].has.contains(chunk),
            "{from} sent chunk {chunk} without having it"
        );
        if let Fault::DiskFullUntil(end) = self.nodes[to].fault
            && self.now < Time(end * 1000)
        {
            return self.soon(LATENCY, to, SwarmInput::StoreFailed { link, chunk });
        }
        let input = if self.nodes[to].has.insert(chunk) {
            SwarmInput::ChunkStored { link, chunk }
        } else {
            SwarmInput::ChunkDiscarded { link, chunk }
        };
        self.soon(LATENCY, to, input);
    }

    fn input(&mut self, node: usize, input: SwarmInput) {
        if !self.nodes[node].alive {
            return;
        }
        let mut out = Vec::new();
        let now = self.clock_of(node);
        self.nodes[node].swarm.handle(now, input, &mut out);
        for output in out {
            self.trace =
                self.trace.wrapping_mul(31).wrapping_add(fingerprint(node, self.now, &output));
            self.carry_out(node, output);
        }
    }

    /// What the clock of a node shows.
    fn clock_of(&self, node: usize) -> Time {
        match self.nodes[node].clock_jump {
            Some((at, by)) if self.now >= at => {
                Time(self.now.0.saturating_add_signed(by * 1_000_000))
            }
            _ => self.now,
        }
    }

    fn other_end(&self, node: usize, key: LinkKey) -> usize {
        let (a, b) = ((key.0 / 1000) as usize, (key.0 % 1000) as usize);
        if a == node { b } else { a }
    }

    fn carry_out(&mut self, node: usize, output: SwarmOutput) {
        match output {
            SwarmOutput::Send { link, message } => {
                let other = self.other_end(node, link);
                self.soon(LATENCY, other, SwarmInput::MessageReceived { link, message });
            }
            SwarmOutput::ServeChunk { link, chunk, .. } => self.serve(node, link, chunk),
            SwarmOutput::Connect { peer: wanted, .. } => self.connect(node, wanted),
            SwarmOutput::Disconnect { link, .. } => {
                let other = self.other_end(node, link);
                self.soon(LATENCY, other, SwarmInput::PeerDisconnected { link });
                self.soon(LATENCY, node, SwarmInput::PeerDisconnected { link });
            }
            SwarmOutput::CheckManifest { bytes } => {
                let input = if bytes == MANIFEST {
                    SwarmInput::ManifestLoaded(self.facts(node))
                } else {
                    SwarmInput::ManifestRefused
                };
                self.soon(LATENCY, node, input);
            }
            SwarmOutput::VerifyOwn { link, chunk } => {
                self.soon(LATENCY, node, SwarmInput::OwnChunkVerified { link, chunk, good: true });
            }
            SwarmOutput::AskPolicy { token, question, .. } => match self.nodes[node].fault {
                Fault::PolicyFails => {
                    self.soon(Duration::ZERO, node, SwarmInput::PolicyFailed { token })
                }
                Fault::PolicySleeps => {}
                _ => {
                    let one = &mut self.nodes[node];
                    one.asked.push(Hook::of(&question));
                    let answer = one.policy.answer(&question);
                    self.soon(Duration::ZERO, node, SwarmInput::PolicyAnswered { token, answer });
                }
            },
            SwarmOutput::AskBuiltIn { token, question } => {
                let answer = Balanced.answer(&question);
                self.soon(Duration::ZERO, node, SwarmInput::PolicyAnswered { token, answer });
            }
            SwarmOutput::StartTimer { token, after } => {
                self.soon(after, node, SwarmInput::TimerFired { token })
            }
            SwarmOutput::Report(event) => self.report(node, event),
            SwarmOutput::CancelServe { .. } | SwarmOutput::DropIncoming { .. } => {}
        }
    }

    fn serve(&mut self, node: usize, key: LinkKey, chunk: ChunkIndex) {
        if self.nodes[node].fault == Fault::SendsNothing {
            self.nodes[node].broken_promises += 1;
            return;
        }
        let other = self.other_end(node, key);
        let start = self.now.max(self.nodes[node].uplink_free);
        let end = start + CHUNK_TIME;
        self.nodes[node].uplink_free = end;
        self.nodes[node].chunks_sent += 1;
        *self.carried.entry((node, other)).or_default() += 1;
        if node == 0 && Some(self.nodes[0].chunks_sent) == self.kill_origin_after {
            self.at(end + LATENCY, Event::Kill(0));
        }
        self.at(start, Event::Input(other, SwarmInput::ChunkStarted { link: key, chunk }));
        self.at(end, Event::Arrives { from: node, to: other, chunk });
    }

    fn connect(&mut self, node: usize, wanted: PeerId) {
        let other = wanted.0[0] as usize - 1;
        if !self.nodes[other].alive {
            return self.soon(LATENCY, node, SwarmInput::ConnectFailed { peer: wanted });
        }
        let key = link(node, other);
        for (at, with) in [(node, other), (other, node)] {
            let input = SwarmInput::PeerConnected {
                link: key,
                peer: peer(with),
                address: address(with),
                labels: self.nodes[with].labels.clone(),
                resumed: false,
            };
            self.soon(LATENCY, at, input);
        }
    }

    fn report(&mut self, node: usize, event: SwarmEvent) {
        match event {
            SwarmEvent::Completed => {
                assert!(self.nodes[node].has.is_full(), "{node} says complete and is not");
                self.nodes[node].completed.get_or_insert(self.now);
            }
            SwarmEvent::PeerBanned { peer, .. } => self.nodes[node].banned.push(peer),
            SwarmEvent::FellBack { why, .. } => {
                self.nodes[node].fallbacks += 1;
                self.nodes[node].why_fallen_back.push(why);
            }
            SwarmEvent::Parked => {
                if let Fault::DiskFullUntil(end) = self.nodes[node].fault {
                    self.at(Time(end * 1000), Event::Input(node, SwarmInput::Resumed));
                }
            }
            _ => {}
        }
    }

    pub(super) fn last(&self) -> Duration {
        let ends = self.nodes[1..].iter().filter_map(|node| node.completed);
        ends.max().unwrap_or_default().since(Time::ZERO)
    }

    pub(super) fn finished(&self) -> usize {
        self.nodes[1..].iter().filter(|node| node.completed.is_some()).count()
    }

    /// Last completion over the time that one copy takes.
    pub(super) fn ratio(&self) -> f64 {
        self.last().as_secs_f64() / (CHUNK_TIME * self.chunks).as_secs_f64()
    }
}

fn fingerprint(node: usize, now: Time, output: &SwarmOutput) -> u64 {
    let kind = match output {
        SwarmOutput::Send { link, .. } => 1 + link.0 * 16,
        SwarmOutput::ServeChunk { link, chunk, .. } => {
            2 + link.0 * 16 + u64::from(*chunk) * 1_000_000
        }
        SwarmOutput::StartTimer { after, .. } => 3 + after.as_micros() as u64 * 16,
        _ => 4,
    };
    kind ^ now.0 << 20 ^ (node as u64) << 56
}

pub(super) const ENOUGH: Duration = Duration::from_secs(120);

#[test]
fn fifteen_peers_finish_near_the_limit_and_the_origin_sends_little_more_than_one_copy() {
    let mut world = World::new(15, 500, 1);
    world.run(ENOUGH);
    assert_eq!(world.finished(), 15);
    assert!(world.ratio() < 1.2, "ratio {}", world.ratio());
    assert!(world.nodes[0].chunks_sent < 600, "origin sent {}", world.nodes[0].chunks_sent);
}

#[test]
fn one_peer_alone_keeps_the_link_full() {
    let mut world = World::new(1, 200, 1);
    world.run(ENOUGH);
    assert!(world.ratio() < 1.05, "ratio {}", world.ratio());
    assert_eq!(world.nodes[0].chunks_sent, 200);
}

#[test]
fn the_same_random_seed_gives_the_same_run() {
    let trace = |random_seed| World::new(8, 100, random_seed).run(ENOUGH).trace;
    assert_eq!(trace(5), trace(5));
    assert_ne!(trace(5), trace(6));
}

#[test]
fn all_finish_when_the_origin_dies_after_its_first_pass() {
    let mut world = World::new(15, 300, 2);
    world.kill_origin_after = Some(300);
    world.run(ENOUGH);
    assert!(!world.nodes[0].alive, "the fault did not fire");
    assert_eq!(world.finished(), 15);
}

#[test]
fn a_peer_that_sends_bad_chunks_is_banned_and_the_rest_finish() {
    let mut world = World::new(8, 300, 3);
    world.nodes[3].fault = Fault::Corrupts;
    world.run(ENOUGH);
    let bad: u32 = world.nodes.iter().map(|node| node.bad_received).sum();
    assert!(bad > 0, "the fault did not fire");
    assert!(bad < 200, "{bad} bad chunks were taken");
    assert!(
        world
            .nodes
            .iter()
            .enumerate()
            .all(|(i, node)| i == 3 || i == 0 || node.completed.is_some())
    );
    let innocent = world.nodes.iter().flat_map(|node| &node.banned).filter(|id| **id != peer(3));
    assert_eq!(innocent.count(), 0);
}

#[test]
fn a_peer_that_promises_and_sends_nothing_does_not_hold_the_others() {
    let mut world = World::new(8, 200, 4);
    world.nodes[2].fault = Fault::SendsNothing;
    world.run(ENOUGH);
    assert!(world.nodes[2].broken_promises > 0, "the fault did not fire");
    assert_eq!(world.finished(), 8);
}

#[test]
fn a_failing_or_sleeping_policy_is_replaced_by_the_built_in_one() {
    for fault in [Fault::PolicyFails, Fault::PolicySleeps] {
        let mut world = World::new(4, 60, 5);
        for node in &mut world.nodes {
            node.fault = fault;
        }
        world.run(ENOUGH);
        assert!(world.nodes[0].fallbacks > 0, "{fault:?} did not fire");
        assert_eq!(world.finished(), 4, "{fault:?}");
    }
}

#[test]
fn a_full_disk_parks_the_transfer_until_there_is_room() {
    let mut world = World::new(3, 100, 6);
    world.nodes[2].fault = Fault::DiskFullUntil(5_000);
    world.run(ENOUGH);
    assert_eq!(world.finished(), 3);
    assert!(world.nodes[2].completed.unwrap_or_default() > Time(5_000_000));
}

/// The node's clock is monotonic; this is what would happen if it were not.
#[test]
fn clocks_that_jump_in_mid_transfer_do_no_harm() {
    let mut world = World::new(6, 300, 10);
    let half = Time(1_500_000);
    for (node, by) in [(0, -1), (1, 3600), (2, -3600), (3, 86_400), (4, -1)] {
        world.nodes[node].clock_jump = Some((half, by));
    }
    world.run(ENOUGH);
    assert!(world.now > half, "it was over before the clocks jumped");
    assert_eq!(world.finished(), 6);
    assert!(world.nodes.iter().all(|node| node.banned.is_empty()));
    assert!(world.last() < Duration::from_secs(20), "last after {:?}", world.last());
}

#[test]
fn late_joiners_finish_after_the_origin_is_gone() {
    let mut world = World::new(6, 200, 7);
    for node in 1..=4 {
        world.at(Time::ZERO, Event::Join(node));
    }
    world.at(Time(10_000_000), Event::Kill(0));
    for node in 5..=6 {
        let hint =
            PeerHint { peer: peer(1), address: address(1), permille: 0, place: Place::default() };
        world.at(Time(11_000_000), Event::Input(node, SwarmInput::HintsReceived(vec![hint])));
    }
    world.go_on(ENOUGH);
    assert_eq!(world.finished(), 6);
}

#[test]
fn a_withdrawn_content_is_neither_served_nor_asked_for() {
    let mut world = World::new(3, 200, 8);
    world.at(Time(500_000), Event::Input(0, SwarmInput::ContentWithdrawn));
    world.run(Duration::from_secs(20));
    assert_eq!(world.finished(), 0);
    assert!(world.nodes[0].chunks_sent < 80, "sent {}", world.nodes[0].chunks_sent);
    assert!(world.nodes.iter().all(|node| node.banned.is_empty()));
}

#[test]
fn messages_that_make_no_sense_are_survived() {
    let mut world = World::new(2, 50, 9);
    let huge = u32::MAX;
    let nonsense = [
        PeerMessage::Accept { channel: 9, chunk: huge, inbound: 65535 },
        PeerMessage::Offer { channel: 9, chunks: vec![huge, 0, 0], inbound: 0 },
        PeerMessage::Request { channel: 9, chunk: Some(huge), inbound: 0 },
        PeerMessage::Cancel { channel: 9, chunk: huge },
        PeerMessage::Refuse { channel: 9, chunk: Some(huge) },
        PeerMessage::Have { channel: 9, chunks: vec![huge, 3], inbound: 1 },
        PeerMessage::Withdraw { channel: 9, chunks: vec![huge] },
        PeerMessage::ManifestRequest { channel: 9, offset: huge },
        PeerMessage::ManifestPart { channel: 9, offset: huge, bytes: vec![1] },
        PeerMessage::Reject {
            channel: 9,
            chunk: huge,
            reason: samara_model::RejectReason::WrongHash,
        },
    ];
    for (step, message) in nonsense.into_iter().enumerate() {
        for node in 0..2 {
            let input = SwarmInput::MessageReceived { link: link(0, 1), message: message.clone() };
            world.at(Time(50_000 + step as u64), Event::Input(node, input));
        }
    }
    world.run(ENOUGH);
    assert_eq!(world.finished(), 2);
}

/// The first few offers of a node once stayed open for ever when their answer was lost.
#[test]
fn an_offer_without_an_answer_ends_also_before_any_transfer_has() {
    let content = ContentId([9; 32]);
    let mut swarm = Swarm::new(SwarmConfig::default(), peer(0), content, false, 1);
    let have = ChunkSet::full(9);
    let facts = ManifestFacts { bytes: Arc::from(MANIFEST), chunk_bytes: 65536, have };
    let open = PeerMessage::Open {
        channel: 0,
        content,
        manifest_bytes: Some(MANIFEST.len() as u32),
        have: samara_model::HaveSummary::Nothing,
        origin: false,
        wants_haves: true,
        reply: false,
    };
    let begin = [
        SwarmInput::ManifestLoaded(facts),
        connected(1),
        SwarmInput::MessageReceived { link: link(0, 1), message: open },
    ];
    // Token 0 was never given out: these only let time pass.
    let later = (1..=4).map(|_| SwarmInput::TimerFired { token: 0 });
    for (second, input) in begin.into_iter().chain(later).enumerate() {
        let (now, mut out) = (Time(second as u64 * 1_000_000), Vec::new());
        swarm.handle(now, input, &mut out);
        for output in out {
            if let SwarmOutput::AskPolicy { token, question, .. } = output {
                let answer = Balanced.answer(&question);
                swarm.handle(now, SwarmInput::PolicyAnswered { token, answer }, &mut Vec::new());
            }
        }
    }
    assert!(swarm.stats().offers > 0, "nothing was offered");
    assert!(swarm.stats().expired > 0, "{:?}", swarm.outstanding());
}
