//! The tracker: one entry, the queries beside it.

use alloc::vec::Vec;
use core::time::Duration;
use samara_model::{ContentId, Holding, PeerHint, PeerId, PeerMessage, Release, ReleaseName, Time};

use super::registry::Registry;
use super::{TrackerConfig, TrackerEvent, TrackerInput, TrackerOutput};
use crate::gossip::is_dialable;
use crate::gossip::random::{Random, random_for};
use crate::gossip::releases::{Offered, ReleaseTable};

/// Most hints in one handout: 64 bytes each, a quarter of a frame.
const MAX_HINTS: usize = 4096;
/// Whoever fetches and got fewer neighbours than this shall ask again soon.
const FEW: usize = 8;

/// The registry that a node with the tracker's role runs. See the [module](crate::tracker).
#[derive(Debug)]
pub struct Tracker {
    config: TrackerConfig,
    registry: Registry,
    releases: ReleaseTable,
    random: Random,
    last_token: u64,
    /// The timer that runs while somebody is registered.
    timer: Option<u64>,
}

impl Tracker {
    /// An empty registry.
    pub fn new(config: TrackerConfig, random_seed: u64) -> Self {
        Tracker {
            registry: Registry::new(random_seed),
            releases: ReleaseTable::new(config.max_releases),
            random: random_for(random_seed, 3),
            last_token: 0,
            timer: None,
            config,
        }
    }

    /// Takes in what happened and says what to do.
    pub fn handle(&mut self, now: Time, input: TrackerInput, out: &mut Vec<TrackerOutput>) {
        match input {
            TrackerInput::Announced {
                from,
                link,
                address,
                place,
                mut holdings,
                releases,
                token,
            } => {
                holdings.truncate(self.config.max_holdings);
                self.register(now, PeerHint { peer: from, address, permille: 0, place }, &holdings);
                let refused = self.offer(releases, out);
                let message = self.handout(&from, &holdings, refused, token);
                out.push(TrackerOutput::Send { link, message });
            }
            TrackerInput::Find { link, token, release, content } => {
                let message = self.find(token, release, content);
                out.push(TrackerOutput::Send { link, message });
            }
            TrackerInput::Left { peer } => self.registry.remove(&peer),
            TrackerInput::TimerFired { token } => self.timer_fired(now, token),
        }
        self.keep_timer(out);
    }

    /// How many peers are registered.
    pub fn peer_count(&self) -> usize {
        self.registry.peer_count()
    }

    /// How many (peer, content) pairs are registered.
    pub fn registration_count(&self) -> usize {
        self.registry.registration_count()
    }

    /// What a name means.
    pub fn release(&self, name: &ReleaseName) -> Option<&Release> {
        self.releases.find(name)
    }

    fn register(&mut self, now: Time, who: PeerHint, holdings: &[Holding]) {
        if holdings.is_empty() || !is_dialable(&who.address) {
            self.registry.remove(&who.peer);
            return;
        }
        let (config, random) = (&self.config, &mut self.random);
        if !self.registry.register(now, who, holdings, config, random) {
            self.registry.expire(now, self.config.lifetime());
        }
    }

    /// Takes releases in; returns what is kept in place of those that were refused.
    fn offer(&mut self, releases: Vec<Release>, out: &mut Vec<TrackerOutput>) -> Vec<Release> {
        let mut kept = Vec::new();
        for release in releases {
            let name = release.release.clone();
            if let Offered::Refused { conflict, first_time } = self.releases.offer(release, false) {
                kept.extend(self.releases.find(&name).cloned());
                if first_time {
                    let event = TrackerEvent::ReleaseConflict(conflict);
                    out.push(TrackerOutput::Report(event));
                }
            }
        }
        kept
    }

    /// Neighbours for what the peer fetches. Who only serves is dialled by the others.
    fn handout(
        &mut self,
        requester: &PeerId,
        holdings: &[Holding],
        refused: Vec<Release>,
        token: u32,
    ) -> PeerMessage {
        let mut room = MAX_HINTS;
        let mut neighbours = Vec::new();
        let mut few = false;
        for holding in holdings.iter().filter(|holding| holding.fetching) {
            let hints = self.hints(&holding.content, Some(requester), room);
            room -= hints.len();
            few |= hints.len() < FEW;
            neighbours.push((holding.content, hints));
        }
        let interval = self.config.announce_interval;
        let again = if few { interval / 6 } else { interval };
        let expires_s = u32::try_from(again.as_secs().max(1)).unwrap_or(u32::MAX);
        PeerMessage::Handout { token, neighbours, refused, expires_s }
    }

    fn find(
        &mut self,
        token: u32,
        release: Option<ReleaseName>,
        content: Option<ContentId>,
    ) -> PeerMessage {
        let release = release.and_then(|name| self.releases.find(&name).cloned());
        let content = content.or(release.as_ref().map(|release| release.content));
        let holders = content.map(|content| self.hints(&content, None, MAX_HINTS));
        PeerMessage::Found { token, release, holders: holders.unwrap_or_default() }
    }

    fn hints(
        &mut self,
        content: &ContentId,
        requester: Option<&PeerId>,
        room: usize,
    ) -> Vec<PeerHint> {
        let (wanted, complete) = (self.config.handout.min(room), self.config.complete_first);
        self.registry.hand_out(content, requester, wanted, complete, &mut self.random)
    }

    fn timer_fired(&mut self, now: Time, token: u64) {
        if self.timer == Some(token) {
            self.timer = None;
            self.registry.expire(now, self.config.lifetime());
        }
    }

    fn keep_timer(&mut self, out: &mut Vec<TrackerOutput>) {
        if self.timer.is_none() && self.registry.peer_count() > 0 {
            self.last_token += 1;
            self.timer = Some(self.last_token);
            let after = (self.config.announce_interval / 2).max(Duration::from_millis(100));
            out.push(TrackerOutput::StartTimer { token: self.last_token, after });
        }
    }
}
