//! Trackers and nodes that announce themselves to them, with one clock and one queue.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::{net::SocketAddr, time::Duration};
use proptest::prelude::*;
use samara_model::{ContentId, Holding, PeerHint, PeerId, PeerMessage, Release, ReleaseName, Time};

use super::{
    Announcer, AnnouncerConfig, AnnouncerEvent, AnnouncerInput, AnnouncerOutput, Tracker,
    TrackerConfig, TrackerEvent, TrackerInput, TrackerOutput,
};

const SECOND: Duration = Duration::from_secs(1);
const HOP: Duration = Duration::from_millis(2);

fn peer(node: u16) -> PeerId {
    let mut id = [7; 32];
    id[..2].copy_from_slice(&node.to_be_bytes());
    PeerId(id)
}

fn address(node: u16) -> SocketAddr {
    let [high, low] = node.to_be_bytes();
    SocketAddr::from(([10, 0, high, low], 7000))
}

fn content(n: u8) -> ContentId {
    ContentId([n; 32])
}

fn fetching(n: u8) -> Holding {
    Holding { content: content(n), permille: 0, fetching: true }
}

fn complete(n: u8) -> Holding {
    Holding { content: content(n), permille: 1000, fetching: false }
}

fn release(of: u8, publisher: u16) -> Release {
    Release {
        release: ReleaseName::new("llama", "1").expect("a plain name"),
        content: content(of),
        publisher: peer(publisher),
        published_at: 0,
        signature: None,
    }
}

fn announced(from: u16, holdings: &[Holding]) -> TrackerInput {
    TrackerInput::Announced {
        from: peer(from),
        link: u64::from(from),
        address: address(from),
        place: samara_model::Place::default(),
        holdings: holdings.to_vec(),
        releases: vec![],
        token: 5,
    }
}

/// What a tracker answers to one input.
fn ask(tracker: &mut Tracker, now: Time, input: TrackerInput) -> PeerMessage {
    let mut out = Vec::new();
    tracker.handle(now, input, &mut out);
    let message = out.into_iter().find_map(|output| match output {
        TrackerOutput::Send { message, .. } => Some(message),
        _ => None,
    });
    message.expect("a question is answered")
}

fn hints(message: PeerMessage) -> Vec<PeerHint> {
    match message {
        PeerMessage::Handout { neighbours, .. } => {
            neighbours.into_iter().flat_map(|(_, hints)| hints).collect()
        }
        PeerMessage::Found { holders, .. } => holders,
        other => panic!("no answer of a tracker: {other:?}"),
    }
}

fn tracker() -> Tracker {
    Tracker::new(TrackerConfig::default(), 1)
}

#[test]
fn a_handout_names_the_origin_and_others_but_not_the_requester() {
    let mut tracker = tracker();
    ask(&mut tracker, Time::ZERO, announced(0, &[complete(1)]));
    for node in 1..200 {
        let message = ask(&mut tracker, Time::ZERO, announced(node, &[fetching(1)]));
        let hints = hints(message);
        assert_eq!(
            hints[0],
            PeerHint {
                peer: peer(0),
                address: address(0),
                permille: 1000,
                place: Default::default()
            }
        );
        assert_eq!(hints.len(), usize::from(node).min(50));
        assert!(hints.iter().all(|hint| hint.peer != peer(node)));
    }
}

#[test]
fn who_only_serves_gets_nobody_and_who_is_lonely_asks_again_soon() {
    let mut tracker = tracker();
    let expires = |message: &PeerMessage| match message {
        PeerMessage::Handout { expires_s, .. } => *expires_s,
        other => panic!("{other:?}"),
    };
    let message = ask(&mut tracker, Time::ZERO, announced(0, &[complete(1)]));
    assert_eq!((expires(&message), hints(message)), (30, vec![]));
    let message = ask(&mut tracker, Time::ZERO, announced(1, &[fetching(1)]));
    assert_eq!((expires(&message), hints(message).len()), (5, 1));
}

