//! The data plane: connections to other peers, and the bytes that move over them.
//!
//! A *link* is one connection to one peer and carries both control messages and chunk bodies. Two tasks
//! own it: the reader hashes chunks while they arrive and hands whole, digested chunks to the store;
//! the writer sends control messages first and chunks in pieces, straight from the page cache. The
//! actors see only [`LinkEvent`]s and act through [`LinkHandle::command`]; a chunk's bytes never pass
//! through a mailbox.
//!
//! [`Links`] is the registry: it listens, dials, and keeps exactly one link per peer.
//!
//! Deliberately not here: what to send to whom (`samara-engine`), the UDP socket of gossip (only bound
//! here, by [`bind_pair`], so that both have one port), and TLS, which will be another [`Transport`].

mod assembly;
mod bind;
mod buffers;
mod connection;
mod counters;
mod dial;
mod duplicate;
mod handle;
mod keepalive;
mod limits;
mod low_water;
mod outqueue;
mod pace;
mod reader;
mod registry;
mod serving;
mod shake;
mod standing;
mod storing;
mod throttle;
mod transport;
mod turns;
mod writer;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use samara_model::{ByteCount, ChunkIndex, ContentId, PeerId, PeerMessage};
use samara_store::{Content, ReadChunkError, StoreChunkError};
use samara_wire::handshake::HandshakeError;

use crate::api::NodeCaps;

pub use bind::{BindError, BoundPair, bind_pair};
pub use counters::{Counters, Traffic};
pub use dial::DialError;
pub use handle::{CloseReason, LinkClosed, LinkHandle};
pub use low_water::Naps;
pub use registry::{Identity, Links};
pub use throttle::Throttle;
pub use transport::{SentRange, Transport};

