//! What the gossip machine is told.

use alloc::vec::Vec;
use core::net::SocketAddr;
use samara_model::{Holding, MemberRecord, PeerId, Place, Release};

/// What happened. See [`crate::gossip::GossipOutput`] for what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub enum GossipInput {
    /// The node is up, and its sockets are open. Give it once, before anything else.
    Started {
        /// Addresses of any members; empty for the first node of a cluster. One's own is skipped.
        join: Vec<SocketAddr>,
    },
    /// A datagram of this cluster arrived; the envelope is already off.
    DatagramReceived {
        /// Where it came from.
        from: SocketAddr,
        /// Its payload, at most 1400 bytes; anything longer is dropped.
        bytes: Vec<u8>,
    },
    /// A `PeerMessage::FullState` arrived.
    FullStateReceived {
        /// Who sent it, from the handshake.
        from: PeerId,
        /// Whether it wants an answer: [`crate::gossip::GossipOutput::AnswerExchange`] gives it.
        reply: bool,
        /// Members, encoded by the other side's `full_state`.
        members: Vec<u8>,
        /// Who holds what.
        table: Vec<MemberRecord>,
        /// Releases.
        releases: Vec<Release>,
    },
    /// An `ExchangeWith` could not be carried out: no connection, or it broke before the answer. Also
    /// when any connection ends: addresses with which no exchange is open are ignored.
    ExchangeFailed {
        /// The address from the output.
        address: SocketAddr,
    },
    /// What this node holds has changed. Give all of it, as often as it changes: pacing is done here.
    HoldingsChanged {
        /// Everything this node holds or fetches.
        holdings: Vec<Holding>,
    },
    /// This node stands somewhere else from now on.
    PlaceChanged {
        /// Where.
        place: Place,
    },
    /// This node publishes a release, or knows one from its store. A conflicting one is refused with
    /// [`crate::gossip::GossipEvent::ReleaseConflict`].
    ReleaseAdded(Release),
    /// A timer that was asked for has fired. Late and unknown ones are ignored.
    TimerFired {
        /// From `StartTimer`.
        token: u64,
    },
    /// There is a live connection to this peer. If it is not a member yet, it is somebody to join.
    PeerSeen {
        /// Who.
        peer: PeerId,
        /// Where it can be dialled.
        address: SocketAddr,
    },
    /// The node stops on purpose: tell the others. Everything after it is ignored.
    Left,
}