#[test]
fn an_entry_expires_and_a_leaver_goes_at_once() {
    let mut tracker = tracker();
    let mut out = Vec::new();
    tracker.handle(Time::ZERO, announced(0, &[complete(1)]), &mut out);
    let Some(TrackerOutput::StartTimer { token, .. }) = out.last().cloned() else {
        panic!("somebody is registered: {out:?}");
    };
    let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
    ask(&mut tracker, at(70), announced(1, &[fetching(1)]));
    ask(&mut tracker, at(70), announced(2, &[fetching(1)]));
    tracker.handle(at(76), TrackerInput::TimerFired { token }, &mut out);
    assert_eq!((tracker.peer_count(), tracker.registration_count()), (2, 2));
    tracker.handle(at(76), TrackerInput::Left { peer: peer(1) }, &mut out);
    ask(&mut tracker, at(76), announced(2, &[]));
    assert_eq!((tracker.peer_count(), tracker.registration_count()), (0, 0));
}

#[test]
fn a_release_is_found_with_its_holders_and_the_first_one_wins() {
    let mut tracker = tracker();
    let mut announce = |from, of| {
        let mut out = Vec::new();
        let TrackerInput::Announced { from: id, link, address, place, holdings, token, .. } =
            announced(from, &[complete(of)])
        else {
            unreachable!()
        };
        let releases = vec![release(of, from)];
        let input =
            TrackerInput::Announced { from: id, link, address, place, holdings, releases, token };
        tracker.handle(Time::ZERO, input, &mut out);
        out
    };
    announce(1, 1);
    for reports in [1, 0] {
        let out = announce(2, 2);
        let refused = out.iter().find_map(|output| match output {
            TrackerOutput::Send { message: PeerMessage::Handout { refused, .. }, .. } => {
                Some(refused.clone())
            }
            _ => None,
        });
        assert_eq!(refused, Some(vec![release(1, 1)]), "the one that is kept");
        let conflict = |output: &&TrackerOutput| {
            let TrackerOutput::Report(TrackerEvent::ReleaseConflict(conflict)) = output else {
                return false;
            };
            (conflict.first, conflict.second) == (peer(1), peer(2))
        };
        assert_eq!(out.iter().filter(conflict).count(), reports);
    }
    let name = Some(release(1, 1).release);
    let find = TrackerInput::Find { link: 9, token: 3, release: name, content: None };
    let PeerMessage::Found { token, release: found, holders } = ask(&mut tracker, Time::ZERO, find)
    else {
        panic!("a find is answered with found");
    };
    assert_eq!((token, found, holders.len()), (3, Some(release(1, 1)), 1));
    assert_eq!(holders[0].peer, peer(1));
}

#[test]
fn what_is_kept_is_bounded() {
    let config = TrackerConfig {
        max_peers: 10,
        max_holdings: 5,
        max_registrations: 30,
        ..TrackerConfig::default()
    };
    let mut tracker = Tracker::new(config, 1);
    let many: Vec<_> = (0..40).map(fetching).collect();
    for node in 0..40 {
        ask(&mut tracker, Time::ZERO, announced(node, &many));
    }
    assert_eq!((tracker.peer_count(), tracker.registration_count()), (10, 30));
    ask(&mut tracker, Time::ZERO, announced(0, &[fetching(3)]));
    assert_eq!(tracker.registration_count(), 26);
    let later = Time::ZERO + 100 * SECOND;
    ask(&mut tracker, later, announced(39, &many));
    ask(&mut tracker, later, announced(39, &many));
    assert_eq!(tracker.peer_count(), 1, "the expired made room");
}

/// Nodes, trackers, and a queue.
struct World {
    now: Time,
    trackers: BTreeMap<u16, Tracker>,
    nodes: BTreeMap<u16, Announcer>,
    events: Vec<(u16, AnnouncerEvent)>,
    announcements: Vec<(Time, u16, u16)>,
    queue: BTreeMap<(Time, u64), (u16, Input)>,
    sequence: u64,
}

