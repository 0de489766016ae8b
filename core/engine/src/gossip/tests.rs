//! What holds in a cluster, whatever gets lost.

use alloc::vec::Vec;
use core::time::Duration;
use samara_model::{Holding, Place};

use super::world::{World, address, complete, content, fingerprint, joined, peer, release};
use super::{GossipEvent, GossipInput, MemberState};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_hundred_nodes_that_join_through_one_know_each_other_soon() {
    let mut world = World::new(1);
    world.start(0, &[]);
    for node in 1..100 {
        world.start(node, &[0]);
    }
    let seconds = world.run_until(60, World::everybody_knows_everybody);
    assert!(seconds <= 20, "took {seconds} s");
}

/// Of 1,000 nodes that start at once, all but 30 of a million pairs know each other after 9 s, and the
/// last pair after 37 s, at 12 kB/s per node; it takes a minute to compute.
#[test]
fn a_crowd_that_joins_through_one_node_knows_itself_soon() {
    let mut world = World::new(1);
    world.start(0, &[]);
    for node in 1..300 {
        world.start(node, &[0]);
    }
    let seconds = world.run_until(120, World::everybody_knows_everybody);
    assert!(seconds <= 45, "took {seconds} s");
}

#[test]
fn a_lossy_network_changes_nothing_but_the_time() {
    let mut world = World::new(2);
    world.loss = 300;
    world.start(0, &[]);
    for node in 1..40 {
        world.start(node, &[0]);
    }
    world.run_until(60, World::everybody_knows_everybody);
    world.hold(7, &[complete(1)]);
    world.run_until(60, |w| w.nodes().iter().all(|n| *n == 7 || w.holders(*n, 1) == [7]));
    world.run(60 * SECOND);
    let up = world.nodes().iter().map(|n| world.gossip(*n).up_count()).min();
    assert!(up >= Some(37), "losses are taken for deaths: {up:?} of 39");
}

#[test]
fn a_newcomer_learns_everything_from_any_node() {
    let mut world = joined(10, 3);
    world.hold(4, &[complete(1)]);
    world.tell(4, GossipInput::ReleaseAdded(release("1", 1, 4)));
    world.run(20 * SECOND);
    world.kill(0);
    world.run(SECOND);
    world.start(50, &[9]);
    world.run_until(10, |w| {
        let known = w.gossip(50).release(&release("1", 1, 4).release).is_some();
        known && w.holders(50, 1) == [4] && w.gossip(50).up_count() >= 9
    });
}

#[test]
fn a_crashed_member_goes_down_and_its_rows_go_away() {
    let mut world = joined(10, 4);
    world.hold(3, &[complete(1)]);
    world.run_until(5, |w| w.holders(8, 1) == [3]);
    world.kill(3);
    let seconds = world.run_until(60, World::everybody_knows_everybody);
    assert!(seconds <= 30, "took {seconds} s");
    assert!(world.holders(8, 1).is_empty());
    let events = world.events(8);
    assert!(events.contains(&GossipEvent::MemberDown(peer(3))));
    assert_eq!(events.last(), Some(&GossipEvent::HoldersChanged(content(1))));
    world.run(70 * SECOND);
    assert!(world.nodes().iter().all(|n| !world.gossip(*n).table.knows(&peer(3))));
    let state = |w: &World| {
        w.gossip(8).members(w.now).iter().find(|v| v.member.peer == peer(3)).map(|v| v.state)
    };
    assert_eq!(state(&world), Some(MemberState::Down));
    world.run(Duration::from_secs(3700));
    assert_eq!(state(&world), None, "the dead are forgotten in the end");
}

#[test]
fn a_member_that_leaves_is_down_at_once() {
    let mut world = joined(10, 5);
    world.tell(3, GossipInput::Left);
    world.kill(3);
    let seconds = world.run_until(5, World::everybody_knows_everybody);
    assert!(seconds <= 3, "took {seconds} s");
}

