//! Who takes part in what, until it expires.

use alloc::vec::Vec;
use core::time::Duration;
use samara_model::{ContentId, Holding, PeerHint, PeerId, Time};

use super::TrackerConfig;
use super::asking::{MAX_MATES, MAX_ROWS};
use super::pool::Pool;
use crate::gossip::random::{Map, Random, keyed_map, shuffle_front};

/// The peers and their contents.
#[derive(Debug)]
pub(super) struct Registry {
    peers: Map<PeerId, Entry>,
    swarms: Map<ContentId, Swarm>,
    /// Number of (peer, content) pairs.
    registrations: usize,
    random_seed: u64,
}

#[derive(Debug)]
struct Entry {
    heard_at: Time,
    /// Ordered.
    contents: Vec<ContentId>,
}

/// Those that take part in one content.
#[derive(Debug)]
struct Swarm {
    complete: Pool,
    others: Pool,
}

impl Swarm {
    fn put(&mut self, hint: PeerHint, random: &mut Random) {
        let complete = hint.permille >= 1000;
        let (into, from) = match complete {
            true => (&mut self.complete, &mut self.others),
            false => (&mut self.others, &mut self.complete),
        };
        from.remove(&hint.peer);
        into.put(hint, random);
    }

    fn remove(&mut self, peer: &PeerId) {
        self.complete.remove(peer);
        self.others.remove(peer);
    }
}

impl Registry {
    /// Nobody.
    pub fn new(random_seed: u64) -> Self {
        Registry {
            peers: keyed_map(random_seed),
            swarms: keyed_map(random_seed),
            registrations: 0,
            random_seed,
        }
    }

    /// How many peers there are.
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    /// How many (peer, content) pairs there are.
    pub fn registration_count(&self) -> usize {
        self.registrations
    }

    /// Registers what a peer holds, in place of what it held; `who` says who and where it is. False when
    /// there is no room for it.
    pub fn register(
        &mut self,
        now: Time,
        who: PeerHint,
        holdings: &[Holding],
        config: &TrackerConfig,
        random: &mut Random,
    ) -> bool {
        let peer = who.peer;
        if !self.peers.contains_key(&peer) && self.peers.len() >= config.max_peers {
            return false;
        }
        let mut contents: Vec<ContentId> = holdings.iter().map(|h| h.content).collect();
        contents.sort_unstable();
        self.remove_unlisted(&peer, &contents);
        contents.clear();
        for holding in holdings {
            let hint = PeerHint { permille: holding.permille.min(1000), ..who };
            if self.put(holding.content, hint, config, random) {
                contents.push(holding.content);
            }
        }
        contents.sort_unstable();
        contents.dedup();
        self.peers.insert(peer, Entry { heard_at: now, contents });
        true
    }

    /// Forgets a peer.
    pub fn remove(&mut self, peer: &PeerId) {
        self.remove_unlisted(peer, &[]);
        self.peers.remove(peer);
    }

    /// Forgets the peers that were not heard of for `lifetime`.
    pub fn expire(&mut self, now: Time, lifetime: Duration) {
        let old = self.peers.iter().filter(|(_, entry)| now.since(entry.heard_at) > lifetime);
        let mut old: Vec<PeerId> = old.map(|(peer, _)| *peer).collect();
        old.sort_unstable();
        old.iter().for_each(|peer| self.remove(peer));
    }

    /// Up to `wanted` others who take part in `content`: a few complete ones first, while there are any.
    pub fn hand_out(
        &mut self,
        content: &ContentId,
        requester: Option<&PeerId>,
        wanted: usize,
        complete_first: usize,
        random: &mut Random,
    ) -> Vec<PeerHint> {
        let Some(swarm) = self.swarms.get_mut(content) else {
            return Vec::new();
        };
        // Complete peers fill what the others leave free.
        let complete = complete_first.max(wanted.saturating_sub(swarm.others.len())).min(wanted);
        let mut hints = swarm.complete.hand_out(complete, requester, random);
        hints.extend(swarm.others.hand_out(wanted - hints.len(), requester, random));
        hints
    }

    /// Others who take part in `content`, for a policy to choose from: of the requester's own rack first, then
    /// of all, at random.
    pub fn candidates(
        &self,
        content: &ContentId,
        requester: &PeerHint,
        random: &mut Random,
    ) -> Vec<PeerHint> {
        let Some(swarm) = self.swarms.get(content) else {
            return Vec::new();
        };
        let pools = [&swarm.complete, &swarm.others];
        let mut rows: Vec<PeerHint> = pools.iter().flat_map(|pool| pool.mates(requester)).collect();
        shuffle_front(random, &mut rows, MAX_MATES);
        rows.truncate(MAX_MATES);
        let mut seen: Vec<PeerId> = rows.iter().map(|hint| hint.peer).collect();
        seen.push(requester.peer);
        seen.sort_unstable();
        // Some of those who have everything, the origin among them, as long as there are others.
        let mut drawn = swarm.complete.draw(MAX_ROWS / 4, random);
        drawn.extend(swarm.others.draw(MAX_ROWS, random));
        drawn.retain(|hint| seen.binary_search(&hint.peer).is_err());
        rows.extend(drawn);
        rows.truncate(MAX_ROWS);
        rows
    }

    /// These were handed out.
    pub fn handed_out(&mut self, content: &ContentId, hints: &[PeerHint]) {
        let Some(swarm) = self.swarms.get_mut(content) else { return };
        for hint in hints {
            swarm.complete.handed_out(&hint.peer);
            swarm.others.handed_out(&hint.peer);
        }
    }

    fn put(
        &mut self,
        content: ContentId,
        hint: PeerHint,
        config: &TrackerConfig,
        random: &mut Random,
    ) -> bool {
        let contents = self.peers.get(&hint.peer).map(|entry| &entry.contents);
        let known = contents.is_some_and(|contents| contents.binary_search(&content).is_ok());
        if !known && self.registrations >= config.max_registrations {
            return false;
        }
        let seed = self.random_seed;
        let swarm = self.swarms.entry(content);
        let swarm = swarm.or_insert_with(|| Swarm {
            complete: Pool::new(config.complete_first, seed),
            others: Pool::new(config.handout, seed),
        });
        let before = swarm.complete.len() + swarm.others.len();
        swarm.put(hint, random);
        self.registrations += swarm.complete.len() + swarm.others.len() - before;
        true
    }

    /// Takes a peer out of the contents that are not in the ordered `listed`.
    fn remove_unlisted(&mut self, peer: &PeerId, listed: &[ContentId]) {
        let Some(entry) = self.peers.get_mut(peer) else {
            return;
        };
        for content in core::mem::take(&mut entry.contents) {
            if listed.binary_search(&content).is_ok() {
                entry.contents.push(content);
                continue;
            }
            let Some(swarm) = self.swarms.get_mut(&content) else {
                continue;
            };
            swarm.remove(peer);
            self.registrations = self.registrations.saturating_sub(1);
            if swarm.complete.len() + swarm.others.len() == 0 {
                self.swarms.remove(&content);
            }
        }
    }
}