enum Input {
    Node(AnnouncerInput),
    Tracker(TrackerInput),
}

impl World {
    fn new(trackers: &[u16]) -> Self {
        let mut world = World {
            now: Time::ZERO,
            trackers: BTreeMap::new(),
            nodes: BTreeMap::new(),
            events: Vec::new(),
            announcements: Vec::new(),
            queue: BTreeMap::new(),
            sequence: 0,
        };
        trackers.iter().for_each(|at| world.start_tracker(*at));
        world
    }

    fn start_tracker(&mut self, at: u16) {
        self.trackers.insert(at, Tracker::new(TrackerConfig::default(), u64::from(at)));
    }

    fn start(&mut self, node: u16, trackers: &[u16], holdings: &[Holding]) {
        let trackers = trackers.iter().map(|at| address(*at)).collect();
        let config = AnnouncerConfig::default();
        let announcer = Announcer::new(config, address(node), trackers, u64::from(node));
        self.nodes.insert(node, announcer);
        self.tell(node, AnnouncerInput::HoldingsChanged { holdings: holdings.to_vec() });
        self.tell(node, AnnouncerInput::Started);
    }

    fn tell(&mut self, node: u16, input: AnnouncerInput) {
        let mut out = Vec::new();
        self.nodes.get_mut(&node).expect("a node").handle(self.now, input, &mut out);
        for output in out {
            match output {
                AnnouncerOutput::Announce { tracker, message } => {
                    self.announce(node, tracker, message);
                }
                AnnouncerOutput::StartTimer { token, after } => {
                    self.later(after, node, Input::Node(AnnouncerInput::TimerFired { token }));
                }
                AnnouncerOutput::Report(event) => self.events.push((node, event)),
            }
        }
    }

    fn announce(&mut self, node: u16, tracker: SocketAddr, message: PeerMessage) {
        let PeerMessage::Announce { address: from, place, holdings, releases, token } = message
        else {
            panic!("only announcements are sent");
        };
        let SocketAddr::V4(v4) = tracker else { panic!("an address of this world") };
        let at = u16::from_be_bytes([v4.ip().octets()[2], v4.ip().octets()[3]]);
        self.announcements.push((self.now, node, at));
        let (peer, link, address) = (peer(node), u64::from(node), from);
        let input =
            TrackerInput::Announced { from: peer, link, address, place, holdings, releases, token };
        match self.trackers.contains_key(&at) {
            true => self.later(HOP, at, Input::Tracker(input)),
            false => {
                let failed = AnnouncerInput::AnnounceFailed { tracker };
                self.later(HOP, node, Input::Node(failed));
            }
        }
    }

    fn tell_tracker(&mut self, at: u16, input: TrackerInput) {
        let Some(tracker) = self.trackers.get_mut(&at) else {
            return;
        };
        let mut out = Vec::new();
        tracker.handle(self.now, input, &mut out);
        for output in out {
            match output {
                TrackerOutput::Send { link, message } => self.deliver(at, link as u16, message),
                TrackerOutput::StartTimer { token, after } => {
                    self.later(after, at, Input::Tracker(TrackerInput::TimerFired { token }));
                }
                TrackerOutput::AskPolicy { .. } => panic!("the built-in policy is not asked"),
                TrackerOutput::Report(_) => {}
            }
        }
    }

    fn deliver(&mut self, at: u16, node: u16, message: PeerMessage) {
        let PeerMessage::Handout { token, neighbours, refused, expires_s } = message else {
            panic!("only handouts are sent");
        };
        let tracker = address(at);
        let input =
            AnnouncerInput::HandoutReceived { tracker, token, neighbours, refused, expires_s };
        self.later(HOP, node, Input::Node(input));
    }

