//! What the announcer is told, and what it wants done.

use alloc::vec::Vec;
use core::{net::SocketAddr, time::Duration};
use samara_model::{ContentId, Holding, PeerHint, PeerMessage, Place, Release, ReleaseConflict};

/// What happened at a node that announces itself to trackers.
#[derive(Debug, Clone, PartialEq)]
pub enum AnnouncerInput {
    /// The node is up.
    Started,
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
    /// This node publishes a release, or learned one.
    ReleaseAdded(Release),
    /// A `PeerMessage::Handout` arrived. One that answers no open announcement is ignored, but for token
    /// [`START_OVER`](samara_model::START_OVER): the tracker has forgotten this node.
    HandoutReceived {
        /// The tracker that sent it.
        tracker: SocketAddr,
        /// Of the announcement.
        token: u32,
        /// Per content, some neighbours.
        neighbours: Vec<(ContentId, Vec<PeerHint>)>,
        /// The records that the tracker keeps instead of ours.
        refused: Vec<Release>,
        /// Announce again within this many seconds.
        expires_s: u32,
    },
    /// An announcement could not be delivered, or the connection to the tracker broke.
    AnnounceFailed {
        /// The tracker.
        tracker: SocketAddr,
    },
    /// A timer that was asked for has fired. Late and unknown ones are ignored.
    TimerFired {
        /// From `StartTimer`.
        token: u64,
    },
    /// The node stops on purpose: tell the tracker. Everything after it is ignored.
    Left,
}

/// What the announcer wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum AnnouncerOutput {
    /// Open or reuse a connection to this tracker and send it the message. On failure give
    /// `AnnouncerInput::AnnounceFailed`.
    Announce {
        /// The tracker.
        tracker: SocketAddr,
        /// A `PeerMessage::Announce`.
        message: PeerMessage,
    },
    /// Give `AnnouncerInput::TimerFired` with this token after this time.
    StartTimer {
        /// Never reused.
        token: u64,
        /// From now.
        after: Duration,
    },
    /// Tell whoever is interested.
    Report(AnnouncerEvent),
}

/// What others may want to know.
#[derive(Debug, Clone, PartialEq)]
pub enum AnnouncerEvent {
    /// Others who take part in a content.
    Neighbours(ContentId, Vec<PeerHint>),
    /// The tracker keeps another content for a release of ours.
    ReleaseRefused(ReleaseConflict),
    /// This tracker answers now; the one before did not, or none did.
    TrackerChanged(SocketAddr),
    /// No tracker answers. What is known stays usable; we go on trying.
    TrackersUnreachable,
}
