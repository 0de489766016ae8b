//! What peers say to each other, over one connection per pair.
//!
//! A [`Channel`] stands for a content on one connection, so that its 32-byte id is sent once. Each side
//! numbers its own channels: a message carries the channel of its *sender*.

use alloc::vec::Vec;
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};

use crate::{ChunkIndex, ContentId, Labels, PeerId, Place, Release, ReleaseName};

/// A content, as numbered by the sender of a message on this connection.
pub type Channel = u16;

/// Token of a handout that answers no announcement: the tracker began anew and has forgotten everybody. Whoever
/// uses it announces itself again soon.
pub const START_OVER: u32 = 0;

/// Most candidate chunks in one offer.
pub const MAX_CANDIDATES: usize = 8;

/// Most bytes of a manifest in one part.
pub const MAX_MANIFEST_PART: u32 = 64 << 10;

/// Everything one peer can say to another after the handshake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PeerMessage {
    /// I take part in this content. Sent first on a channel, and again whenever my side was rebuilt;
    /// then everything outstanding between us on this content is void.
    Open {
        /// My number for this content on this connection.
        channel: Channel,
        /// The content.
        content: ContentId,
        /// Bytes of the manifest when I have it, and can pass it on.
        manifest_bytes: Option<u32>,
        /// What I have.
        have: HaveSummary,
        /// I had the content from the start.
        origin: bool,
        /// Tell me what you get. False for an origin in its first pass.
        wants_haves: bool,
        /// Answer with an `Open` of your own, even if you sent one before.
        reply: bool,
    },
    /// I no longer take part in this content.
    Close {
        /// My channel.
        channel: Channel,
    },
    /// From now on tell me what you get (my first pass is over).
    WantHaves {
        /// My channel.
        channel: Channel,
    },
    /// I have verified these chunks since I last told you.
    Have {
        /// My channel.
        channel: Channel,
        /// The chunks.
        chunks: Vec<ChunkIndex>,
        /// Neighbours from which something is on its way to me or reserved; slow ones do not count.
        inbound: u16,
    },
    /// What I have, in full, where a list of what is new would be longer.
    HaveSet {
        /// My channel.
        channel: Channel,
        /// What I have.
        have: HaveSummary,
        /// Neighbours from which something is on its way to me or reserved; slow ones do not count.
        inbound: u16,
    },
    /// I no longer have these chunks; all of them when empty.
    Withdraw {
        /// My channel.
        channel: Channel,
        /// The chunks.
        chunks: Vec<ChunkIndex>,
    },
    /// I could send you one or two of these, best first. Answer with `Accept`, once for each that you take, or
    /// `Decline`.
    Offer {
        /// My channel.
        channel: Channel,
        /// 1 to [`MAX_CANDIDATES`] chunks.
        chunks: Vec<ChunkIndex>,
        /// Neighbours from which something is on its way to me or reserved; slow ones do not count.
        inbound: u16,
    },
    /// Send me this chunk of your offer. One message for each chunk that is taken: the first answers the offer
    /// and holds; one that follows for another chunk of it counts as a `Request`, and may be refused.
    Accept {
        /// My channel.
        channel: Channel,
        /// One of the offered chunks.
        chunk: ChunkIndex,
        /// As in `Offer`, you included.
        inbound: u16,
    },
    /// No, thank you.
    Decline {
        /// My channel.
        channel: Channel,
        /// Why.
        reason: DeclineReason,
        /// As in `Offer`.
        inbound: u16,
    },
    /// Send me this chunk, or any that I lack when `None`. Answered with bytes or `Refuse`.
    Request {
        /// My channel.
        channel: Channel,
        /// The chunk, or any.
        chunk: Option<ChunkIndex>,
        /// As in `Offer`, you included.
        inbound: u16,
    },
    /// I cannot serve your request, or an offer of mine that you accepted.
    Refuse {
        /// My channel.
        channel: Channel,
        /// The chunk that was asked for.
        chunk: Option<ChunkIndex>,
    },
    /// I do not want this chunk from you any more.
    Cancel {
        /// My channel.
        channel: Channel,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Bytes of a chunk follow this message, raw, `length` of them. Pieces of one chunk come in order;
    /// the first has `offset` 0; no other chunk's pieces come in between on this connection.
    Piece {
        /// My channel.
        channel: Channel,
        /// The chunk.
        chunk: ChunkIndex,
        /// First byte inside the chunk.
        offset: u32,
        /// Bytes that follow.
        length: u32,
    },
    /// What you sent as this chunk does not have its hash.
    Reject {
        /// My channel.
        channel: Channel,
        /// The chunk.
        chunk: ChunkIndex,
        /// What was wrong.
        reason: RejectReason,
    },
    /// Send me a part of the manifest, at most [`MAX_MANIFEST_PART`] bytes from `offset`.
    ManifestRequest {
        /// My channel.
        channel: Channel,
        /// First byte.
        offset: u32,
    },
    /// A part of the manifest; empty when I cannot serve it now: ask somebody else, or again later.
    ManifestPart {
        /// My channel.
        channel: Channel,
        /// First byte.
        offset: u32,
        /// The bytes.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// Others who take part in this content (peer exchange).
    Peers {
        /// My channel.
        channel: Channel,
        /// Who and where.
        peers: Vec<PeerHint>,
    },
    /// What does this name mean, and who has it? Answered with `Found`.
    Find {
        /// Echoed in the answer.
        token: u32,
        /// Look a release up.
        release: Option<ReleaseName>,
        /// Look the holders of a content up.
        content: Option<ContentId>,
    },
    /// Answer to `Find`: what I know.
    Found {
        /// From the question.
        token: u32,
        /// The release, when I know it.
        release: Option<Release>,
        /// Some who hold the content, or the release's content.
        holders: Vec<PeerHint>,
    },
    /// To a tracker: this is who I am and what I hold. Repeated before it expires.
    Announce {
        /// Where I can be dialled.
        address: SocketAddr,
        /// Where I stand.
        place: Place,
        /// What I hold or fetch. Empty: I leave.
        holdings: Vec<Holding>,
        /// Releases I know.
        releases: Vec<Release>,
        /// Echoed in the answer.
        token: u32,
    },
    /// From a tracker: whom to connect to for the announced contents.
    Handout {
        /// From the announcement; [`START_OVER`] in one that answers none.
        token: u32,
        /// Per content, some neighbours.
        neighbours: Vec<(ContentId, Vec<PeerHint>)>,
        /// Releases that the tracker keeps where the announced one has another content.
        refused: Vec<Release>,
        /// Announce again within this many seconds.
        expires_s: u32,
    },
    /// Everything I know about members, contents and releases (full-state exchange).
    FullState {
        /// Answer with your own.
        reply: bool,
        /// Opaque, bounded bytes of the membership protocol.
        #[serde(with = "serde_bytes")]
        members: Vec<u8>,
        /// Who holds what.
        table: Vec<MemberRecord>,
        /// Releases.
        releases: Vec<Release>,
    },
    /// Are you there?
    Ping {
        /// Echoed.
        token: u32,
    },
    /// Yes.
    Pong {
        /// From the ping.
        token: u32,
    },
    /// I am leaving; do not treat this as a failure.
    Bye,
    /// From now on my operator says this of me, in place of what the handshake told. Only to those who said there
    /// that they understand it.
    Relabelled {
        /// All labels.
        labels: Labels,
    },
}

/// Which chunks a peer has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HaveSummary {
    /// None (or the manifest is not known yet).
    Nothing,
    /// All.
    Everything,
    /// Bits, as [`crate::ChunkSet::to_bytes`] writes them.
    Some(#[serde(with = "serde_bytes")] Vec<u8>),
}

/// Why an offer is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeclineReason {
    /// All download slots are taken.
    Busy,
    /// Each candidate is here or on its way.
    Have,
    /// Not wanted now: the disk is full, or the fetch is paused.
    Parked,
}