    fn later(&mut self, after: Duration, to: u16, input: Input) {
        self.sequence += 1;
        self.queue.insert((self.now + after, self.sequence), (to, input));
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((at, _), (to, input)) = entry.remove_entry();
            self.now = at;
            match input {
                Input::Node(input) => self.tell(to, input),
                Input::Tracker(input) => self.tell_tracker(to, input),
            }
        }
        self.now = end;
    }

    fn tracker_of(&self, node: u16) -> Option<u16> {
        let address = self.nodes[&node].tracker()?;
        self.trackers.keys().copied().find(|at| super::tests::address(*at) == address)
    }

    fn neighbours(&self, node: u16) -> Vec<PeerId> {
        let of_node = self.events.iter().filter(|(at, _)| *at == node);
        let mut peers: Vec<PeerId> = of_node
            .filter_map(|(_, event)| match event {
                AnnouncerEvent::Neighbours(_, hints) => Some(hints.iter().map(|h| h.peer)),
                _ => None,
            })
            .flatten()
            .collect();
        peers.sort_unstable();
        peers.dedup();
        peers
    }

    fn reported(&self, wanted: &AnnouncerEvent) -> usize {
        self.events.iter().filter(|(_, event)| event == wanted).count()
    }
}

#[test]
fn everybody_finds_the_others_through_one_tracker() {
    let mut world = World::new(&[900]);
    world.start(0, &[900], &[complete(1)]);
    for node in 1..20 {
        world.start(node, &[900], &[fetching(1)]);
    }
    world.run(35 * SECOND);
    for node in 1..20 {
        assert_eq!(world.neighbours(node).len(), 19);
    }
}

#[test]
fn the_next_tracker_takes_over_and_the_preferred_one_comes_back() {
    let trackers = [900, 901, 902];
    let mut world = World::new(&trackers);
    world.start(0, &trackers, &[complete(1)]);
    world.start(1, &trackers, &[fetching(1)]);
    world.run(10 * SECOND);
    assert_eq!(world.tracker_of(1), Some(900));
    world.trackers.remove(&900);
    world.trackers.remove(&901);
    world.run(40 * SECOND);
    assert_eq!((world.tracker_of(0), world.tracker_of(1)), (Some(902), Some(902)));
    assert_eq!(world.trackers[&902].peer_count(), 2, "it is rebuilt from announcements");
    world.start(2, &trackers, &[fetching(1)]);
    world.run(SECOND);
    assert_eq!(world.neighbours(2), [peer(0), peer(1)]);
    world.start_tracker(900);
    world.run(100 * SECOND);
    for node in 0..3 {
        assert_eq!(world.tracker_of(node), Some(900));
    }
    assert_eq!(world.trackers[&900].peer_count(), 3);
}

/// The moments at which each node announced itself since `before` announcements, the first of each.
fn announced_since(world: &World, before: usize) -> BTreeMap<u16, Time> {
    let mut first = BTreeMap::new();
    for (at, node, _) in &world.announcements[before..] {
        first.entry(*node).or_insert(*at);
    }
    first
}

/// All 20 announce themselves to a tracker that has forgotten them, soon and not all at once.
fn check_all_come_back(forget: impl FnOnce(&mut World)) {
    let mut world = World::new(&[900]);
    for node in 0..20 {
        world.start(node, &[900], &[fetching(1)]);
        world.tell(node, AnnouncerInput::ReleaseAdded(release(1, 1)));
    }
    // Each has eight neighbours by now, and comes again after half a minute at the soonest.
    world.run(10 * SECOND);
    let (before, at) = (world.announcements.len(), world.now);
    world.start_tracker(900);
    forget(&mut world);
    world.run(SECOND);
    let first = announced_since(&world, before);
    assert_eq!(first.len(), 20);
    assert_eq!(world.trackers[&900].peer_count(), 20);
    assert!(world.trackers[&900].release(&release(1, 1).release).is_some(), "told again");
    let soon = first.values().filter(|moment| moment.since(at) < Duration::from_millis(100));
    assert!(soon.count() < 12, "they all come at once: {first:?}");
    let again = world.announcements.len() - before;
    assert_eq!(again, 20, "once is enough");
}

