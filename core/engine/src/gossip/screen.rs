//! What others say about members, looked through before foca believes it.
//!
//! foca takes whatever is well formed, without bound, and has no answer to a node that finds its own id
//! in use. Both are settled here.

use alloc::vec::Vec;
use core::time::Duration;
use foca::State;
use samara_model::{PeerId, Time};

use super::codec::Update;
use super::member::{MAX_VERSION, Member};
use super::membership::{Change, Membership};
use super::packet::Packet;

/// Least time between two changes of the own identity: two nodes with one id outbid each other for ever,
/// but slowly.
const RENEW_PAUSE: Duration = Duration::from_secs(2);
/// Least time between two reports of a node with the same id.
const DOUBLE_PAUSE: Duration = Duration::from_secs(10);

impl Membership {
    /// The part of a datagram that foca may see.
    pub(super) fn screen_packet(&mut self, now: Time, mut packet: Packet) -> Option<Packet> {
        let src = packet.header.src;
        if src.peer == self.me().peer {
            self.notice_double(now, &src);
            return None;
        }
        if !self.known.contains_key(&src.peer) && self.room_for(1) == 0 {
            return None;
        }
        packet.updates = self.screen(now, packet.updates);
        Some(packet)
    }

    /// The updates that foca may see.
    pub(super) fn screen(&mut self, now: Time, mut updates: Vec<Update>) -> Vec<Update> {
        updates.retain(|update| self.passes(now, update));
        let unknown = updates.iter().filter(|update| !self.is_known(&update.id().peer)).count();
        let mut room = self.room_for(unknown);
        if room < unknown {
            updates.retain(|update| {
                let fits = self.is_known(&update.id().peer) || room > 0;
                room -= usize::from(fits && !self.is_known(&update.id().peer));
                fits
            });
        }
        updates
    }

    fn passes(&mut self, now: Time, update: &Update) -> bool {
        if update.id().peer == self.me().peer {
            return self.passes_about_me(now, update);
        }
        // That somebody unknown is down helps nobody. Passing it on would keep the dead in circulation:
        // one node forgets them, another reminds it.
        update.state() != State::Down || self.is_known(&update.id().peer)
    }

    /// foca answers what concerns the present identity. Talk about a former one is stale. One that wins
    /// against the present one is either a former self with a clock that was ahead, or another node.
    fn passes_about_me(&mut self, now: Time, update: &Update) -> bool {
        let (me, other) = (self.me(), *update.id());
        if other == me {
            return true;
        }
        if update.state() != State::Down {
            self.notice_double(now, &other);
        }
        if other > me && other.instance < MAX_VERSION && is_over(now, self.renewed_at, RENEW_PAUSE)
        {
            self.renew(now, Member { instance: other.instance + 1, ..me });
        }
        false
    }

    fn notice_double(&mut self, now: Time, other: &Member) {
        let elsewhere = other.address != self.me().address;
        if elsewhere && is_over(now, self.double_at, DOUBLE_PAUSE) {
            self.double_at = Some(now);
            self.changes.push(Change::SameIdElsewhere(other.address));
        }
    }

    fn is_known(&self, peer: &PeerId) -> bool {
        self.known.contains_key(peer)
    }

    /// How many more members may become known; up to `wanted` that are down, the longest first, make room.
    fn room_for(&mut self, wanted: usize) -> usize {
        let room = self.config.max_members.saturating_sub(self.known.len());
        if room >= wanted {
            return room;
        }
        let down = self.known.values().filter(|known| !known.up);
        let mut down: Vec<(Time, Member)> = down.map(|k| (k.since, k.member)).collect();
        down.sort_unstable();
        down.truncate(wanted - room);
        let made = down.len();
        down.into_iter().for_each(|(_, member)| self.forget(member));
        room + made
    }
}

/// Whether `pause` has passed; a clock that went back does not make it longer.
fn is_over(now: Time, last: Option<Time>, pause: Duration) -> bool {
    last.is_none_or(|last| now < last || now.since(last) >= pause)
}
