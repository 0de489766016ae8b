//! What this node holds, as the others shall know it, and when to tell them.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;
use samara_model::{ContentId, Holding, MemberRecord, Place, Time};

use super::member::{MAX_VERSION, Member};
use super::summary::{MAX_SUMMARY, Summary, sixteenths};

/// Least time between two summaries, however urgent: a node that starts with 100 contents says so once.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// Contents that are gone and still have to be named as such.
const MAX_GONE: usize = MAX_SUMMARY;

/// How soon the others should hear of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Not by datagram; the next full-state exchange is soon enough.
    Nothing,
    /// With the next summary.
    Progress,
    /// Now: a content is new, complete or gone.
    AtOnce,
}

/// The own row.
#[derive(Debug)]
pub(super) struct OwnRecord {
    /// Counts up with each change, from the instance: a restarted node is ahead of its former self.
    version: u64,
    place: Place,
    holdings: BTreeMap<ContentId, Held>,
    gone: Vec<(ContentId, u64)>,
    unsent: Urgency,
    sent_at: Option<Time>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    holding: Holding,
    /// Version of its last change.
    changed: u64,
}

impl OwnRecord {
    /// Holds nothing yet.
    pub fn new(me: &Member) -> Self {
        OwnRecord {
            version: me.instance.min(MAX_VERSION),
            place: Place::default(),
            holdings: BTreeMap::new(),
            gone: Vec::new(),
            unsent: Urgency::Nothing,
            sent_at: None,
        }
    }

    /// Says where this node stands. Before anything is told.
    pub fn set_place(&mut self, place: Place) {
        self.place = place;
    }

    /// This node stands somewhere else from now on.
    pub fn move_to(&mut self, place: Place) {
        if self.place != place {
            self.place = place;
            self.version = (self.version + 1).min(MAX_VERSION);
            self.unsent = Urgency::AtOnce;
        }
    }

    /// Replaces what is held.
    pub fn replace(&mut self, holdings: &[Holding]) {
        let given = holdings.iter().filter(|h| h.permille > 0 || h.fetching);
        let given: BTreeMap<ContentId, Holding> = given.map(|h| (h.content, *h)).collect();
        if given.values().eq(self.holdings.values().map(|held| &held.holding)) {
            return;
        }
        self.version = (self.version + 1).min(MAX_VERSION);
        let mut urgency = self.drop_missing(&given);
        for holding in given.values() {
            urgency = urgency.max(self.set(*holding));
        }
        self.unsent = self.unsent.max(urgency);
    }

    /// Goes ahead of a version that others believe to be ours, and tells them.
    pub fn overtake(&mut self, version: u64) {
        if version > self.version && version < MAX_VERSION {
            self.version = version + 1;
            self.unsent = Urgency::AtOnce;
        }
    }

    /// Tells everything again: this node has a new identity.
    pub fn announce_again(&mut self, instance: u64) {
        self.version = self.version.max(instance).saturating_add(1).min(MAX_VERSION);
        self.unsent = Urgency::AtOnce;
    }

    /// When the next summary is due, from `now`; `None` when there is nothing to tell.
    pub fn due_in(&self, now: Time, progress_pause: Duration) -> Option<Duration> {
        let pause = match self.unsent {
            Urgency::Nothing => return None,
            Urgency::Progress => progress_pause.max(LEAST_PAUSE),
            Urgency::AtOnce => LEAST_PAUSE,
        };
        // A clock that went back must not silence us.
        let sent_at = self.sent_at.filter(|sent_at| *sent_at <= now);
        Some(pause.saturating_sub(sent_at.map_or(pause, |sent_at| now.since(sent_at))))
    }

    /// The summary to send now, and whether at once.
    pub fn take_summary(&mut self, now: Time, me: &Member) -> (Summary, bool) {
        let at_once = self.unsent == Urgency::AtOnce;
        self.unsent = Urgency::Nothing;
        self.sent_at = Some(now);
        (self.summary(me), at_once)
    }

    /// The row for a full-state exchange, the latest changes first.
    pub fn record(&self, me: &Member, most: usize) -> MemberRecord {
        let mut holdings = self.latest_first();
        holdings.truncate(most);
        let holdings = holdings.into_iter().map(|(_, holding)| holding).collect();
        let (version, place) = (self.version, self.place);
        MemberRecord { peer: me.peer, address: me.address, version, place, holdings }
    }

    fn summary(&self, me: &Member) -> Summary {
        let mut holdings = self.latest_first();
        let whole = holdings.len() <= MAX_SUMMARY;
        if !whole {
            let gone = self.gone.iter();
            holdings.extend(gone.map(|(content, version)| (*version, nothing_of(*content))));
            holdings.sort_by_key(|(changed, _)| core::cmp::Reverse(*changed));
            holdings.truncate(MAX_SUMMARY);
        }
        let holdings = holdings.into_iter().map(|(_, holding)| holding).collect();
        let (peer, address, version) = (me.peer, me.address, self.version);
        Summary { peer, address, place: self.place, version, whole, holdings }
    }

