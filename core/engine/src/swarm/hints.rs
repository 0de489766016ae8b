//! Peers that could be neighbours: where they are, when to try them, and introductions between them.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use foldhash::quality::FixedState;
use hashbrown::{HashMap, HashSet};
use samara_model::{PeerHint, PeerId, PeerMessage, Place, Time};
use samara_policy::Random;

use super::{LinkKey, Outputs, Swarm};

/// Most peers that are remembered.
const MAX_HINTS: usize = 2048;
/// Most peers in one introduction.
const MAX_INTRODUCED: usize = 64;
/// A neighbour that the policy dropped is not tried again for this long ...
const DROPPED: Duration = Duration::from_secs(30);
/// ... nor one that dropped this node.
const DROPPED_BY: Duration = Duration::from_secs(10);
/// Failed attempts in a row after which a peer is forgotten.
const MAX_FAILURES: u32 = 8;

/// A peer that could be a neighbour.
#[derive(Debug, Clone)]
pub struct Hint {
    /// Where.
    pub address: SocketAddr,
    /// How much it is said to have.
    pub permille: u16,
    /// Where it stands, as others say.
    pub place: Place,
    /// Failed attempts in a row.
    pub failures: u32,
    /// Not before this time.
    pub not_before: Time,
    /// What is going on.
    pub state: HintState,
}

/// What is going on with a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintState {
    /// Nothing.
    Idle,
    /// A connection was asked for.
    Connecting,
    /// A connection stands.
    Connected,
}

/// All that are known.
#[derive(Debug)]
pub struct Hints {
    known: HashMap<PeerId, Hint, FixedState>,
    banned: HashSet<PeerId, FixedState>,
    dirty: bool,
    /// Somebody came whom the policy has not seen as a neighbour: no hurry.
    moved: bool,
}

