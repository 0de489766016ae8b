//! What is known of one neighbour, and what is going on with it.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use samara_model::{ChunkIndex, HaveSummary, LabelNumbers, PeerId, Place, Time};

use super::held::Held;
use super::pace::MeanPace;

/// A peer with a live connection for this content. What every look at all neighbours reads lies together at
/// the beginning, then what goes into a view: with many swarms, what is read is seldom in the cache.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Neighbour {
    /// No offers before this time.
    pub busy_until: Time,
    /// What it has; an empty universe until the manifest is known here.
    pub has: Held,
    /// Size of the manifest that it can pass on.
    pub manifest_bytes: Option<u32>,
    /// It has said that it takes part.
    pub opened: bool,
    /// It had the content from the start.
    pub origin: bool,
    /// It wants to hear what arrives here.
    pub wants_haves: bool,
    /// It was told of the others.
    pub introduced: bool,
    /// Where it stands, seen from here.
    pub relation: u32,

    /// Transfers into it, as it last said, and when.
    pub inbound: (u32, Time),
    /// How long chunks take to it.
    pub send_pace: MeanPace,
    /// How long chunks take from it.
    pub receive_pace: MeanPace,
    /// Chunks sent to it.
    pub sent: u32,
    /// Chunks received from it.
    pub received: u32,
    /// What failed or expired.
    pub failures: u32,
    /// Chunks from it that were bad.
    pub rejected: u32,

    /// Who.
    pub peer: PeerId,
    /// Connected since.
    pub since: Time,
    /// Of its labels, the well-known ones.
    pub place: Place,

    /// Of its labels, what the active policy wants to see.
    pub shown: Vec<u64>,
    /// What it has done wrong lately.
    pub bad: BadChunks,
    /// No requests before this time.
    pub refused_until: Time,
    /// How much of the log of stored chunks it was told.
    pub told: usize,
    /// When it was told last.
    pub told_at: Time,
    /// Where others can dial it.
    pub address: SocketAddr,
    /// What its operator says of it.
    pub labels: LabelNumbers,
    /// What it said it had, until the manifest is known here.
    pub summary: HaveSummary,
    /// It gets the manifest from here, since.
    pub manifest_since: Option<Time>,
}

/// What a neighbour did wrong.
#[derive(Debug, Default)]
pub struct BadChunks {
    /// Chunks with a wrong hash that it has neither withdrawn nor vouched for again.
    pub open: Vec<ChunkIndex>,
    /// When the first of them was rejected.
    pub first_at: Option<Time>,
}

impl BadChunks {
    /// It has withdrawn what was bad: no blame.
    pub fn cleared(&mut self) {
        self.open.clear();
        self.first_at = None;
    }
}

impl Neighbour {
    /// A fresh connection.
    pub fn new(peer: PeerId, address: SocketAddr, now: Time) -> Self {
        Neighbour {
            peer,
            address,
            labels: LabelNumbers::default(),
            place: Place::default(),
            relation: 0,
            shown: Vec::new(),
            since: now,
            opened: false,
            summary: HaveSummary::Nothing,
            has: Held::default(),
            origin: false,
            wants_haves: true,
            manifest_bytes: None,
            told: 0,
            told_at: now,
            inbound: (0, now),
            busy_until: Time::ZERO,
            refused_until: Time::ZERO,
            sent: 0,
            received: 0,
            failures: 0,
            rejected: 0,
            send_pace: MeanPace::default(),
            receive_pace: MeanPace::default(),
            bad: BadChunks::default(),
            manifest_since: None,
            introduced: false,
        }
    }

    /// Transfers into it as far as the news is fresh; after that it counts as busy as `usual`.
    pub fn inbound_now(&self, now: Time, fresh: Duration, usual: u32) -> u32 {
        let (count, at) = self.inbound;
        if now.since(at) > fresh { usual } else { count }
    }

    /// Remembers what it says about its load; room ends a back-off.
    pub fn heard_inbound(&mut self, inbound: u16, slots: u32, now: Time) {
        self.inbound = (u32::from(inbound), now);
        if u32::from(inbound) < slots {
            self.busy_until = Time::ZERO;
        }
    }

    /// Whether chunks may be asked of it and taken from it.
    pub fn is_trusted(&self) -> bool {
        self.bad.open.is_empty()
    }

    /// Thousandths of the content that it has.
    pub fn permille(&self) -> u16 {
        match self.has.universe() {
            0 if self.summary == HaveSummary::Everything => 1000,
            0 => 0,
            all => (u64::from(self.has.count()) * 1000 / u64::from(all)) as u16,
        }
    }
}

/// A stable number that stands for a peer, for policies.
pub fn number_of(peer: &PeerId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = peer.0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
