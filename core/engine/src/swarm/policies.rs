//! Tests that the engine honours what a policy says of itself, and survives what it decides, in the small
//! world.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use samara_model::Time;
use samara_policy::{
    Answer, Connection, Description, Hooks, NeighboursAnswer, NeighboursView, OffersAnswer,
    OffersView, OverdueAnswer, OverdueView, Policy, Question, RequestsAnswer, RequestsView,
    WindowOrder, relation,
};
use samara_policy_balanced::Balanced;

use super::world::{ENOUGH, Event, World, link};
use super::{Hook, SwarmInput};

/// The built-in policy behind a description of its own.
#[derive(Clone, Copy)]
struct Wants(Hooks);

impl Policy for Wants {
    fn describe(&self) -> Description {
        describe(self.0)
    }
    fn neighbours(&self, view: &NeighboursView) -> NeighboursAnswer {
        Balanced.neighbours(view)
    }
    fn offers(&self, view: &OffersView) -> OffersAnswer {
        Balanced.offers(view)
    }
    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        Balanced.requests(view)
    }
    fn overdue(&self, view: &OverdueView) -> OverdueAnswer {
        Balanced.overdue(view)
    }
}

/// Wants everything and decides nothing.
struct Silent;

impl Policy for Silent {
    fn describe(&self) -> Description {
        describe(Hooks::ALL)
    }
    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Neighbours(_) => Answer::Neighbours(NeighboursAnswer::default()),
            Question::Offers(_) => Answer::Offers(OffersAnswer::default()),
            Question::Requests(_) => Answer::Requests(RequestsAnswer::default()),
            Question::Overdue(_) => Answer::Overdue(OverdueAnswer::default()),
        }
    }
}

/// Answers every question with rows, chunks and transfers that are not there.
struct Nonsense;

impl Policy for Nonsense {
    fn describe(&self) -> Description {
        describe(Hooks::ALL)
    }
    fn answer(&self, question: &Question) -> Answer {
        use samara_policy::{Offer, OverdueAction, OverdueDecision, Request};
        let connection = Connection { peer: u32::MAX, reason: u32::MAX };
        match question {
            Question::Neighbours(_) => Answer::Neighbours(NeighboursAnswer {
                connect: vec![connection; 3],
                drop: vec![connection; 3],
            }),
            Question::Offers(_) => Answer::Offers(OffersAnswer {
                offers: (0..5000)
                    .map(|n| Offer {
                        peer: n,
                        push: n % 2 == 0,
                        chunks: vec![u32::MAX; 9],
                        reason: n,
                    })
                    .collect(),
            }),
            // An answer to another question.
            Question::Requests(_) => Answer::Overdue(OverdueAnswer {
                decisions: vec![OverdueDecision {
                    transfer: 9,
                    action: OverdueAction::Duplicate(u32::MAX),
                    reason: 0,
                }],
            }),
            Question::Overdue(_) => Answer::Requests(RequestsAnswer {
                requests: vec![Request { peer: 77, chunk: None, reason: 0 }],
            }),
        }
    }
}

/// Connects to all of its rack and to so many others; drops what is more.
struct FarLinks(usize);

impl Policy for FarLinks {
    fn describe(&self) -> Description {
        describe(Hooks { neighbours: true, offers: true, requests: true, overdue: true })
    }
    fn neighbours(&self, view: &NeighboursView) -> NeighboursAnswer {
        let peers = &view.peers;
        let far = |row: &u32| peers.relation[*row as usize] != relation::RACK;
        let is_connected = |row: &u32| peers.connected[*row as usize];
        let connection = |peer| Connection { peer, reason: 1 };
        let rows = || 0..peers.len();
        let kept = rows().filter(|row| far(row) && is_connected(row)).count();
        let drop = rows().filter(|row| far(row) && is_connected(row)).skip(self.0);
        let near = rows().filter(|row| !far(row) && !is_connected(row));
        let room = self.0.saturating_sub(kept);
        let others = rows().filter(|row| far(row) && !is_connected(row)).take(room);
        NeighboursAnswer {
            connect: near.chain(others).map(connection).collect(),
            drop: drop.map(connection).collect(),
        }
    }
    fn offers(&self, view: &OffersView) -> OffersAnswer {
        Balanced.offers(view)
    }
    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        Balanced.requests(view)
    }
    fn overdue(&self, view: &OverdueView) -> OverdueAnswer {
        Balanced.overdue(view)
    }
}

fn describe(hooks: Hooks) -> Description {
    Description {
        name: "test".into(),
        version: "1".into(),
        hooks,
        window: WindowOrder::Rarest,
        columns: Vec::new(),
        labels: vec![],
        parameters: vec![],
    }
}

#[test]
fn hooks_that_are_not_wanted_are_not_asked() {
    let mut world = World::new(6, 100, 21);
    for node in 0..7 {
        let hooks = Hooks { neighbours: false, overdue: false, ..Hooks::ALL };
        world.set_policy(node, 1, Wants(hooks));
    }
    world.run(ENOUGH);
    assert_eq!(world.finished(), 6);
    let asked: Vec<Hook> = world.nodes.iter().flat_map(|node| node.asked.clone()).collect();
    assert!(asked.contains(&Hook::Offers));
    assert!(!asked.contains(&Hook::Neighbours) && !asked.contains(&Hook::Overdue));
    assert!(world.nodes.iter().all(|node| node.fallbacks == 0), "that is no fallback");
}