impl Hints {
    pub(super) fn new(random_seed: u64) -> Self {
        let hasher = FixedState::with_seed(random_seed);
        Hints {
            known: HashMap::with_hasher(hasher.clone()),
            banned: HashSet::with_hasher(hasher),
            dirty: false,
            moved: false,
        }
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    pub(super) fn clear_dirty(&mut self) {
        self.dirty = false;
        self.moved = false;
    }

    pub(super) fn is_banned(&self, peer: &PeerId) -> bool {
        self.banned.contains(peer)
    }

    pub(super) fn ban(&mut self, peer: PeerId) {
        self.known.remove(&peer);
        self.banned.insert(peer);
    }

    pub(super) fn add(&mut self, hint: &PeerHint) {
        if self.banned.contains(&hint.peer) {
            return;
        }
        if let Some(known) = self.known.get_mut(&hint.peer) {
            known.permille = known.permille.max(hint.permille);
            if !hint.place.is_unknown() {
                // A peer that moved may be worth a connection now.
                self.moved |= !known.place.is_unknown() && known.place != hint.place;
                known.place = hint.place;
            }
            if known.state == HintState::Idle && known.address != hint.address {
                known.address = hint.address;
                known.failures = 0;
                self.dirty = true;
            }
        } else if self.known.len() < MAX_HINTS {
            let fresh = Hint {
                address: hint.address,
                permille: hint.permille,
                place: hint.place,
                failures: 0,
                not_before: Time::ZERO,
                state: HintState::Idle,
            };
            self.known.insert(hint.peer, fresh);
            self.dirty = true;
        }
    }

    pub(super) fn connected(&mut self, peer: PeerId, address: SocketAddr, place: Place) {
        self.add(&PeerHint { peer, address, permille: 0, place });
        self.moved = true;
        if let Some(hint) = self.known.get_mut(&peer) {
            hint.state = HintState::Connected;
            hint.failures = 0;
        }
    }

    /// A neighbour says where it stands now.
    pub(super) fn stands(&mut self, peer: &PeerId, place: Place) {
        if let Some(hint) = self.known.get_mut(peer) {
            hint.place = place;
        }
    }

    pub(super) fn progressed(&mut self, peer: &PeerId, permille: u16) {
        if let Some(hint) = self.known.get_mut(peer) {
            hint.permille = permille;
        }
    }

    /// A connection ended: it may be tried again, a little later.
    pub(super) fn lost(&mut self, peer: PeerId, now: Time) {
        if let Some(hint) = self.known.get_mut(&peer) {
            hint.state = HintState::Idle;
            hint.not_before = now + Duration::from_millis(500);
            self.dirty = true;
        }
    }

    /// The policy ended the neighbourhood.
    pub(super) fn dropped(&mut self, peer: &PeerId, now: Time) {
        self.leave_alone(peer, now + DROPPED);
    }

    /// The other side ended the neighbourhood, and has its reasons.
    pub(super) fn dropped_by(&mut self, peer: &PeerId, now: Time) {
        self.leave_alone(peer, now + DROPPED_BY);
    }

    fn leave_alone(&mut self, peer: &PeerId, until: Time) {
        if let Some(hint) = self.known.get_mut(peer) {
            hint.state = HintState::Idle;
            hint.not_before = until;
        }
    }

    /// A connection could not be made: tried again after 1, 2, 4 ... 60 seconds, and then forgotten.
    pub(super) fn failed(&mut self, peer: PeerId, now: Time) {
        let Some(hint) = self.known.get_mut(&peer) else { return };
        hint.state = HintState::Idle;
        hint.failures += 1;
        hint.not_before = now + Duration::from_secs((1 << hint.failures.min(6)).min(60) / 2);
        if hint.failures >= MAX_FAILURES {
            self.known.remove(&peer);
        }
    }

    pub(super) fn connecting(&mut self, peer: &PeerId) -> Option<SocketAddr> {
        let hint = self.known.get_mut(peer)?;
        if hint.state != HintState::Idle {
            return None;
        }
        hint.state = HintState::Connecting;
        Some(hint.address)
    }

    /// Something changed that the policy should know.
    pub(super) fn touch(&mut self) {
        self.dirty = true;
    }

    /// How many are no neighbours and were not found unreachable.
    pub(super) fn untried(&self) -> u32 {
        let open = |hint: &&Hint| hint.state != HintState::Connected && hint.failures == 0;
        self.known.values().filter(open).count() as u32
    }

    /// Wakes the question whom to connect to, when somebody could be tried again.
    pub(super) fn wake(&mut self, now: Time) {
        self.dirty |= self.moved || self.has_ready(now);
    }

    /// Whether somebody could be tried now.
    pub(super) fn has_ready(&self, now: Time) -> bool {
        self.known.values().any(|hint| hint.is_ready(now))
    }

    /// How many are known.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// Connections that stand or are being made.
    pub(super) fn active(&self) -> usize {
        self.known.values().filter(|hint| hint.state != HintState::Idle).count()
    }

    /// Those that are connected, and of those that may be tried now a random choice that makes up at most
    /// `most` rows; in a stable order.
    pub(super) fn candidates(
        &self,
        now: Time,
        most: usize,
        random: &mut Random,
    ) -> Vec<(PeerId, Hint)> {
        let mut ready: Vec<(&PeerId, &Hint)> =
            self.known.iter().filter(|(_, hint)| hint.is_ready(now)).collect();
        let active = self.known.iter().filter(|(_, hint)| hint.state != HintState::Idle);
        let mut rows: Vec<(PeerId, Hint)> =
            active.map(|(peer, hint)| (*peer, hint.clone())).collect();
        let room = most.saturating_sub(rows.len());
        if ready.len() > room {
            ready.sort_unstable_by_key(|(peer, _)| **peer);
            random.shuffle(&mut ready);
            ready.truncate(room);
        }
        rows.extend(ready.into_iter().map(|(peer, hint)| (*peer, hint.clone())));
        rows.sort_unstable_by_key(|(peer, _)| *peer);
        rows
    }
}

impl Hint {
    fn is_ready(&self, now: Time) -> bool {
        self.state == HintState::Idle && self.not_before <= now
    }
}

impl Swarm {
    pub(super) fn on_hints(&mut self, hints: &[PeerHint]) {
        for hint in hints.iter().filter(|hint| hint.peer != self.me) {
            self.hints.add(hint);
        }
    }

    /// Tells a newcomer of the others. Who is complete does, and who knows nobody that is: if all did, a
    /// newcomer among N would hear each name N times.
    pub(super) fn introduce(&mut self, link: LinkKey, out: &mut Outputs) {
        let complete = |one: &super::Neighbour| one.permille() == 1000;
        let somebody_else = !self.is_complete() && self.neighbours.values().any(complete);
        let Some(newcomer) = self.neighbours.get_mut(&link) else { return };
        if newcomer.introduced || complete(newcomer) || somebody_else {
            return;
        }
        newcomer.introduced = true;
        let mut others: Vec<PeerHint> = self
            .neighbours
            .iter()
            .filter(|(other, one)| **other != link && one.opened)
            .map(|(_, one)| PeerHint {
                peer: one.peer,
                address: one.address,
                permille: one.permille(),
                place: one.place,
            })
            .collect();
        self.random.shuffle(&mut others);
        others.truncate(MAX_INTRODUCED);
        if !others.is_empty() {
            self.send(link, PeerMessage::Peers { channel: 0, peers: others }, out);
        }
    }
}
