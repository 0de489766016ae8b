//! What a policy sees. Every column of one table has the same length; row `i` of each belongs together.
//! The names and units are those of `plugins/wit/v1/policy.wit`.

use alloc::vec::Vec;

/// One question to a policy, with its view.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// For [`crate::Policy::neighbours`].
    Neighbours(NeighboursView),
    /// For [`crate::Policy::offers`].
    Offers(OffersView),
    /// For [`crate::Policy::requests`].
    Requests(RequestsView),
    /// For [`crate::Policy::overdue`].
    Overdue(OverdueView),
}

/// The asking node and its state in this content.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Me {
    /// Now, in microseconds since an arbitrary start.
    pub now_us: u64,
    /// Microseconds since this node took up the content.
    pub age_us: u64,
    /// A fresh random number for this question.
    pub random_seed: u64,
    /// Stands for the node's zone: equal labels, equal numbers; 0 without the label.
    pub zone: u64,
    /// Stands for the node's rack; 0 without the label.
    pub rack: u64,
    /// The labels named in the description, as numbers like `zone`.
    pub labels: Vec<u64>,
    /// I had the content from the start.
    pub origin: bool,
    /// I am the origin, and there are chunks that nobody else has yet.
    pub first_pass: bool,
    /// Chunks of the content.
    pub chunks: u32,
    /// Chunks that I have.
    pub held: u32,
    /// Bytes of a chunk; the last may be shorter.
    pub chunk_bytes: u32,
    /// Slots that may be filled by this answer.
    pub free_slots: u32,
    /// Slots in all.
    pub slots: u32,
    /// Most offers and transfers to one peer at a time.
    pub per_peer: u32,
    /// How long recent uploads of a chunk took.
    pub upload_times: Times,
    /// How long recent downloads of a chunk took.
    pub download_times: Times,
    /// Running mean of downloads, in microseconds; 0 while unknown.
    pub download_mean_us: u64,
    /// Bytes per second out of this node for this content, lately.
    pub upload_rate: u64,
    /// Bytes per second into this node for this content, lately.
    pub download_rate: u64,
    /// Cap on what leaves this node, in bytes per second; 0 without one.
    pub upload_cap: u64,
    /// Cap on what comes into this node, in bytes per second; 0 without one.
    pub download_cap: u64,
    /// Values of the parameters, in the order of the description.
    pub parameters: Vec<u64>,
}

/// Quantiles of recent durations, in microseconds; 0 while unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// 30 %: the time of an undisturbed transfer, also when many are slow.
    pub p30_us: u64,
    /// The median.
    pub p50_us: u64,
    /// 90 %.
    pub p90_us: u64,
    /// 99 %.
    pub p99_us: u64,
}

/// Where a peer is, seen from the asking node: values of the `relation` columns.
pub mod relation {
    /// One of the two has no labels that tell.
    pub const UNKNOWN: u32 = 0;
    /// On the same host.
    pub const HOST: u32 = 1;
    /// In the same rack.
    pub const RACK: u32 = 2;
    /// In the same zone, another rack.
    pub const ZONE: u32 = 3;
    /// In another zone, or in another rack when no zone is known.
    pub const REMOTE: u32 = 4;
}

/// Live neighbours.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PeerColumns {
    /// A stable number for the peer, the first 8 bytes of its id.
    pub id: Vec<u64>,
    /// Stands for its zone; 0 when unknown.
    pub zone: Vec<u64>,
    /// Stands for its rack; 0 when unknown.
    pub rack: Vec<u64>,
    /// One of [`relation`].
    pub relation: Vec<u32>,
    /// Labels named in the description: all of the first row, then all of the second, ...
    pub labels: Vec<u64>,
    /// It had the content from the start.
    pub origin: Vec<bool>,
    /// Transfers into it that run or are reserved, as it last said; 0 when that is too old.
    pub inbound: Vec<u32>,
    /// Age of that news in milliseconds.
    pub age_ms: Vec<u32>,
    /// Milliseconds since the connection was made.
    pub connected_ms: Vec<u32>,
    /// Offers and transfers from me to it.
    pub outstanding: Vec<u32>,
    /// Reservations and transfers from it to me.
    pub incoming: Vec<u32>,
    /// Chunks that I have sent to it so far.
    pub sent: Vec<u32>,
    /// Chunks that came from it so far.
    pub received: Vec<u32>,
    /// Chunks that it has.
    pub held: Vec<u32>,
    /// Chunks that it could get from me.
    pub lacks: Vec<u32>,
    /// Chunks that I could get from it.
    pub offers: Vec<u32>,
    /// Mean time of a chunk from me to it, in microseconds; 0 when unknown.
    pub send_time_us: Vec<u64>,
    /// Mean time of a chunk from it to me, in microseconds; 0 when unknown.
    pub receive_time_us: Vec<u64>,
    /// Offers, requests and transfers with it that failed or expired.
    pub failures: Vec<u32>,
    /// Chunks from it that did not have their hash.
    pub rejected: Vec<u32>,
}

/// The window of chunks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChunkColumns {
    /// Index in the content.
    pub index: Vec<u32>,
    /// Neighbours known to have it.
    pub holders: Vec<u32>,
    /// Transfers of it that I am sending, or into me.
    pub in_flight: Vec<u32>,
    /// How often I have sent it.
    pub sent: Vec<u32>,
}

