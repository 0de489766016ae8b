//! What a swarm's actor is told.

use std::sync::Arc;

use samara_engine::swarm::{LinkKey, Stretch, SwarmInput};
use samara_model::ChunkIndex;
use samara_store::{Content, ReadChunkError, StoreChunkError};

use tokio::sync::oneshot;

use crate::chunk_store_actor::Work;
use crate::link::{LinkHandle, LinkId};
#[cfg(doc)]
use crate::shared::Shared;

/// What a swarm is told.
pub enum SwarmMessage {
    /// Straight to the machine.
    Input(SwarmInput),
    /// A link for this content stands.
    Connected {
        /// The link.
        handle: LinkHandle,
        /// It stood before this incarnation.
        resumed: bool,
    },
    /// [`Shared::labels`] changed.
    Relabelled,
    /// The labels of a peer changed.
    PeerRelabelled {
        /// The link to it.
        link: LinkId,
    },
    /// A chunk is verified and written.
    Stored {
        /// From whom.
        link: LinkId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Its length.
        bytes: u32,
    },
    /// A chunk had the wrong hash.
    Rejected {
        /// From whom.
        link: LinkId,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// A chunk's bytes were thrown away.
    Discarded {
        /// From whom.
        link: LinkId,
        /// The chunk.
        chunk: ChunkIndex,
        /// How many came.
        bytes: u32,
    },
    /// A verified chunk could not be written.
    StoreFailed {
        /// From whom.
        link: LinkId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Why.
        error: Arc<StoreChunkError>,
    },
    /// A chunk was sent and acknowledged.
    Sent {
        /// To whom.
        link: LinkId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Its length.
        bytes: u32,
    },
    /// A chunk could not be read.
    ServeFailed(ServeProblem),
    /// The manifest was looked at.
    Prepared(Prepared),
    /// The finished content was put in place, or not.
    Finished(Result<(), String>),
    /// The own copy of a chunk was hashed again.
    Verified {
        /// Who rejected it.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
        /// Whether it is right; not readable counts as wrong.
        good: bool,
    },
    /// An order to the store came to nothing.
    OrderLost(Work),
    /// There is room on the disk again.
    RoomFound,
    /// Nobody wants it here any more.
    Closed,
    /// Where the content has its gaps, in so many stretches.
    Map {
        /// At most so many.
        stretches: u32,
        /// The answer.
        answer: oneshot::Sender<Vec<Stretch>>,
    },
    /// For tests of the supervision.
    Panic,
}

/// A chunk that could not be served.
pub struct ServeProblem {
    /// To whom.
    pub link: LinkId,
    /// The chunk.
    pub chunk: ChunkIndex,
    /// Why.
    pub error: Arc<ReadChunkError>,
}

/// What came of the manifest.
pub enum Prepared {
    /// The store is ready.
    Ready(Arc<Content>),
    /// There is not enough room for it yet.
    NoRoom {
        /// How much is missing.
        why: String,
        /// The manifest, for another try.
        bytes: Arc<[u8]>,
    },
    /// The bytes are not this content's manifest.
    Refused(String),
    /// The manifest is right, but this node cannot fetch to that place.
    Impossible(String),
}
