//! What the gossip machine wants done.

use alloc::vec::Vec;
use core::{net::SocketAddr, time::Duration};
use samara_model::{ContentId, PeerId, PeerMessage, Release, ReleaseConflict};

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum GossipOutput {
    /// Send these bytes, in an envelope, from the node's UDP socket. Losses are expected.
    SendDatagram {
        /// Where to.
        to: SocketAddr,
        /// Payload, at most 1400 bytes.
        bytes: Vec<u8>,
    },
    /// Open or reuse a connection to this address and send it `Gossip::full_state(true)`, made when the
    /// connection is ready. On failure give `GossipInput::ExchangeFailed`.
    ExchangeWith {
        /// Where to.
        address: SocketAddr,
        /// Who should be there; unknown for a join address.
        peer: Option<PeerId>,
    },
    /// Send this answer to a full-state exchange on the connection that it came on.
    AnswerExchange {
        /// Who asked.
        peer: PeerId,
        /// A `PeerMessage::FullState` without a wish for a reply.
        message: PeerMessage,
    },
    /// Give `GossipInput::TimerFired` with this token after this time.
    StartTimer {
        /// Never reused.
        token: u64,
        /// From now.
        after: Duration,
    },
    /// Tell whoever is interested.
    Report(GossipEvent),
}

/// What others may want to know.
#[derive(Debug, Clone, PartialEq)]
pub enum GossipEvent {
    /// A member appeared, came back, or restarted (then perhaps at another address).
    MemberUp(PeerId, SocketAddr),
    /// A member left or no longer answers. With a live connection to it, believe the connection.
    MemberDown(PeerId),
    /// A release that was not known before.
    ReleaseLearned(Release),
    /// Somebody, perhaps this node, published a release a second time with another content. The first
    /// stays. Reported once per disputed record.
    ReleaseConflict(ReleaseConflict),
    /// The holders of a content have changed: somebody new, gone, or complete.
    HoldersChanged(ContentId),
    /// Another node uses this node's id, from this address. One of the two must get a new id.
    SameIdElsewhere(SocketAddr),
}
