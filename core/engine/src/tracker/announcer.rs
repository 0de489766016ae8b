//! Announcing this node to one of several trackers.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::{net::SocketAddr, time::Duration};
use rand::RngExt;
use samara_model::{
    ContentId, Holding, PeerHint, PeerMessage, Place, Release, ReleaseConflict, ReleaseName,
    START_OVER, Time, conflict_between,
};

use super::{AnnouncerConfig, AnnouncerEvent, AnnouncerInput, AnnouncerOutput};
use crate::gossip::is_dialable;
use crate::gossip::random::{Random, jittered, random_for};
use crate::gossip::releases::{Offered, ReleaseTable};

/// First pause after no tracker answered.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Most bytes of releases in an announcement; half a frame.
const MAX_RELEASE_BYTES: usize = 512 << 10;
/// Every so many announcements repeat all releases: a tracker may have lost them unnoticed.
const RELEASES_AGAIN: u32 = 16;
/// Longest time between announcements, whatever a tracker says: its entry may be gone by then.
const MAX_INTERVAL_S: u32 = 3600;
/// Most hints that are believed per content; as many as the wire lets through.
const MAX_HINTS: usize = 256;

/// Announces what this node holds to the first tracker that answers. See the [module](crate::tracker).
#[derive(Debug)]
pub struct Announcer {
    config: AnnouncerConfig,
    address: SocketAddr,
    place: Place,
    trackers: Vec<SocketAddr>,
    random: Random,
    holdings: BTreeMap<ContentId, Holding>,
    releases: ReleaseTable,
    /// Releases that the present tracker has answered to; the others go with the next announcement.
    told: BTreeSet<ReleaseName>,
    conflicts: BTreeSet<(ReleaseName, ContentId)>,
    phase: Phase,
    /// Something to tell since the last announcement.
    unsaid: bool,
    announced_at: Option<Time>,
    /// When the preferred tracker was last tried.
    swept_at: Time,
    serving: Option<usize>,
    backoff: Duration,
    last_token: u32,
    last_timer: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Not started, or left.
    Idle,
    /// Announced; waiting for the handout.
    Asking { tracker: usize, token: u32, told: Vec<ReleaseName> },
    /// Answered; waiting for the next time.
    Served { tracker: usize },
    /// Nobody answered; waiting to start from the first.
    Pausing,
}

impl Announcer {
    /// `trackers` in order of preference; `address` is where this node can be dialled.
    pub fn new(
        config: AnnouncerConfig,
        address: SocketAddr,
        trackers: Vec<SocketAddr>,
        random_seed: u64,
    ) -> Self {
        Announcer {
            releases: ReleaseTable::new(config.max_releases),
            config,
            address,
            place: Place::default(),
            trackers,
            random: random_for(random_seed, 4),
            holdings: BTreeMap::new(),
            told: BTreeSet::new(),
            conflicts: BTreeSet::new(),
            phase: Phase::Idle,
            unsaid: false,
            announced_at: None,
            swept_at: Time::ZERO,
            serving: None,
            backoff: FIRST_BACKOFF,
            last_token: 0,
            last_timer: 0,
        }
    }

    /// Tells the trackers where this node stands.
    pub fn with_place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// Takes in what happened and says what to do.
    pub fn handle(&mut self, now: Time, input: AnnouncerInput, out: &mut Vec<AnnouncerOutput>) {
        match input {
            AnnouncerInput::Started => self.sweep(now, out),
            AnnouncerInput::HoldingsChanged { holdings } => self.hold(now, &holdings, out),
            AnnouncerInput::PlaceChanged { place } => {
                if core::mem::replace(&mut self.place, place) != place {
                    self.say_soon(now, out);
                }
            }
            AnnouncerInput::ReleaseAdded(release) => self.add_release(now, release, out),
            AnnouncerInput::HandoutReceived { tracker, token: START_OVER, .. } => {
                self.forgotten(now, tracker, out);
            }
            AnnouncerInput::HandoutReceived { tracker, token, neighbours, refused, expires_s } => {
                if self.answered(tracker, token, out) {
                    self.report_neighbours(neighbours, out);
                    self.report_refused(refused, out);
                    self.announce_within(now, expires_s, out);
                }
            }
            AnnouncerInput::AnnounceFailed { tracker } => self.failed(now, tracker, out),
            AnnouncerInput::TimerFired { token } if token == self.last_timer => {
                self.timer_fired(now, out);
            }
            AnnouncerInput::TimerFired { .. } => {}
            AnnouncerInput::Left => self.leave(out),
        }
    }

