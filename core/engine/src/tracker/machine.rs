//! The tracker: one entry, the queries beside it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;
use rand::RngExt;
use samara_model::{
    ContentId, Holding, PeerHint, PeerId, PeerMessage, Release, ReleaseName, START_OVER, Time,
};
use samara_policy::Answer;

use super::asking::{Asking, DEADLINE, Pending, chosen};
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
    asking: Asking,
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
            asking: Asking::default(),
            last_token: 0,
            timer: None,
            config,
        }
    }

    /// Takes in what happened and says what to do.
    pub fn handle(&mut self, now: Time, input: TrackerInput, out: &mut Vec<TrackerOutput>) {
        match input {
            TrackerInput::Started { links } => start_over(&links, out),
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
                let who = PeerHint { peer: from, address, permille: 0, place };
                let pending = Pending::new(who, link, token, refused);
                self.hand_out(now, pending, &holdings, out);
            }
            TrackerInput::Find { link, token, release, content } => {
                let message = self.find(token, release, content);
                out.push(TrackerOutput::Send { link, message });
            }
            TrackerInput::Left { peer } => self.registry.remove(&peer),
            TrackerInput::PolicyChanged { facts } => self.asking.ask_from_now_on(facts),
            TrackerInput::PolicyAnswered { token, answer } => self.answered(token, answer, out),
            TrackerInput::TimerFired { token } => self.timer_fired(now, token, out),
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

    /// Neighbours for what the peer fetches, from the policy where there is one to ask. Who only serves is
    /// dialled by the others.
    fn hand_out(
        &mut self,
        now: Time,
        mut pending: Pending,
        holdings: &[Holding],
        out: &mut Vec<TrackerOutput>,
    ) {
        let mut asks = self.asking.room();
        let requester = pending.requester;
        for holding in holdings.iter().filter(|holding| holding.fetching) {
            let content = holding.content;
            let rows = match asks {
                0 => Vec::new(),
                _ => self.registry.candidates(&content, &requester, &mut self.random),
            };
            if rows.is_empty() {
                let room = MAX_HINTS.saturating_sub(pending.most_hints(self.config.handout));
                let hints = self.hints(&content, Some(&requester.peer), room);
                pending.neighbours.push((content, hints));
                continue;
            }
            asks -= 1;
            self.last_token += 1;
            let (token, seed) = (self.last_token, self.random.random());
            let target = u32::try_from(self.config.handout).unwrap_or(u32::MAX);
            let question = self.asking.question(now, seed, target, &requester, &rows);
            pending.opens(token, content, rows);
            let question = Box::new(question);
            out.push(TrackerOutput::AskPolicy { token, question, deadline: DEADLINE });
            out.push(TrackerOutput::StartTimer { token, after: DEADLINE });
        }
        match pending.is_open() {
            true => self.asking.wait(pending),
            false => out.push(self.handout(pending)),
        }
    }

    /// A policy that decides nothing, or not in time, has handed out what the registry would.
    fn answered(&mut self, token: u64, answer: Option<Answer>, out: &mut Vec<TrackerOutput>) {
        let Some(asked) = self.asking.close(token) else { return };
        let mut hints = match answer {
            Some(Answer::Neighbours(answer)) => chosen(&answer, &asked.rows, self.config.handout),
            _ => Vec::new(),
        };
        if hints.is_empty() {
            hints = self.hints(&asked.content, Some(&asked.requester), MAX_HINTS);
        } else {
            self.registry.handed_out(&asked.content, &hints);
        }
        if let Some(pending) = self.asking.decided(asked, hints) {
            out.push(self.handout(pending));
        }
    }

    fn handout(&self, pending: Pending) -> TrackerOutput {
        let Pending { link, token, refused, neighbours, .. } = pending;
        let few = neighbours.iter().any(|(_, hints)| hints.len() < FEW);
        let interval = self.config.announce_interval;
        let again = if few { interval / 6 } else { interval };
        let expires_s = u32::try_from(again.as_secs().max(1)).unwrap_or(u32::MAX);
        let message = PeerMessage::Handout { token, neighbours, refused, expires_s };
        TrackerOutput::Send { link, message }
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

    fn timer_fired(&mut self, now: Time, token: u64, out: &mut Vec<TrackerOutput>) {
        if self.timer != Some(token) {
            return self.answered(token, None, out);
        }
        self.timer = None;
        self.registry.expire(now, self.config.lifetime());
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

/// Whoever did not announce itself here ignores it.
fn start_over(links: &[u64], out: &mut Vec<TrackerOutput>) {
    let message = PeerMessage::Handout {
        token: START_OVER,
        neighbours: Vec::new(),
        refused: Vec::new(),
        expires_s: 1,
    };
    let send = |link: &u64| TrackerOutput::Send { link: *link, message: message.clone() };
    out.extend(links.iter().map(send));
}
