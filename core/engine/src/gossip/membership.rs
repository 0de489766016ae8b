//! Who is a member: foca, and a mirror of its list.
//!
//! The mirror answers by id what foca would answer by walking through its list. What comes from outside
//! passes the screen (`screen.rs`) first.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use foca::{Foca, State};
use rand::RngExt;
use samara_model::{PeerId, Place, Time};

use super::GossipConfig;
use super::cadence::{foca_config, size_class};
use super::codec::{Codec, Update};
use super::effects::{Effects, Note};
use super::member::{Member, MemberState, MemberView};
use super::packet::Packet;
use super::random::{Map, Random, keyed_map, random_for};
use super::summary::{Summary, SummaryHandler};

/// As many newcomers in one full-state exchange are told to everybody at once. A longer list is known to
/// its members already: telling it again would fill the datagrams of the whole cluster at every join.
const MAX_PASSED_ON: usize = 16;

/// What changed among the members.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// Up, or up again under a new identity.
    Up(Member),
    /// Left, or gone.
    Down(Member),
    /// This node has a new identity: it was taken for dead, or for its former self.
    Renewed(Member),
    /// Nobody else is up.
    Alone,
    /// Another node uses this node's id.
    SameIdElsewhere(SocketAddr),
}

/// The members, as this node believes.
pub(super) struct Membership {
    pub(super) config: GossipConfig,
    pub(super) foca: Foca<Member, Codec, Random, SummaryHandler>,
    /// Datagrams and timers that foca wants; taken after each step.
    pub(super) effects: Effects,
    /// What changed; taken after each step.
    pub(super) changes: Vec<Change>,
    pub(super) known: Map<PeerId, Known>,
    pub(super) renewed_at: Option<Time>,
    pub(super) double_at: Option<Time>,
    class: u32,
}

/// A member in the mirror.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub member: Member,
    pub up: bool,
    pub since: Time,
}

impl Membership {
    /// Knows nobody.
    pub fn new(config: GossipConfig, me: Member, random_seed: u64) -> Self {
        let class = size_class(0);
        let random = random_for(random_seed, 1);
        let settings = foca_config(&config, class);
        Membership {
            foca: Foca::with_custom_broadcast(me, settings, random, Codec, SummaryHandler),
            effects: Effects::default(),
            changes: Vec::new(),
            known: keyed_map(random_seed),
            renewed_at: None,
            double_at: None,
            config,
            class,
        }
    }

    /// This node, under its present identity.
    pub fn me(&self) -> Member {
        *self.foca.identity()
    }

    /// How many others are up.
    pub fn up_count(&self) -> usize {
        self.foca.num_members()
    }

    /// How many are known, down ones included.
    pub fn known_count(&self) -> usize {
        self.known.len()
    }

    /// Whether this peer is a member and up.
    pub fn is_up(&self, peer: &PeerId) -> bool {
        self.known.get(peer).is_some_and(|known| known.up)
    }

    /// Whether a member that is up is at this address.
    pub fn is_up_at(&self, address: &SocketAddr) -> bool {
        self.known.values().any(|known| known.up && known.member.address == *address)
    }

    /// Since when a peer is down; `None` when it is up or unknown.
    pub fn down_since(&self, peer: &PeerId) -> Option<Time> {
        self.known.get(peer).filter(|known| !known.up).map(|known| known.since)
    }

    /// Those that are up, ordered by id.
    pub fn up_peers(&self) -> Vec<PeerId> {
        let up = self.known.iter().filter(|(_, known)| known.up);
        let mut up: Vec<PeerId> = up.map(|(peer, _)| *peer).collect();
        up.sort_unstable();
        up
    }

    /// A random member that is up.
    pub fn pick(&self, random: &mut Random) -> Option<Member> {
        let count = self.up_count();
        let at = (count > 0).then(|| random.random_range(0..count))?;
        self.foca.iter_members().nth(at).map(|update| *update.id())
    }

    /// Updates and summaries still to be passed on.
    pub fn backlog(&self) -> usize {
        self.foca.updates_backlog() + self.foca.custom_broadcast_backlog()
    }

    /// Takes a datagram in. False when it was refused.
    pub fn receive(&mut self, now: Time, packet: Packet) -> bool {
        let Some(packet) = self.screen_packet(now, packet) else {
            return false;
        };
        let taken = self.foca.handle_data(&packet.to_bytes(), &mut self.effects).is_ok();
        self.adjust(now);
        taken
    }