    /// The tracker that answered last, while it does.
    pub fn tracker(&self) -> Option<SocketAddr> {
        self.serving.and_then(|tracker| self.trackers.get(tracker)).copied()
    }

    /// Tries the trackers from the first on.
    fn sweep(&mut self, now: Time, out: &mut Vec<AnnouncerOutput>) {
        self.swept_at = now;
        self.announce(now, 0, out);
    }

    fn announce(&mut self, now: Time, tracker: usize, out: &mut Vec<AnnouncerOutput>) {
        let Some(address) = self.trackers.get(tracker).copied() else {
            return;
        };
        if self.serving != Some(tracker) || self.last_token.is_multiple_of(RELEASES_AGAIN) {
            self.told.clear();
        }
        let mut releases = self.releases.fitting(MAX_RELEASE_BYTES);
        releases.retain(|release| !self.told.contains(&release.release));
        let told = releases.iter().map(|release| release.release.clone()).collect();
        let message = self.message(releases);
        self.phase = Phase::Asking { tracker, token: self.last_token, told };
        self.unsaid = false;
        self.announced_at = Some(now);
        out.push(AnnouncerOutput::Announce { tracker: address, message });
        self.start_timer(self.config.answer_timeout, out);
    }

    fn message(&mut self, releases: Vec<Release>) -> PeerMessage {
        self.last_token = self.last_token.wrapping_add(1).max(START_OVER + 1);
        // What is fetched needs neighbours; it must not be what is cut off.
        let mut holdings: Vec<Holding> = self.holdings.values().copied().collect();
        holdings.sort_by_key(|holding| !holding.fetching);
        holdings.truncate(self.config.max_holdings);
        let (address, place, token) = (self.address, self.place, self.last_token);
        PeerMessage::Announce { address, place, holdings, releases, token }
    }

    fn hold(&mut self, now: Time, holdings: &[Holding], out: &mut Vec<AnnouncerOutput>) {
        let given = holdings.iter().filter(|h| h.permille > 0 || h.fetching);
        let given: BTreeMap<ContentId, Holding> = given.map(|h| (h.content, *h)).collect();
        let roles = |held: &BTreeMap<ContentId, Holding>| -> Vec<_> {
            held.values().map(|h| (h.content, h.fetching, h.permille >= 1000)).collect()
        };
        let changed = roles(&given) != roles(&self.holdings);
        self.holdings = given;
        if changed {
            self.say_soon(now, out);
        }
    }

    fn add_release(&mut self, now: Time, release: Release, out: &mut Vec<AnnouncerOutput>) {
        if self.releases.offer(release, false) == Offered::Learned {
            self.say_soon(now, out);
        }
    }

    /// Announces now, or when the pause since the last time is over.
    fn say_soon(&mut self, now: Time, out: &mut Vec<AnnouncerOutput>) {
        let already = core::mem::replace(&mut self.unsaid, true);
        let Phase::Served { tracker } = self.phase else {
            return;
        };
        let wait = self.pause_left(now);
        if wait.is_zero() {
            self.announce(now, tracker, out);
        } else if !already {
            self.start_timer(wait, out);
        }
    }

    fn pause_left(&self, now: Time) -> Duration {
        let since = self.announced_at.filter(|at| *at <= now).map(|at| now.since(at));
        since.map_or(Duration::ZERO, |since| self.config.pause.saturating_sub(since))
    }

    /// Notes that a tracker answered; false when nobody asked it.
    fn answered(&mut self, from: SocketAddr, answer: u32, out: &mut Vec<AnnouncerOutput>) -> bool {
        let Phase::Asking { tracker, token, told } = &mut self.phase else {
            return false;
        };
        let tracker = *tracker;
        if *token != answer || self.trackers.get(tracker) != Some(&from) {
            return false;
        }
        self.told.extend(core::mem::take(told));
        self.phase = Phase::Served { tracker };
        self.backoff = FIRST_BACKOFF;
        if self.serving.replace(tracker) != Some(tracker) {
            out.push(AnnouncerOutput::Report(AnnouncerEvent::TrackerChanged(from)));
        }
        true
    }

    fn announce_within(&mut self, now: Time, expires_s: u32, out: &mut Vec<AnnouncerOutput>) {
        let interval = Duration::from_secs(u64::from(expires_s.clamp(1, MAX_INTERVAL_S)));
        // Never later than asked for.
        let interval = jittered(&mut self.random, interval * 4 / 5);
        let wait = if self.unsaid { self.pause_left(now) } else { interval };
        self.start_timer(wait.max(Duration::from_millis(1)), out);
    }

