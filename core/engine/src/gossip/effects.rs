//! What foca wants done, kept until it is passed on.

use alloc::vec::Vec;
use core::{net::SocketAddr, time::Duration};
use foca::{Notification, Timer};

use super::member::Member;

/// What foca says about its members.
#[derive(Debug, Clone, Copy)]
pub(super) enum Note {
    Up(Member),
    Down(Member),
    /// A later identity took the place of an earlier one, in whatever state.
    Renamed(Member),
    /// This node was taken for dead and has a new identity.
    Renewed(Member),
    Alone,
}

/// Collects what foca wants done.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub datagrams: Vec<(SocketAddr, Vec<u8>)>,
    pub timers: Vec<(Timer<Member>, Duration)>,
    pub notes: Vec<Note>,
}

impl foca::Runtime<Member> for Effects {
    fn notify(&mut self, notification: Notification<'_, Member>) {
        self.notes.push(match notification {
            Notification::MemberUp(member) => Note::Up(*member),
            Notification::MemberDown(member) => Note::Down(*member),
            Notification::Rename(_, member) => Note::Renamed(*member),
            Notification::Rejoin(member) => Note::Renewed(*member),
            Notification::Idle => Note::Alone,
            Notification::Active | Notification::Defunct => return,
        });
    }

    fn send_to(&mut self, to: Member, data: &[u8]) {
        self.datagrams.push((to.address, data.to_vec()));
    }

    fn submit_after(&mut self, timer: Timer<Member>, after: Duration) {
        self.timers.push((timer, after));
    }
}