    /// Takes the members of a full-state exchange in. Says how many of them were not known.
    pub fn receive_state(&mut self, now: Time, updates: Vec<Update>) -> usize {
        let updates = self.screen(now, updates);
        let unknown = updates.iter().filter(|u| !self.known.contains_key(&u.id().peer)).count();
        let pass_on = unknown <= MAX_PASSED_ON;
        let _ = self.foca.apply_many(updates.into_iter(), pass_on, &mut self.effects);
        self.adjust(now);
        unknown
    }

    /// Lets a timer of foca's fire.
    pub fn timer_fired(&mut self, now: Time, timer: foca::Timer<Member>) {
        // The errors are "not connected" and "incomplete probe", after lost timers; foca goes on.
        let _ = self.foca.handle_timer(timer, &mut self.effects);
        self.adjust(now);
    }

    /// Spreads a summary of this node; `at_once` does not wait for the next round of gossip.
    pub fn spread(&mut self, summary: &Summary, at_once: bool) {
        let _ = self.foca.add_broadcast(&summary.to_bytes());
        if at_once {
            let _ = self.foca.broadcast(&mut self.effects);
        }
    }

    /// Tells the others that this node leaves.
    pub fn leave(&mut self) {
        let _ = self.foca.leave_cluster(&mut self.effects);
    }

    /// Takes another identity, which the others believe instead of the present one.
    pub(super) fn renew(&mut self, now: Time, identity: Member) {
        if self.foca.change_identity(identity, &mut self.effects).is_ok() {
            self.renewed_at = Some(now);
            self.effects.notes.push(Note::Renewed(identity));
            // foca reconnects when it is told something, be it nothing.
            let _ = self.foca.apply_many(core::iter::empty(), true, &mut self.effects);
        }
    }

    /// Forgets those that have been down for long.
    pub fn tidy(&mut self, now: Time) {
        let forget_after = self.config.forget_down_after;
        let long = |known: &&Known| !known.up && now.since(known.since) >= forget_after;
        let mut leaving: Vec<Member> =
            self.known.values().filter(long).map(|known| known.member).collect();
        leaving.sort_unstable();
        leaving.into_iter().for_each(|member| self.forget(member));
    }

    /// Forgets a member that is down.
    pub(super) fn forget(&mut self, member: Member) {
        let _ = self.foca.handle_timer(foca::Timer::RemoveDown(member), &mut self.effects);
        self.known.remove(&member.peer);
    }

    /// All known members, ordered by id.
    pub fn views(&self, now: Time) -> Vec<MemberView> {
        let view = |update: &Update| {
            let known = self.known.get(&update.id().peer);
            let age = known.map_or(Duration::ZERO, |known| now.since(known.since));
            let (member, state) = (*update.id(), state_of(update.state()));
            MemberView { member, state, age, place: Place::default() }
        };
        let mut views: Vec<_> = self.foca.iter_membership_state().map(view).collect();
        views.sort_unstable_by_key(|view| view.member);
        views
    }

    /// Brings mirror and settings up to what foca now believes.
    fn adjust(&mut self, now: Time) {
        for note in core::mem::take(&mut self.effects.notes) {
            match note {
                Note::Up(member) => self.mirror(now, member, true),
                Note::Down(member) => self.mirror(now, member, false),
                Note::Renamed(member) => self.mirror_renamed(now, member),
                Note::Renewed(member) => self.changes.push(Change::Renewed(member)),
                Note::Alone => self.changes.push(Change::Alone),
            }
        }
        let class = size_class(self.up_count());
        if class != self.class && self.foca.set_config(foca_config(&self.config, class)).is_ok() {
            self.class = class;
        }
    }

    fn mirror(&mut self, now: Time, member: Member, up: bool) {
        self.known.insert(member.peer, Known { member, up, since: now });
        let change = if up { Change::Up(member) } else { Change::Down(member) };
        // Renamed and up: foca says it in two notes.
        if self.changes.last() != Some(&change) {
            self.changes.push(change);
        }
    }

    fn mirror_renamed(&mut self, now: Time, member: Member) {
        if self.foca.iter_members().any(|update| *update.id() == member) {
            self.mirror(now, member, true);
        } else if let Some(known) = self.known.get_mut(&member.peer) {
            known.member = member;
        }
    }
}

fn state_of(state: State) -> MemberState {
    match state {
        State::Alive => MemberState::Alive,
        State::Suspect => MemberState::Suspect,
        State::Down => MemberState::Down,
    }
}

impl core::fmt::Debug for Membership {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Membership").field("me", &self.me()).field("up", &self.up_count()).finish()
    }
}
