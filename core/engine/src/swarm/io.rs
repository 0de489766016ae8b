//! What happens to a swarm, and what it wants done.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use samara_model::{ChunkIndex, ChunkSet, LabelNumbers, PeerHint, PeerId, PeerMessage};
use samara_policy::{Answer, Hook, Question};

use super::policy::{DropReason, PolicyFacts};

/// A live connection, as numbered by the driver. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkKey(pub u64);

/// What the engine must know of a verified manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFacts {
    /// Its bytes, as they are passed on.
    pub bytes: Arc<[u8]>,
    /// Bytes of every chunk but the last.
    pub chunk_bytes: u32,
    /// What is verified here already; its universe is the number of chunks.
    pub have: ChunkSet,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum SwarmInput {
    /// A connection for this content stands: asked for with [`SwarmOutput::Connect`], or the peer sent
    /// an `Open`.
    PeerConnected {
        /// The connection.
        link: LinkKey,
        /// Who.
        peer: PeerId,
        /// Where others can dial it.
        address: SocketAddr,
        /// Its labels, from the handshake.
        labels: LabelNumbers,
        /// This machine was rebuilt on a connection that stood: ask the peer to say again what it has.
        resumed: bool,
    },
    /// A connection ended.
    PeerDisconnected {
        /// The connection.
        link: LinkKey,
    },
    /// The operator of this node says something else of it from now on.
    Relabelled {
        /// Its labels.
        labels: LabelNumbers,
    },
    /// The operator of a neighbour does.
    PeerRelabelled {
        /// The connection.
        link: LinkKey,
        /// The labels of the neighbour.
        labels: LabelNumbers,
    },
    /// A connection that was asked for could not be made.
    ConnectFailed {
        /// To whom.
        peer: PeerId,
    },
    /// A neighbour said something about this content.
    MessageReceived {
        /// From which connection.
        link: LinkKey,
        /// What it said. Its channel means nothing here.
        message: PeerMessage,
    },
    /// The manifest is verified and the store is ready.
    ManifestLoaded(ManifestFacts),
    /// The bytes of [`SwarmOutput::CheckManifest`] are not the manifest of this content.
    ManifestRefused,
    /// The first bytes of a chunk have come.
    ChunkStarted {
        /// From which connection.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// A chunk is verified and stored.
    ChunkStored {
        /// From which connection.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// A chunk does not have its hash.
    ChunkRejected {
        /// From which connection.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// A chunk came that was already here, or its transfer was broken off.
    ChunkDiscarded {
        /// From which connection.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// A verified chunk could not be written: nothing more is accepted until `Resumed`.
    StoreFailed {
        /// From which connection.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// There is room again.
    Resumed,
    /// The peer has acknowledged all but the last few bytes of a chunk.
    ChunkSent {
        /// To which connection.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// A chunk could not be read or sent.
    ServeFailed {
        /// To which connection.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Answer to [`SwarmOutput::VerifyOwn`].
    OwnChunkVerified {
        /// Who had rejected it.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
        /// Whether the own copy is right.
        good: bool,
    },
    /// The bytes here changed or are gone: nothing of this content is served any more.
    ContentWithdrawn,
    /// Somebody knows others who take part.
    HintsReceived(Vec<PeerHint>),
    /// With this many neighbours at a time something may be under way; two chunks of one offer share a slot.
    SlotsLeased {
        /// To so many neighbours.
        upload: u32,
        /// From so many neighbours.
        download: u32,
    },
    /// A policy answered.
    PolicyAnswered {
        /// From the question.
        token: u64,
        /// The answer.
        answer: Answer,
    },
    /// The policy could not answer.
    PolicyFailed {
        /// From the question.
        token: u64,
    },
    /// Another policy is active, or its parameters changed. Questions that are open stay so: their answers
    /// are checked like any.
    PolicyChanged {
        /// What it wants.
        facts: PolicyFacts,
    },
    /// The time has come.
    TimerFired {
        /// From [`SwarmOutput::StartTimer`].
        token: u64,
    },
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum SwarmOutput {
    /// Say this; the driver fills in the channel.
    Send {
        /// On which connection.
        link: LinkKey,
        /// What.
        message: PeerMessage,
    },
    /// Send the bytes of a chunk; answer `ChunkSent` when what is left of it would be acknowledged within
    /// `ahead`, or a little before its end if that is earlier.
    ServeChunk {
        /// On which connection.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
        /// How much earlier the next offer should go out.
        ahead: Duration,
    },
    /// Stop sending a chunk, if that is still possible.
    CancelServe {
        /// On which connection.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Throw away what still comes of a chunk.
    DropIncoming {
        /// On which connection.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Connect for this content, or use the connection that stands.
    Connect {
        /// To whom.
        peer: PeerId,
        /// Where.
        address: SocketAddr,
    },
    /// Close the connection: the peer broke the rules.
    Disconnect {
        /// The connection.
        link: LinkKey,
        /// Why, for logs.
        why: &'static str,
    },
    /// The whole manifest is here: check it, prepare the store, answer `ManifestLoaded` or
    /// `ManifestRefused`.
    CheckManifest {
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Re-hash the own copy of a chunk that a peer rejected; answer `OwnChunkVerified`.
    VerifyOwn {
        /// Who rejected it.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Ask the active policy; answer `PolicyAnswered` or `PolicyFailed`.
    AskPolicy {
        /// Echoed.
        token: u64,
        /// The question.
        question: Box<Question>,
        /// An answer after this time is ignored.
        deadline: Duration,
    },
    /// Ask the built-in policy: the active one failed, was late, decides nothing, or does not want the hook
    /// without which nothing moves (`neighbours`).
    AskBuiltIn {
        /// Echoed.
        token: u64,
        /// The question.
        question: Box<Question>,
    },
    /// Come back after this time.
    StartTimer {
        /// Echoed.
        token: u64,
        /// From now.
        after: Duration,
    },
    /// Tell whoever watches.
    Report(SwarmEvent),
}

/// Something worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwarmEvent {
    /// Occurs when the last chunk is stored.
    Completed,
    /// Occurs when the origin has sent every chunk once.
    FirstPassDone,
    /// Occurs when a peer is banned from this swarm.
    PeerBanned {
        /// Who.
        peer: PeerId,
        /// What it did.
        why: &'static str,
    },
    /// Occurs when a chunk from a peer had the wrong hash.
    ChunkWasBad {
        /// Who sent it.
        peer: PeerId,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Occurs when the store cannot take more.
    Parked,
    /// Occurs when a decision of the policy does not hold.
    DecisionDropped {
        /// Where it was made.
        hook: Hook,
        /// Why.
        why: DropReason,
    },
    /// Occurs when the built-in policy is asked in place of the active one.
    FellBack {
        /// Which question.
        hook: Hook,
        /// `failed`, `late`, or `idle`: nothing moved for a while although something could, and the active
        /// policy decided nothing.
        why: &'static str,
    },
    /// Occurs when a reservation expired.
    ReservationExpired {
        /// Who did not keep it.
        peer: PeerId,
    },
}
