//! A member of the cluster, and the rows that queries return.

use core::{net::SocketAddr, time::Duration};
use samara_model::PeerId;

/// A node as the membership protocol knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub peer: PeerId,
    /// Where it can be dialled, TCP and UDP.
    pub address: SocketAddr,
    /// Which start of the node this is: milliseconds of its wall clock then, so that a restarted node
    /// replaces its former self. A clock that went back is survived: the node is told, and counts up.
    pub instance: u64,
}

/// What is believed about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberState {
    /// Answers.
    Alive,
    /// Did not answer somebody; still counted as there.
    Suspect,
    /// Left, or did not answer for long.
    Down,
}

/// A row of the member list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberView {
    /// Who, where, and which start of it.
    pub member: Member,
    /// What is believed.
    pub state: MemberState,
    /// Since when it is up, or down.
    pub age: Duration,
}

/// A row of the content table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HolderView {
    /// Who.
    pub peer: PeerId,
    /// Where.
    pub address: SocketAddr,
    /// How much it has, in thousandths. News by datagram come in steps of a sixteenth.
    pub permille: u16,
    /// Still fetching.
    pub fetching: bool,
    /// How long ago this was heard.
    pub age: Duration,
}
