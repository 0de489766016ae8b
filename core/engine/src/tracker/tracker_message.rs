//! What a tracker is told, and what it wants done.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::{net::SocketAddr, time::Duration};
use samara_model::{
    ContentId, Holding, PeerId, PeerMessage, Place, Release, ReleaseConflict, ReleaseName,
};
use samara_policy::{Answer, Question};

use crate::swarm::PolicyFacts;

/// What happened at a tracker.
#[derive(Debug, Clone, PartialEq)]
pub enum TrackerInput {
    /// The registry is new and empty. Who is connected may be a peer of the registry before it, and is asked to
    /// announce itself again.
    Started {
        /// The connections that stand.
        links: Vec<u64>,
    },
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
    /// The active policy changed.
    PolicyChanged {
        /// What the tracker must know of it.
        facts: PolicyFacts,
    },
    /// The answer to a question; `None` when there will be none. Late and unknown ones are ignored.
    PolicyAnswered {
        /// From `AskPolicy`.
        token: u64,
        /// What the policy decided.
        answer: Option<Answer>,
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
    /// Ask the active policy; answer `PolicyAnswered`.
    AskPolicy {
        /// Never reused.
        token: u64,
        /// Whom a requester should know.
        question: Box<Question>,
        /// An answer after this time is late.
        deadline: Duration,
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