#[test]
fn a_member_that_moves_is_known_there_by_all_whether_it_holds_something_or_not() {
    let mut world = joined(20, 5);
    world.hold(3, &[complete(1)]);
    world.run(20 * SECOND);
    let place = Place { zone: 1, rack: 7, host: 0 };
    for node in [3, 4] {
        world.tell(node, GossipInput::PlaceChanged { place });
    }
    let knows = |world: &World, node: u16| {
        let views = world.gossip(node).members(world.now);
        let moved = views.iter().filter(|view| [peer(3), peer(4)].contains(&view.member.peer));
        moved.filter(|view| view.place == place).count() == 2
    };
    let others: Vec<u16> =
        world.nodes().into_iter().filter(|node| ![3, 4].contains(node)).collect();
    let took = world.run_until(60, |world| others.iter().all(|node| knows(world, *node)));
    assert!(took < 20, "{took} s");
    let holders = world.gossip(9).holders(&content(1), world.now);
    assert_eq!(holders[0].place, place);
    let told = GossipEvent::HoldersChanged(content(1));
    let hints = world.events(9).iter().filter(|event| **event == told).count();
    assert!(hints >= 2, "who fetches hears of it: {hints}");
}

#[test]
fn a_restarted_member_replaces_itself() {
    let mut world = joined(10, 6);
    world.hold(3, &[complete(1)]);
    world.run_until(5, |w| w.holders(8, 1) == [3]);
    world.start(3, &[7]);
    world.hold(3, &[complete(2)]);
    world.run_until(5, |w| w.holders(8, 2) == [3]);
    assert!(world.holders(8, 1).is_empty(), "of its former life");
    assert!(world.everybody_knows_everybody());
}

#[test]
fn a_restarted_member_whose_clock_went_back_replaces_itself() {
    let mut world = joined(10, 7);
    world.hold(3, &[complete(1)]);
    world.run(5 * SECOND);
    world.kill(3);
    world.start_as(3, 3, 17, &[7]);
    world.hold(3, &[complete(2)]);
    let all = |w: &World, n: u8| w.nodes().iter().all(|at| *at == 3 || w.holders(*at, n) == [3]);
    world.run_until(20, |w| all(w, 2) && w.holders(8, 1).is_empty());
    world.run_until(5, World::everybody_knows_everybody);
}

#[test]
fn two_nodes_with_one_id_are_reported() {
    let mut world = joined(5, 8);
    world.start_as(60, 3, world.now.0 / 1000 + 2_000_000, &[0]);
    world.run(30 * SECOND);
    let told = [3, 60].map(|node| {
        let elsewhere = |event: &&GossipEvent| matches!(event, GossipEvent::SameIdElsewhere(_));
        world.events(node).iter().filter(elsewhere).count()
    });
    assert!(told[0] + told[1] > 0, "{told:?}");
    assert!(told[0] <= 4 && told[1] <= 4, "not a flood: {told:?}");
}

#[test]
fn the_first_release_stays_and_a_conflict_names_both_publishers() {
    let mut world = joined(6, 9);
    world.tell(1, GossipInput::ReleaseAdded(release("1", 1, 1)));
    world.run_until(40, |w| w.nodes().iter().all(|n| w.gossip(*n).releases().count() == 1));
    world.tell(2, GossipInput::ReleaseAdded(release("1", 2, 2)));
    let conflicts = |w: &World, node| {
        let conflict = |event: &GossipEvent| match event {
            GossipEvent::ReleaseConflict(conflict) => Some((conflict.first, conflict.second)),
            _ => None,
        };
        w.events(node).iter().filter_map(conflict).collect::<Vec<_>>()
    };
    assert_eq!(conflicts(&world, 2), [(peer(1), peer(2))]);
    world.run(60 * SECOND);
    for node in world.nodes() {
        let known = world.gossip(node).release(&release("1", 1, 1).release);
        assert_eq!(known, Some(&release("1", 1, 1)));
        assert_eq!(conflicts(&world, node).len(), usize::from(node == 2));
    }
}

