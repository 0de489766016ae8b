//! A scenario file as it is written: tables and keys, before they are checked against each other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::quantity::{Bound, Rate, Share, Size, Span, When, Who};

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// A short name for tables.
    pub name: String,
    /// What the scenario shows.
    #[serde(default)]
    pub about: String,
    /// What is distributed; several at once share the links by priority.
    pub content: Vec<Content>,
    /// Who wants it.
    pub peers: Peers,
    /// How bytes and messages travel.
    #[serde(default)]
    pub network: NetworkTable,
    /// Racks and zones.
    #[serde(default)]
    pub topology: Topology,
    /// Peers with other links than the rest.
    #[serde(default)]
    pub group: Vec<Group>,
    /// How peers find each other.
    #[serde(default)]
    pub discovery: DiscoveryTable,
    /// Figures of the engine, where they shall differ from the node's.
    #[serde(default)]
    pub engine: EngineTable,
    /// The policy.
    #[serde(default)]
    pub policy: PolicyTable,
    /// What goes wrong.
    #[serde(default)]
    pub fault: Vec<Spanned<FaultTable>>,
    /// Peers, chunks and faults drawn from the random seed, in place of those above.
    pub random: Option<RandomTable>,
    /// What is not to be exceeded.
    #[serde(default)]
    pub budget: Budget,
    /// Bounds of figures of the report.
    #[serde(default)]
    pub expect: BTreeMap<Spanned<String>, Bound>,
}

/// A content.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Bytes in all.
    pub size: Spanned<Size>,
    /// Bytes of a chunk.
    pub chunk: Spanned<Size>,
    /// Share of a node's slots, 1 is usual.
    pub priority: Option<u32>,
    /// When everybody begins to fetch it; with the others if not given.
    pub starts: Option<Span>,
}

/// The receivers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// How many, without the origin.
    pub count: Spanned<u32>,
    /// Rate of every link, each way.
    pub rate: Spanned<Rate>,
    /// Rate out of the origin, if it differs.
    pub origin_rate: Option<Spanned<Rate>>,
    /// They begin at random moments within this time; at once if not given.
    pub arrive_within: Option<Span>,
}

/// Everything between two nodes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkTable {
    /// One way of a message, with what it waits at both ends.
    pub latency: Option<Span>,
    /// Up to so much is added to it, evenly distributed.
    pub jitter: Option<Span>,
    /// One way of the bytes of a chunk.
    pub data_latency: Option<Span>,
    /// A chunk takes up to so much more or less than its size says, evenly distributed.
    pub chunk_jitter: Option<Share>,
    /// Time of a link that each chunk costs beyond its bytes.
    pub per_chunk: Option<Span>,
    /// What a node can hash; endless if not given.
    pub hash: Option<Spanned<Rate>>,
    /// What a node's disk can write; endless if not given.
    pub disk: Option<Spanned<Rate>>,
    /// Part of the datagrams (gossip) that gets lost.
    pub datagram_loss: Option<Share>,
}

/// Racks and zones; nodes are dealt out evenly, in order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topology {
    /// Number of racks.
    pub racks: Option<Spanned<u32>>,
    /// The sum of a rack's links over its uplink, each way: 4 for "4:1".
    pub oversubscription: Option<Spanned<f64>>,
    /// Number of zones; racks are dealt out to them in order.
    pub zones: Option<Spanned<u32>>,
    /// Rate into and out of each zone, each way.
    pub zone_rate: Option<Spanned<Rate>>,
}

/// Peers with links of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// How many.
    pub who: Spanned<Who>,
    /// Rate out of each.
    pub up: Option<Spanned<Rate>>,
    /// Rate into each.
    pub down: Option<Spanned<Rate>>,
}

/// How peers find each other.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiscoveryTable {
    /// Through what.
    pub by: Discovery,
    /// Trackers, for discovery by tracker; 1 if not given.
    pub trackers: Option<Spanned<u32>>,
}

/// Through what peers find each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Discovery {
    /// Everybody announces himself to a tracker.
    #[default]
    Tracker,
    /// Everybody is a member of the gossip, and it has settled.
    Gossip,
    /// Everybody is told of the origin, which introduces them.
    Origin,
}

/// Figures of the engine, for trying others.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineTable {
    /// Uploads at a time.
    pub upload_slots: Option<Spanned<u32>>,
    /// Downloads at a time.
    pub download_slots: Option<Spanned<u32>>,
    /// Uploads of the origin in its first pass.
    pub first_pass_slots: Option<Spanned<u32>>,
    /// Chunks that are taken of one offer.
    pub chunks_per_offer: Option<Spanned<u32>>,
    /// Neighbours that a fetching peer looks for.
    pub neighbours: Option<Spanned<u32>>,
}

/// The policy of all nodes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyTable {
    /// Its name; `balanced` if not given.
    pub name: Option<Spanned<String>>,
}

/// Something that goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultTable {
    /// What.
    pub kind: FaultKind,
    /// To whom.
    pub who: Option<Who>,
    /// When; at the start if not given.
    pub at: Option<When>,
    /// How long it lasts: a crash, a partition, a full disk; for ever if not given.
    pub lasts: Option<Span>,
    /// How long the others take to notice a crash or a partition.
    pub noticed_after: Option<Span>,
    /// How late a slow policy answers.
    pub delay: Option<Span>,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The node is gone; with `lasts` it comes back with the chunks that it had.
    Crash,
    /// These nodes and the rest cannot reach each other.
    Partition,
    /// All that the node sends is damaged, and its own copy looks good to it.
    Corrupt,
    /// The node claims to have everything.
    Liar,
    /// The node's disk takes nothing more.
    FullDisk,
    /// The node's policy answers late.
    SlowPolicy,
    /// The node's policy fails on every question.
    FailingPolicy,
}

/// Ranges from which a run is drawn.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomTable {
    /// Fewest and most peers.
    pub peers: (u32, u32),
    /// Fewest and most chunks.
    pub chunks: (u32, u32),
    /// Fewest and most faults. All of them end when half of the chunks are there or earlier, and then
    /// everybody must finish.
    pub faults: (u32, u32),
}

/// What is not to be exceeded.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Bytes that arrive and are thrown away, as part of what is needed; 2 % if not given.
    pub duplicates: Option<Share>,
    /// Virtual time after which the run ends in any case; 20 times the limit and a minute if not given.
    pub time: Option<Span>,
}