#[test]
fn peers_of_a_tracker_that_began_anew_come_back_at_once() {
    check_all_come_back(|world| {
        world.tell_tracker(900, TrackerInput::Started { links: (0..20).collect() });
    });
}

#[test]
fn peers_whose_connection_to_the_tracker_broke_come_back_at_once() {
    check_all_come_back(|world| {
        for node in 0..20 {
            world.tell(node, AnnouncerInput::AnnounceFailed { tracker: address(900) });
        }
    });
}

#[test]
fn a_tracker_that_forgets_all_the_time_is_not_announced_to_more_than_once_a_second() {
    let mut world = World::new(&[900]);
    world.start(1, &[900], &[fetching(1)]);
    world.run(10 * SECOND);
    let before = world.announcements.len();
    for _ in 0..500 {
        world.tell_tracker(900, TrackerInput::Started { links: vec![1] });
        world.run(Duration::from_millis(10));
    }
    let times: Vec<Time> = world.announcements[before..].iter().map(|(at, ..)| *at).collect();
    assert!((4..=6).contains(&times.len()), "{times:?}");
}

#[test]
fn only_the_tracker_in_use_can_have_forgotten() {
    let mut world = World::new(&[900, 901]);
    world.start(1, &[900, 901], &[fetching(1)]);
    world.run(SECOND);
    let before = world.announcements.len();
    world.tell_tracker(901, TrackerInput::Started { links: vec![1] });
    world.run(SECOND);
    assert_eq!(world.announcements.len(), before);
}

#[test]
fn without_any_tracker_it_goes_on_trying_and_says_so_once() {
    let mut world = World::new(&[]);
    world.start(1, &[900, 901], &[fetching(1)]);
    world.run(300 * SECOND);
    assert_eq!(world.reported(&AnnouncerEvent::TrackersUnreachable), 1);
    let tries = world.announcements.len();
    assert!((20..60).contains(&tries), "{tries} tries in 300 s");
    world.start_tracker(901);
    world.run(40 * SECOND);
    assert_eq!(world.reported(&AnnouncerEvent::TrackerChanged(address(901))), 1);
}

#[test]
fn a_tracker_that_does_not_answer_is_passed_over() {
    let mut world = World::new(&[901]);
    world.start(1, &[900, 901], &[fetching(1)]);
    // Nobody says that it failed.
    world.queue.retain(|_, (_, input)| {
        !matches!(input, Input::Node(AnnouncerInput::AnnounceFailed { .. }))
    });
    world.run(4 * SECOND);
    assert_eq!(world.tracker_of(1), None);
    world.run(2 * SECOND);
    assert_eq!(world.tracker_of(1), Some(901));
}

