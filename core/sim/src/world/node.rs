//! One node: its machines, its links, what its store has.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use samara_engine::gossip::Gossip;
use samara_engine::seeder::{Seeder, SeederConfig};
use samara_engine::swarm::Swarm;
use samara_engine::tracker::{Announcer, AnnouncerConfig};
use samara_model::{ChunkSet, ContentId, Label, LabelNumbers, Labels, PeerId, RACK, ZONE};
use samara_policy::Random;

use super::finding::tracker_address;
use super::gossip;
use crate::network::LinkIndex;
use crate::scenario::{Content, Discovery, Place, Scenario};

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    pub id: PeerId,
    pub place: Place,
    /// Rack and zone, as its operator would say it.
    pub labels: LabelNumbers,
    pub alive: bool,
    /// Counts its starts.
    pub life: u32,
    /// Nodes of different sides cannot reach each other.
    pub side: u8,
    pub up: LinkIndex,
    pub down: LinkIndex,
    /// Into and out of its rack and zone, `None` where nothing limits.
    pub rack: Option<(LinkIndex, LinkIndex)>,
    pub zone: Option<(LinkIndex, LinkIndex)>,
    /// Per content, while it takes part.
    pub members: Vec<Option<Member>>,
    /// Per content, what it had when it crashed.
    pub kept: Vec<Option<ChunkSet>>,
    pub seeder: Seeder,
    pub announcer: Option<Announcer>,
    pub gossip: Option<Gossip>,
    /// Live connections, by the other node.
    pub pairs: BTreeMap<u32, u32>,
    /// Until when its hash core and its disk are busy.
    pub hash_busy: u64,
    pub disk_busy: u64,
    /// What is wrong with it.
    pub corrupt: bool,
    pub liar: bool,
    pub disk_full: bool,
    pub policy: PolicyHealth,
    /// Number of the fault that made it so.
    pub blame: [Option<usize>; 5],
    /// Trackers that it has a connection to.
    pub reached: Vec<bool>,
    /// When it first had everything of all contents.
    pub completed: Option<u64>,
    /// Its announcer was started.
    pub announces: bool,
    /// When it began.
    pub began: Option<u64>,
}

/// How a node's policy answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyHealth {
    /// At once.
    Fine,
    /// After so many nanoseconds.
    Slow(u64),
    /// Never: it fails.
    Failing,
}

/// A node's part in a content.
#[derive(Debug)]
pub(crate) struct Member {
    pub machine: Swarm,
    pub has: ChunkSet,
    /// Chunks whose bytes here are wrong: must stay empty.
    pub wrong: u32,
    pub timer: u64,
    pub demand: (bool, bool),
    pub manifest: bool,
    pub complete: bool,
    /// Sixteenths of the content that others were told of.
    pub told: u32,
}

impl Member {
    pub fn new(machine: Swarm, has: ChunkSet) -> Self {
        let manifest = !has.is_empty();
        let complete = has.is_full();
        Member {
            machine,
            has,
            wrong: 0,
            timer: 0,
            demand: (true, true),
            manifest,
            complete,
            told: 0,
        }
    }
}

/// Spreads a number over 64 bits.
pub(crate) fn mix(random_seed: u64, number: u64) -> u64 {
    Random::new(random_seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next_u64()
}

/// Where a node stands, as labels.
fn labels(place: &Place) -> LabelNumbers {
    let mut labels = Labels::default();
    for (key, number) in [(RACK, place.rack), (ZONE, place.zone)] {
        let label = number.and_then(|number| Label::new(key, &format!("{number}")).ok());
        // Neither comes twice.
        label.into_iter().for_each(|label| labels.add(label).unwrap_or_default());
    }
    LabelNumbers::new(&labels, |value| mix(0, value.parse().unwrap_or(0)).max(1))
}

/// A node's id: random to look at, with the node's number at the end.
fn peer_id(random_seed: u64, node: u32) -> PeerId {
    let mut id = [0; 32];
    for part in 0..3 {
        let at = part * 8;
        let number = u64::from(node) * 4 + part as u64;
        id[at..at + 8].copy_from_slice(&mix(random_seed, number).to_le_bytes());
    }
    id[28..].copy_from_slice(&node.to_be_bytes());
    PeerId(id)
}

/// Whose id it is.
pub(crate) fn index_of(peer: &PeerId) -> u32 {
    let [.., a, b, c, d] = peer.0;
    u32::from_be_bytes([a, b, c, d])
}

/// Where a node can be dialled.
pub(crate) fn address(node: u32) -> SocketAddr {
    let [_, b, c, d] = node.to_be_bytes();
    SocketAddr::from(([10, b, c, d], 7000))
}

/// Who is there.
pub(crate) fn node_at(address: &SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(v4) => {
            let [_, b, c, d] = v4.ip().octets();
            u32::from_be_bytes([0, b, c, d])
        }
        SocketAddr::V6(_) => u32::MAX,
    }
}