/// One connection, for as long as it lives; never used again in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// What the actors ask of a link. Given to [`LinkHandle::command`], carried out in order, except where
/// said otherwise.
#[derive(Debug)]
pub enum LinkCommand {
    /// Send a message. Control messages overtake chunk bodies, at the next piece.
    Send {
        /// The content that the message belongs to; its channel is filled in. `None` for messages
        /// without a channel.
        content: Option<ContentId>,
        /// The message. Never a `Piece`.
        message: PeerMessage,
    },
    /// Send a chunk after those of the same content that were asked for before; contents share the link by their
    /// priority. Ends with [`LinkEvent::ChunkSent`],
    /// [`LinkEvent::ServeFailed`], a cancel, or the link.
    Serve {
        /// Where it lies.
        content: Arc<Content>,
        /// Which.
        chunk: ChunkIndex,
        /// `ChunkSent` comes when the rest will be acknowledged within this time at the link's pace, and at
        /// the latest when a quarter of the chunk or 16 KiB are missing.
        ahead: Duration,
    },
    /// Forget a `Serve`: at once when it waits, after the current piece when it runs. No event follows,
    /// unless all bytes were written already: then `ChunkSent` comes as usual. The other side learns it
    /// from the next chunk, or from a `Refuse`, `Withdraw` or `Close` message.
    CancelServe {
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Forget every `Serve` of a content.
    CancelServeAll {
        /// The content.
        content: ContentId,
    },
    /// Throw the rest of this chunk away while it arrives; overtakes everything. Ends with
    /// [`LinkEvent::ChunkDiscarded`] once its last byte is here. Nothing happens when the chunk is not
    /// arriving just now.
    DropIncoming {
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Close the link once the messages before this command are out, within two seconds.
    Close(CloseReason),
}

/// What happened on a link. For each link `Connected` comes first and `Disconnected` last; when a link
/// replaces an older one to the same peer, the old one's `Disconnected` comes before.
#[derive(Debug)]
pub enum LinkEvent {
    /// Occurs when a handshake has succeeded.
    Connected(LinkHandle),
    /// Occurs when a connection from outside did not become a link. There is no link to speak of.
    Refused {
        /// Where it came from.
        remote: SocketAddr,
        /// What was wrong; the other side was told.
        error: HandshakeError,
    },
    /// Occurs when a link has ended and nothing more comes from it.
    Disconnected {
        /// The link.
        link: LinkId,
        /// Its peer.
        peer: PeerId,
        /// Why.
        reason: CloseReason,
    },
    /// Occurs when a control message has arrived; `Piece`, `Ping` and `Pong` never come here.
    Message {
        /// The link.
        link: LinkId,
        /// The content that the message's channel stands for, when it has one.
        content: Option<ContentId>,
        /// The message.
        message: PeerMessage,
    },
    /// Occurs when the first piece of a chunk that is wanted arrives.
    ChunkStarted {
        /// The link.
        link: LinkId,
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Occurs when a chunk is verified and written.
    ChunkStored {
        /// The link.
        link: LinkId,
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Its length.
        bytes: u32,
        /// From the header of its first piece to its last byte.
        elapsed: Duration,
    },
    /// Occurs when a chunk has arrived whole and does not have its hash. Nothing was written.
    ChunkRejected {
        /// The link.
        link: LinkId,
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Occurs when a chunk's bytes were thrown away: it was here already, or not wanted, or its sender
    /// stopped halfway.
    ChunkDiscarded {
        /// The link.
        link: LinkId,
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Bytes of it that had arrived.
        bytes: u32,
    },
    /// Occurs when a verified chunk could not be written. The bytes are gone; the content is as before.
    StoreFailed {
        /// The link.
        link: LinkId,
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Why, for example a full disk.
        error: Arc<StoreChunkError>,
    },
    /// Occurs when all but the last few of a chunk's bytes were *acknowledged* by the other side's
    /// system: at most a quarter of it, and at most 16 KiB, are still under way. This is when an upload
    /// slot is free; freeing it when the bytes were merely written was measured to be the worst mistake
    /// of all.
    ChunkSent {
        /// The link.
        link: LinkId,
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Its length.
        bytes: u32,
    },
    /// Occurs when a chunk could not be read here. The other side got part of it or nothing; tell it
    /// with `Refuse` or `Withdraw`.
    ServeFailed {
        /// The link.
        link: LinkId,
        /// The content.
        content: ContentId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Why.
        error: Arc<ReadChunkError>,
    },
}

/// What is done with the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskOp {
    /// Comparing a chunk's hash and writing it.
    Write,
    /// Reading what the page cache does not have.
    Read,
}

/// Connects the links with the rest of the node.
pub trait LinkRouter: Clone + Send + Sync + 'static {
    /// Takes an event. Waits when the receiver is full: the link then stops reading, and TCP slows the
    /// other side down.
    fn deliver(&self, event: LinkEvent) -> impl Future<Output = ()> + Send;

    /// The content, when this node takes part in it. Called for each chunk that begins to arrive.
    fn content(&self, content: &ContentId) -> Option<Arc<Content>>;

    /// Takes note of work of the disk: how many bytes, and how long it took.
    fn disk_used(&self, _op: DiskOp, _bytes: u64, _took: Duration) {}

    /// Takes note of how long the processor worked on the digest of a chunk.
    fn chunk_hashed(&self, _took: Duration) {}
}

/// How links behave.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// Caps on the bytes of all links together, and of those to each class of peers. Default none.
    pub limits: NodeCaps,
    /// Most bytes of chunks that are in memory between socket and disk, for all links together; two
    /// chunks always find room. Default 24 MiB.
    pub receive_memory: ByteCount,
    /// Most links at once. Default 1024.
    pub max_links: usize,
    /// A dial or handshake that takes longer has failed. Default 5 s.
    pub handshake_timeout: Duration,
    /// Ask whether the other side is there after this much silence. Default 10 s.
    pub ping_after: Duration,
    /// Close after this much silence. Default 30 s.
    pub close_after: Duration,
}

impl Default for LinkConfig {
    fn default() -> Self {
        LinkConfig {
            limits: NodeCaps::default(),
            receive_memory: ByteCount(24 << 20),
            max_links: 1024,
            handshake_timeout: Duration::from_secs(5),
            ping_after: Duration::from_secs(10),
            close_after: Duration::from_secs(30),
        }
    }
}
