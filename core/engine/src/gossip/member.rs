//! A member of the cluster, and the rows that queries return.

use core::{net::SocketAddr, time::Duration};
use samara_model::{PeerId, Place};

/// Highest `instance` and row version that is believed. Milliseconds of a clock fill 41 bits; the bound
/// keeps a lie from leaving nothing to count up to.
pub(crate) const MAX_VERSION: u64 = 1 << 62;

/// A node as the membership protocol knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Who.
    pub peer: PeerId,
    /// Which start of the node this is: milliseconds of its wall clock then, or more where that would be no
    /// more than at the start before, so that a restarted node replaces its former self. One that has lost
    /// count is told by the others, and counts up.
    pub instance: u64,
    /// Where it can be dialled, TCP and UDP.
    pub address: SocketAddr,
}

impl foca::Identity for Member {
    type Addr = PeerId;

    fn renew(&self) -> Option<Self> {
        (self.instance < MAX_VERSION).then(|| Member { instance: self.instance + 1, ..*self })
    }

    fn addr(&self) -> PeerId {
        self.peer
    }

    /// The later start wins. Two of one instance are two nodes with one id: the same one must win
    /// everywhere, so the address decides.
    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self > adversary
    }
}

/// Whether a peer could be dialled at this address: nobody listens on port 0, on "any" or on a group.
pub(crate) fn is_dialable(address: &SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let broadcast = matches!(ip, core::net::IpAddr::V4(v4) if v4.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
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
    /// Where it stands; nothing is known before its row of the table came.
    pub place: Place,
}

/// A row of the content table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HolderView {
    /// Who.
    pub peer: PeerId,
    /// Where.
    pub address: SocketAddr,
    /// Where it stands.
    pub place: Place,
    /// How much it has, in thousandths. News by datagram come in steps of a sixteenth.
    pub permille: u16,
    /// Still fetching.
    pub fetching: bool,
    /// How long ago this was heard.
    pub age: Duration,
}