pub(crate) fn content_id(random_seed: u64, number: u64) -> ContentId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&mix(random_seed, number | 1 << 60).to_le_bytes());
    id[31] = number as u8;
    ContentId(id)
}

/// Bytes that stand for a manifest, as many as a real one has: a hash per chunk.
pub(crate) fn manifest((number, content): (usize, &Content)) -> Arc<[u8]> {
    let length = 64 + 32 * content.chunks() as usize;
    (0..length).map(|at| (at as u8).wrapping_mul(31).wrapping_add(number as u8)).collect()
}

/// All nodes, and the capacities of their links in bytes per nanosecond.
pub(crate) fn build(
    scenario: &Scenario,
    places: &[Place],
    random_seed: u64,
) -> (Vec<f64>, Vec<Node>) {
    let fleet = &scenario.fleet;
    let mut capacities = Vec::new();
    for place in places {
        capacities.extend([place.up.0 as f64 / 1e9, place.down.0 as f64 / 1e9]);
    }
    let racks_at = capacities.len() as u32;
    if fleet.rack_rate.0 > 0 {
        let rack = fleet.rack_rate.0 as f64 / 1e9;
        capacities.extend(std::iter::repeat_n(rack, 2 * fleet.racks as usize));
    }
    let zones_at = capacities.len() as u32;
    let zone = fleet.zone_rate.0 as f64 / 1e9;
    capacities.extend(std::iter::repeat_n(zone, 2 * fleet.zones as usize));
    let trackers: Vec<SocketAddr> = (0..scenario.trackers).map(tracker_address).collect();
    let contents = scenario.contents.len();
    let nodes = places.iter().enumerate().map(|(node, place)| {
        let node = node as u32;
        let seed = |purpose: u64| mix(random_seed, u64::from(node) | purpose << 40);
        let slots = SeederConfig {
            upload_slots: scenario.engine.upload_slots,
            download_slots: scenario.engine.download_slots,
        };
        let id = peer_id(random_seed, node);
        let pair = |at: u32, number: u32| (at + 2 * number, at + 2 * number + 1);
        Node {
            id,
            place: *place,
            labels: labels(place),
            alive: true,
            life: 0,
            side: 0,
            up: 2 * node,
            down: 2 * node + 1,
            rack: place.rack.filter(|_| fleet.rack_rate.0 > 0).map(|rack| pair(racks_at, rack)),
            zone: place.zone.map(|zone| pair(zones_at, zone)),
            members: (0..contents).map(|_| None).collect(),
            kept: vec![None; contents],
            seeder: Seeder::new(slots, seed(1)),
            announcer: (scenario.discovery == Discovery::Tracker).then(|| {
                let config = AnnouncerConfig::default();
                let announcer = Announcer::new(config, address(node), trackers.clone(), seed(2));
                announcer.with_place(labels(place).place())
            }),
            gossip: (scenario.discovery == Discovery::Gossip)
                .then(|| gossip::machine(id, node, 1, seed(3))),
            pairs: BTreeMap::new(),
            hash_busy: 0,
            disk_busy: 0,
            corrupt: false,
            liar: false,
            disk_full: false,
            policy: PolicyHealth::Fine,
            blame: [None; 5],
            reached: vec![false; trackers.len()],
            completed: None,
            announces: false,
            began: None,
        }
    });
    let nodes = nodes.collect();
    (capacities, nodes)
}