#[test]
fn without_offers_everything_is_requested_and_nothing_pushed() {
    let mut world = World::new(8, 200, 22);
    for node in 0..9 {
        let hooks = Hooks { offers: false, ..Hooks::ALL };
        world.set_policy(node, 1, Wants(hooks));
    }
    world.run(ENOUGH);
    assert_eq!(world.finished(), 8);
    assert!(world.ratio() < 4.0, "ratio {}", world.ratio());
    assert!(world.nodes.iter().all(|node| node.fallbacks == 0));
    let offers: u64 = world.nodes.iter().map(|node| node.swarm.stats().offers).sum();
    let requests: u64 = world.nodes.iter().map(|node| node.swarm.stats().requests).sum();
    assert_eq!(offers, 0);
    assert!(requests >= 8 * 200, "{requests} requests");
}

#[test]
fn a_policy_that_decides_nothing_for_ever_does_not_stall_the_swarm() {
    let mut world = World::new(6, 200, 23);
    for node in 0..7 {
        world.set_policy(node, 1, Silent);
    }
    world.run(ENOUGH);
    assert_eq!(world.finished(), 6);
    let reported =
        |node: &super::world::Node| node.why_fallen_back.iter().all(|why| *why == "idle");
    assert!(world.nodes.iter().all(reported));
    assert!(world.nodes[1..].iter().all(|node| (1..20).contains(&node.fallbacks)));
    // Two seconds until somebody is connected, one until something moves, and then about as fast as pull goes.
    assert!(world.last() < Duration::from_secs(25), "{:?}", world.last());
}

#[test]
fn a_policy_that_makes_only_offers_is_helped_when_nothing_is_offered() {
    let mut world = World::new(3, 60, 24);
    world.set_policy(0, 1, Silent);
    for node in 1..4 {
        let hooks = Hooks { offers: true, neighbours: true, ..Hooks::default() };
        world.set_policy(node, 1, Wants(hooks));
    }
    world.run(ENOUGH);
    assert_eq!(world.finished(), 3);
    assert!(world.nodes[1..].iter().any(|node| node.why_fallen_back.contains(&"idle")));
}

#[test]
fn the_built_in_policy_never_needs_the_backstop() {
    for random_seed in 0..5 {
        let mut world = World::new(10, 150, random_seed);
        world.run(ENOUGH);
        let why: Vec<_> = world.nodes.iter().flat_map(|node| &node.why_fallen_back).collect();
        assert!(why.is_empty(), "{why:?}");
    }
}

#[test]
fn nonsense_is_dropped_and_the_transfer_goes_on() {
    let mut world = World::new(4, 60, 25);
    for node in 0..5 {
        world.set_policy(node, 1, Nonsense);
    }
    world.run(ENOUGH);
    assert_eq!(world.finished(), 4);
    assert!(world.nodes[1..].iter().all(|node| node.why_fallen_back.contains(&"idle")));
    assert!(world.nodes.iter().all(|node| node.banned.is_empty()));
}

#[test]
fn fifty_changes_of_policy_lose_nothing() {
    let mut world = World::new(6, 300, 26);
    for step in 0..50u64 {
        for node in 0..7usize {
            let generation = step + 1;
            let at = Time(200_000 + step * 50_000);
            world.at(at, Event::Policy(node, generation));
        }
    }
    world.run(ENOUGH);
    assert_eq!(world.finished(), 6);
    assert!(world.nodes.iter().all(|node| node.swarm.policy().generation == 50));
    assert!(world.nodes.iter().all(|node| node.fallbacks == 0));
    assert!(world.ratio() < 1.6, "ratio {}", world.ratio());
}

#[test]
fn a_policy_holds_a_graph_of_its_rack_and_a_few_far_links() {
    let mut world = World::new(12, 300, 27);
    for node in 0..13 {
        world.label(node, &[["rack=a", "rack=b"][node % 2]]);
        world.set_policy(node, 1, FarLinks(2));
    }
    world.run(ENOUGH);
    assert_eq!(world.finished(), 12);
    // Let the last connections settle.
    let end = world.now.since(Time::ZERO) + Duration::from_secs(3);
    for node in 0..13usize {
        world.at(Time::ZERO + end, Event::Input(node, SwarmInput::Resumed));
    }
    for node in 0..13usize {
        let far = (0..13usize).filter(|other| other % 2 != node % 2);
        let links = |other: &usize| world.nodes[node].swarm.has_link(link(node, *other));
        let count = far.filter(links).count();
        assert!(count <= 4, "node {node} has {count} far links");
    }
    let dropped = world.nodes.iter().flat_map(|node| node.swarm.reasons());
    let dropped: u64 =
        dropped.filter(|one| one.hook == Hook::Neighbours).map(|one| one.count).sum();
    assert!(dropped > 0, "nothing was decided");
}