    fn latest_first(&self) -> Vec<(u64, Holding)> {
        let held = self.holdings.values();
        let mut latest: Vec<_> = held.map(|held| (held.changed, held.holding)).collect();
        latest.sort_by_key(|(changed, _)| core::cmp::Reverse(*changed));
        latest
    }

    fn drop_missing(&mut self, given: &BTreeMap<ContentId, Holding>) -> Urgency {
        let leaving = self.holdings.keys().filter(|content| !given.contains_key(*content));
        let leaving: Vec<ContentId> = leaving.copied().collect();
        for content in &leaving {
            self.holdings.remove(content);
            self.gone.insert(0, (*content, self.version));
        }
        self.gone.retain(|(content, _)| !given.contains_key(content));
        self.gone.truncate(MAX_GONE);
        if leaving.is_empty() { Urgency::Nothing } else { Urgency::AtOnce }
    }

    fn set(&mut self, holding: Holding) -> Urgency {
        let before = self.holdings.get(&holding.content).map(|held| held.holding);
        if before == Some(holding) {
            return Urgency::Nothing;
        }
        self.holdings.insert(holding.content, Held { holding, changed: self.version });
        before.map_or(Urgency::AtOnce, |before| urgency_between(&before, &holding))
    }
}

fn urgency_between(before: &Holding, now: &Holding) -> Urgency {
    let completed = now.permille >= 1000 && before.permille < 1000;
    let lost = now.permille < before.permille;
    if completed || lost || before.fetching != now.fetching {
        Urgency::AtOnce
    } else if sixteenths(before.permille) != sixteenths(now.permille) {
        Urgency::Progress
    } else {
        Urgency::Nothing
    }
}

fn nothing_of(content: ContentId) -> Holding {
    Holding { content, permille: 0, fetching: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use core::net::SocketAddr;
    use samara_model::PeerId;

    const PAUSE: Duration = Duration::from_secs(5);

    fn me() -> Member {
        let address = SocketAddr::from(([10, 0, 0, 1], 7000));
        Member { peer: PeerId([1; 32]), instance: 1000, address }
    }

    fn fetching(content: u8, permille: u16) -> Holding {
        Holding { content: ContentId([content; 32]), permille, fetching: permille < 1000 }
    }

    #[test]
    fn a_new_and_a_complete_content_are_told_at_once_and_progress_is_not() {
        let mut own = OwnRecord::new(&me());
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        own.replace(&[fetching(1, 0)]);
        assert_eq!(own.due_in(at(0), PAUSE), Some(Duration::ZERO));
        assert!(own.take_summary(at(0), &me()).1);
        own.replace(&[fetching(1, 10)]);
        assert_eq!(own.due_in(at(1), PAUSE), None, "still the same sixteenth");
        own.replace(&[fetching(1, 100)]);
        assert_eq!(own.due_in(at(2), PAUSE), Some(Duration::from_secs(3)));
        own.replace(&[fetching(1, 1000)]);
        assert_eq!(own.due_in(at(2), PAUSE), Some(Duration::ZERO));
    }

    #[test]
    fn with_many_contents_a_summary_names_the_latest_and_the_gone() {
        let mut own = OwnRecord::new(&me());
        let many: Vec<_> = (0..30).map(|n| fetching(n, 1000)).collect();
        own.replace(&many);
        own.replace(&many[1..]);
        own.replace(&[&many[1..], &[fetching(40, 1000)]].concat());
        let (summary, _) = own.take_summary(Time::ZERO, &me());
        assert!(!summary.whole);
        assert_eq!(summary.holdings[0], fetching(40, 1000));
        assert_eq!(summary.holdings[1], nothing_of(ContentId([0; 32])));
    }

    #[test]
    fn a_new_place_is_told_at_once_and_an_old_one_is_no_news() {
        let mut own = OwnRecord::new(&me());
        own.replace(&[fetching(1, 1000)]);
        let (before, _) = own.take_summary(Time::ZERO, &me());
        let place = Place { rack: 7, ..Place::default() };
        own.move_to(place);
        assert_eq!(own.due_in(Time::ZERO, PAUSE), Some(LEAST_PAUSE));
        let (after, at_once) = own.take_summary(Time::ZERO, &me());
        assert!(at_once && after.version > before.version);
        assert_eq!((after.place, after.holdings), (place, before.holdings));
        own.move_to(place);
        assert_eq!(own.due_in(Time::ZERO, PAUSE), None);
    }

    #[test]
    fn what_others_believe_of_us_is_overtaken() {
        let mut own = OwnRecord::new(&me());
        own.overtake(5000);
        own.replace(&[]);
        assert!(own.record(&me(), 256).version > 5000);
        own.overtake(u64::MAX);
        assert!(own.record(&me(), 256).version < MAX_VERSION);
        assert_eq!(own.record(&me(), 256).holdings, vec![]);
    }
}
