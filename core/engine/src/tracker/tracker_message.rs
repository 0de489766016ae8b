//! What a tracker is told, and what it wants done.

use alloc::vec::Vec;
use core::{net::SocketAddr, time::Duration};
use samara_model::{
    ContentId, Holding, PeerId, PeerMessage, Place, Release, ReleaseConflict, ReleaseName,
};

/// What happened at a tracker.
#[derive(Debug, Clone, PartialEq)]
pub enum TrackerInput {
    /// A `PeerMessage::Announce` arrived.
    Announced {
        /// Who, from the handshake.
        from: PeerId,
        /// The connection it came on.
        link: u64,
        /// Where it can be dialled.
        address: SocketAddr,
        /// Where it stands.
        place: Place,
        /// What it holds or fetches; empty when it leaves.
        holdings: Vec<Holding>,
        /// Releases it knows.
        releases: Vec<Release>,
        /// Echoed in the handout.
        token: u32,
    },
    /// A `PeerMessage::Find` arrived.
    Find {
        /// The connection it came on.
        link: u64,
        /// Echoed in the answer.
        token: u32,
        /// The release to look up.
        release: Option<ReleaseName>,
        /// The content whose holders are wanted.
        content: Option<ContentId>,
    },
    /// A peer said `Bye`. A connection that merely broke is no reason: the entry expires by itself.
    Left {
        /// Who.
        peer: PeerId,
    },
    /// A timer that was asked for has fired. Late and unknown ones are ignored.
    TimerFired {
        /// From `StartTimer`.
        token: u64,
    },
}

/// What a tracker wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum TrackerOutput {
    /// Send a `Handout` or `Found` on this connection. `refused` in a handout holds the records that are
    /// kept, so that the publisher can be told who was first.
    Send {
        /// The connection of the question.
        link: u64,
        /// The answer.
        message: PeerMessage,
    },
    /// Give `TrackerInput::TimerFired` with this token after this time.
    StartTimer {
        /// Never reused.
        token: u64,
        /// From now.
        after: Duration,
    },
    /// Tell whoever is interested.
    Report(TrackerEvent),
}

/// What others may want to know.
#[derive(Debug, Clone, PartialEq)]
pub enum TrackerEvent {
    /// Somebody announced a release a second time with another content. The first stays. Reported once
    /// per disputed record.
    ReleaseConflict(ReleaseConflict),
}