#[test]
fn a_release_published_twice_at_once_is_reported_and_kept_where_it_came_first() {
    let mut world = joined(6, 10);
    world.tell(1, GossipInput::ReleaseAdded(release("1", 1, 1)));
    world.tell(2, GossipInput::ReleaseAdded(release("1", 2, 2)));
    world.run(120 * SECOND);
    for publisher in [1, 2] {
        let conflicts = world.events(publisher).iter();
        let conflicts = conflicts.filter(|e| matches!(e, GossipEvent::ReleaseConflict(_))).count();
        assert_eq!(conflicts, 1, "once per disputed record");
    }
}

#[test]
fn a_node_alone_goes_on_trying_to_join() {
    let mut world = World::new(11);
    world.start(1, &[0]);
    world.run(120 * SECOND);
    assert!((5..30).contains(&world.exchanges), "{} tries in 120 s", world.exchanges);
    world.start(0, &[]);
    world.run_until(40, World::everybody_knows_everybody);
    world.kill(0);
    world.run(60 * SECOND);
    world.start(0, &[]);
    world.run_until(70, World::everybody_knows_everybody);
}

#[test]
fn two_halves_find_each_other_again() {
    let mut world = joined(8, 12);
    for low in 0..4 {
        for high in 4..8 {
            world.cut.insert((low, high));
        }
    }
    world.run(300 * SECOND);
    assert!(world.nodes().iter().all(|n| world.gossip(*n).up_count() == 3));
    world.cut.clear();
    world.run_until(300, World::everybody_knows_everybody);
}

#[test]
fn a_live_connection_leads_to_the_cluster() {
    let mut world = joined(5, 13);
    world.start(20, &[]);
    world.run(10 * SECOND);
    assert_eq!(world.gossip(20).up_count(), 0);
    world.tell(20, GossipInput::PeerSeen { peer: peer(2), address: address(2) });
    world.run_until(10, World::everybody_knows_everybody);
}

#[test]
fn a_quiet_cluster_is_quiet() {
    let mut world = joined(50, 14);
    world.run(120 * SECOND);
    let (bytes, exchanges) = (world.datagram_bytes, world.exchanges);
    world.run(100 * SECOND);
    let per_node = (world.datagram_bytes - bytes) / 50 / 100;
    assert!(per_node < 250, "{per_node} B/s of datagrams per node");
    let exchanges = (world.exchanges - exchanges) / 50;
    assert!((2..=5).contains(&exchanges), "{exchanges} exchanges per node in 100 s");
    assert!(world.nodes().iter().all(|n| world.gossip(*n).backlog() < 50));
}

#[test]
fn news_of_a_fetch_is_paced() {
    let mut world = joined(10, 15);
    world.run(10 * SECOND);
    let before = world.events(5).len();
    for permille in 0..=1000 {
        world.hold(3, &[Holding { content: content(1), permille, fetching: permille < 1000 }]);
        world.run(Duration::from_millis(20));
    }
    world.run(2 * SECOND);
    assert_eq!(world.gossip(5).holders(&content(1), world.now)[0].permille, 1000);
    // It came, perhaps got its first sixteenth, and completed.
    let news = world.events(5).len() - before;
    assert!((2..=3).contains(&news), "{news} reports");
}

#[test]
fn the_same_random_seed_gives_the_same_run() {
    let run = |random_seed| {
        let mut world = World::new(random_seed);
        world.loss = 100;
        world.start(0, &[]);
        for node in 1..15 {
            world.start(node, &[0]);
            world.hold(node, &[complete(node as u8 % 4)]);
        }
        world.run(40 * SECOND);
        world.kill(2);
        world.run(40 * SECOND);
        fingerprint(&world)
    };
    assert_eq!(run(16), run(16));
    assert_ne!(run(16), run(17));
}