/// Why a chunk was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RejectReason {
    /// Its BLAKE3 digest is not the manifest's.
    WrongHash,
}

/// A peer that could be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerHint {
    /// Who.
    pub peer: PeerId,
    /// Where.
    pub address: SocketAddr,
    /// How much of the content it has, in thousandths.
    pub permille: u16,
    /// Where it stands.
    pub place: Place,
}

/// What a peer holds of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The content.
    pub content: ContentId,
    /// How much of it, in thousandths.
    pub permille: u16,
    /// Still fetching: wants to hear of others.
    pub fetching: bool,
}

/// One row of the coarse table "who holds what".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// Who.
    pub peer: PeerId,
    /// Where.
    pub address: SocketAddr,
    /// Counts up with each change; a higher one replaces a lower one.
    pub version: u64,
    /// Where it stands.
    pub place: Place,
    /// What.
    pub holdings: Vec<Holding>,
}

impl PeerMessage {
    /// Where a message that belongs to a content keeps its channel.
    pub fn channel_mut(&mut self) -> Option<&mut Channel> {
        use PeerMessage::*;
        match self {
            Open { channel, .. }
            | Close { channel }
            | WantHaves { channel }
            | Have { channel, .. }
            | HaveSet { channel, .. }
            | Withdraw { channel, .. }
            | Offer { channel, .. }
            | Accept { channel, .. }
            | Decline { channel, .. }
            | Request { channel, .. }
            | Refuse { channel, .. }
            | Cancel { channel, .. }
            | Piece { channel, .. }
            | Reject { channel, .. }
            | ManifestRequest { channel, .. }
            | ManifestPart { channel, .. }
            | Peers { channel, .. } => Some(channel),
            Find { .. }
            | Found { .. }
            | Announce { .. }
            | Handout { .. }
            | FullState { .. }
            | Ping { .. }
            | Pong { .. }
            | Bye
            | Relabelled { .. } => None,
        }
    }
}