/// One bit per peer and chunk of the window: `words` words a peer, lowest chunk in the lowest bit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Holdings {
    /// Words per peer, `ceil(window / 64)`.
    pub words: u32,
    /// The bits of all peers, one after the other.
    pub bits: Vec<u64>,
}

/// View of [`crate::Policy::offers`]. The window holds chunks that I have; a bit of `unavailable` is set
/// where the peer has the chunk, or it is on its way to it from me: do not offer it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OffersView {
    /// The asking node.
    pub me: Me,
    /// Neighbours that may be offered something now.
    pub peers: PeerColumns,
    /// The window.
    pub chunks: ChunkColumns,
    /// What not to offer to whom.
    pub unavailable: Holdings,
    /// Columns of later minor versions.
    pub more: Vec<Column>,
}

/// View of [`crate::Policy::requests`]. The window holds chunks that I lack and that are not on their way;
/// a bit of `available` is set where the peer has the chunk.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestsView {
    /// The asking node.
    pub me: Me,
    /// Neighbours that may be asked now.
    pub peers: PeerColumns,
    /// The window.
    pub chunks: ChunkColumns,
    /// Who has what.
    pub available: Holdings,
    /// Columns of later minor versions.
    pub more: Vec<Column>,
}

/// Transfers into me that take long.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InboundColumns {
    /// Row of the sending peer.
    pub peer: Vec<u32>,
    /// Chunk index in the content.
    pub chunk: Vec<u32>,
    /// Microseconds since it was reserved.
    pub age_us: Vec<u64>,
    /// Whether bytes have come.
    pub started: Vec<bool>,
}

/// View of [`crate::Policy::overdue`]. A bit of `alternatives`, one word row per *transfer* over the rows
/// of `peers`, is set where the peer has that transfer's chunk and could be asked for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OverdueView {
    /// The asking node.
    pub me: Me,
    /// Neighbours.
    pub peers: PeerColumns,
    /// The transfers.
    pub inbound: InboundColumns,
    /// Who else has each chunk.
    pub alternatives: Holdings,
    /// Columns of later minor versions.
    pub more: Vec<Column>,
}

/// Peers that are or could be neighbours.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CandidateColumns {
    /// A stable number for the peer.
    pub id: Vec<u64>,
    /// Stands for its zone; 0 when unknown.
    pub zone: Vec<u64>,
    /// Stands for its rack; 0 when unknown.
    pub rack: Vec<u64>,
    /// One of [`relation`].
    pub relation: Vec<u32>,
    /// Labels named in the description: all of the first row, then all of the second, ...
    pub labels: Vec<u64>,
    /// There is a live connection, or it is being made.
    pub connected: Vec<bool>,
    /// Thousandths of the content that it is said to have.
    pub permille: Vec<u32>,
    /// Milliseconds since the connection was made; 0 without one.
    pub connected_ms: Vec<u32>,
    /// Failed connections and transfers.
    pub failures: Vec<u32>,
}

/// View of [`crate::Policy::neighbours`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NeighboursView {
    /// The asking node.
    pub me: Me,
    /// The peers.
    pub peers: CandidateColumns,
    /// Connections to have.
    pub target: u32,
    /// Columns of later minor versions.
    pub more: Vec<Column>,
}

/// Ids of the columns that later minor versions added.
pub mod column {
    /// In a description: the columns that the policy wants to see.
    pub const WANTED: u32 = 1;
    /// In a view of offers, and only together: the sites that [`crate::Sites`] reads.
    pub const SITES: u32 = 16;
    /// Beside [`SITES`]: neighbours in each site.
    pub const SITE_MEMBERS: u32 = 17;
    /// Beside [`SITES`]: offers and transfers to each site.
    pub const SITE_OUTSTANDING: u32 = 18;
    /// Beside [`SITES`]: what each site has.
    pub const SITE_HELD: u32 = 19;
}

/// A column that a later minor version added. Ignore ids that you do not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// What it is; documented with the contract.
    pub id: u32,
    /// Its values.
    pub values: Vec<u64>,
}

impl Me {
    /// The value of the parameter at this place of the description; `otherwise` when the view has fewer.
    pub fn parameter(&self, place: usize, otherwise: u64) -> u64 {
        self.parameters.get(place).copied().unwrap_or(otherwise)
    }
}

impl Holdings {
    /// Whether the bit of `row` and `position` is set; false outside.
    pub fn get(&self, row: u32, position: u32) -> bool {
        let word = row as usize * self.words as usize + position as usize / 64;
        position / 64 < self.words
            && self.bits.get(word).is_some_and(|bits| bits >> (position % 64) & 1 == 1)
    }

    /// The words of one row.
    pub fn row(&self, row: u32) -> &[u64] {
        let start = row as usize * self.words as usize;
        self.bits.get(start..start + self.words as usize).unwrap_or(&[])
    }
}

impl PeerColumns {
    /// Number of rows.
    pub fn len(&self) -> u32 {
        self.id.len() as u32
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }
}

impl CandidateColumns {
    /// Number of rows.
    pub fn len(&self) -> u32 {
        self.id.len() as u32
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }
}