    fn report_neighbours(
        &self,
        neighbours: Vec<(ContentId, Vec<PeerHint>)>,
        out: &mut Vec<AnnouncerOutput>,
    ) {
        for (content, mut hints) in neighbours.into_iter().take(self.config.max_holdings) {
            hints.retain(|h| {
                is_dialable(&h.address) && h.address != self.address && h.permille <= 1000
            });
            hints.truncate(MAX_HINTS);
            if self.holdings.contains_key(&content) && !hints.is_empty() {
                out.push(AnnouncerOutput::Report(AnnouncerEvent::Neighbours(content, hints)));
            }
        }
    }

    fn report_refused(&mut self, kept: Vec<Release>, out: &mut Vec<AnnouncerOutput>) {
        for kept in kept.into_iter().take(self.config.max_releases) {
            let ours = self.releases.find(&kept.release);
            let Some(conflict) = ours.and_then(|ours| conflict_between(&kept, ours)) else {
                continue;
            };
            if self.is_new_conflict(&conflict) {
                out.push(AnnouncerOutput::Report(AnnouncerEvent::ReleaseRefused(conflict)));
            }
        }
    }

    fn is_new_conflict(&mut self, conflict: &ReleaseConflict) -> bool {
        if self.conflicts.len() >= self.config.max_releases {
            self.conflicts.clear();
        }
        self.conflicts.insert((conflict.release.clone(), conflict.kept))
    }

    fn failed(&mut self, now: Time, from: SocketAddr, out: &mut Vec<AnnouncerOutput>) {
        match self.phase {
            Phase::Asking { tracker, .. } if self.trackers[tracker] == from => {
                self.try_next(now, tracker, out);
            }
            // The connection broke. A tracker that comes back has forgotten us.
            Phase::Served { .. } => self.forgotten(now, from, out),
            _ => {}
        }
    }

    /// The tracker in use has forgotten this node, and probably all others: announces soon, but not at the
    /// same moment as they.
    fn forgotten(&mut self, now: Time, from: SocketAddr, out: &mut Vec<AnnouncerOutput>) {
        let (Phase::Served { tracker } | Phase::Asking { tracker, .. }) = self.phase else {
            return;
        };
        if self.trackers.get(tracker) != Some(&from) {
            return;
        }
        self.told.clear();
        let is_due_soon = matches!(self.phase, Phase::Served { .. }) && self.unsaid;
        if is_due_soon {
            return;
        }
        // What was asked may have been lost, too.
        self.phase = Phase::Served { tracker };
        self.unsaid = true;
        let moment = self.config.spread * self.random.random_range(1..=1000) / 1000;
        self.start_timer(self.pause_left(now).max(moment), out);
    }

    fn try_next(&mut self, now: Time, tracker: usize, out: &mut Vec<AnnouncerOutput>) {
        if self.serving == Some(tracker) {
            self.serving = None;
            // The failed one may not be the first: those before it were not asked lately.
            if tracker > 0 && self.swept_at != now {
                return self.sweep(now, out);
            }
        }
        if tracker + 1 < self.trackers.len() {
            return self.announce(now, tracker + 1, out);
        }
        self.serving = None;
        if self.backoff == FIRST_BACKOFF {
            out.push(AnnouncerOutput::Report(AnnouncerEvent::TrackersUnreachable));
        }
        self.phase = Phase::Pausing;
        let pause = self.backoff.min(self.config.backoff_max);
        self.backoff = (pause * 2).min(self.config.backoff_max);
        let pause = jittered(&mut self.random, pause);
        self.start_timer(pause, out);
    }

    fn timer_fired(&mut self, now: Time, out: &mut Vec<AnnouncerOutput>) {
        match self.phase {
            Phase::Idle => {}
            Phase::Asking { tracker, .. } => self.try_next(now, tracker, out),
            Phase::Served { tracker } => {
                let sweep = tracker > 0 && now.since(self.swept_at) >= self.config.retry_preferred;
                if sweep { self.sweep(now, out) } else { self.announce(now, tracker, out) }
            }
            Phase::Pausing => self.sweep(now, out),
        }
    }

    fn leave(&mut self, out: &mut Vec<AnnouncerOutput>) {
        if let Some(tracker) = self.tracker() {
            self.holdings.clear();
            let message = self.message(Vec::new());
            out.push(AnnouncerOutput::Announce { tracker, message });
        }
        self.phase = Phase::Idle;
        self.trackers.clear();
    }

    fn start_timer(&mut self, after: Duration, out: &mut Vec<AnnouncerOutput>) {
        self.last_timer += 1;
        out.push(AnnouncerOutput::StartTimer { token: self.last_timer, after });
    }
}