#[test]
fn a_change_is_announced_at_once_but_not_more_than_once_a_second() {
    let mut world = World::new(&[900]);
    world.start(1, &[900], &[fetching(1)]);
    world.run(10 * SECOND);
    let before = world.announcements.len();
    for n in 2..52 {
        let holdings = vec![fetching(1), fetching(n)];
        world.tell(1, AnnouncerInput::HoldingsChanged { holdings });
        world.run(Duration::from_millis(100));
    }
    let times: Vec<Time> = world.announcements[before..].iter().map(|(at, ..)| *at).collect();
    assert!((5..=6).contains(&times.len()), "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1].since(pair[0]) >= SECOND), "{times:?}");
    let before = world.announcements.len();
    world.run(2 * SECOND);
    let holding = Holding { permille: 500, ..fetching(1) };
    world.tell(1, AnnouncerInput::HoldingsChanged { holdings: vec![holding, fetching(51)] });
    world.run(SECOND);
    assert!(world.announcements.len() <= before + 1, "progress alone can wait");
}

#[test]
fn a_new_place_is_announced_at_once() {
    let mut world = World::new(&[900]);
    world.start(1, &[900], &[complete(1)]);
    world.start(2, &[900], &[fetching(1)]);
    world.run(10 * SECOND);
    let announced =
        |world: &World| world.announcements.iter().filter(|(_, node, _)| *node == 1).count();
    let before = announced(&world);
    let place = samara_model::Place { rack: 7, ..Default::default() };
    for _ in 0..2 {
        world.tell(1, AnnouncerInput::PlaceChanged { place });
        world.run(2 * SECOND);
    }
    assert_eq!(announced(&world), before + 1, "the same place is no news");
    world.tell(2, AnnouncerInput::HoldingsChanged { holdings: vec![fetching(1), fetching(2)] });
    world.run(2 * SECOND);
    let hints = world.events.iter().rev().find_map(|(node, event)| match event {
        AnnouncerEvent::Neighbours(_, hints) if *node == 2 => Some(hints.clone()),
        _ => None,
    });
    let places: Vec<_> = hints.expect("a handout").iter().map(|hint| hint.place).collect();
    assert_eq!(places, [place]);
}

#[test]
fn a_refused_release_names_both_publishers() {
    let mut world = World::new(&[900]);
    world.start(1, &[900], &[complete(1)]);
    world.tell(1, AnnouncerInput::ReleaseAdded(release(1, 1)));
    world.run(5 * SECOND);
    world.start(2, &[900], &[complete(2)]);
    world.tell(2, AnnouncerInput::ReleaseAdded(release(2, 2)));
    world.run(200 * SECOND);
    let refused = world.events.iter().filter_map(|(node, event)| match event {
        AnnouncerEvent::ReleaseRefused(conflict) => Some((*node, conflict.first, conflict.second)),
        _ => None,
    });
    let refused: Vec<_> = refused.collect();
    assert_eq!(refused, [(2, peer(1), peer(2))]);
}

#[test]
fn a_node_that_leaves_is_out_of_the_registry() {
    let mut world = World::new(&[900]);
    world.start(1, &[900], &[fetching(1)]);
    world.run(SECOND);
    world.tell(1, AnnouncerInput::Left);
    world.run(SECOND);
    assert_eq!(world.trackers[&900].peer_count(), 0);
    world.tell(1, AnnouncerInput::Started);
    world.run(100 * SECOND);
    assert_eq!(world.trackers[&900].peer_count(), 0);
}

#[test]
fn the_same_random_seed_gives_the_same_handouts() {
    let run = |random_seed| {
        let mut tracker = Tracker::new(TrackerConfig::default(), random_seed);
        let answers = (0..200).map(|n| {
            hints(ask(&mut tracker, Time::ZERO, announced(n, &[fetching(1), fetching(2)])))
        });
        answers.collect::<Vec<_>>()
    };
    assert!(run(3) == run(3));
    assert!(run(3) != run(4));
}

proptest! {
    #[test]
    fn anything_announced_keeps_the_counts_right(
        steps in proptest::collection::vec(
            (0u16..6, proptest::collection::vec((0u8..5, 0u16..=1100, any::<bool>()), 0..6), 0u64..200),
            1..40,
        ),
    ) {
        let mut tracker = tracker();
        let mut model: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
        for (node, holdings, jump) in steps {
            let holdings: Vec<_> = holdings.into_iter().map(|(n, permille, fetching)| {
                Holding { content: content(n), permille, fetching }
            }).collect();
            ask(&mut tracker, Time(jump), announced(node, &holdings));
            let mut contents: Vec<u8> = holdings.iter().map(|h| h.content.0[0]).collect();
            contents.sort_unstable();
            contents.dedup();
            model.insert(node, contents);
            model.retain(|_, contents| !contents.is_empty());
            let registrations: usize = model.values().map(Vec::len).sum();
            prop_assert_eq!(tracker.peer_count(), model.len());
            prop_assert_eq!(tracker.registration_count(), registrations);
        }
    }
}
