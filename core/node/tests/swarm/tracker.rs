//! Finding each other through trackers.

use std::net::SocketAddr;
use std::time::Duration;

use samara_node::{ActorName, Discovery, FetchRequest, Node, NodeConfig};

use crate::support::{
    BOTH, Notices, Place, TRACKER, at_percent, config, done, fetch, found_by, nowhere, publish,
    request, same_bytes, slow, start, until,
};

const SIZE: usize = 3 << 20;

fn tracker(discovery: Discovery) -> Node {
    start(NodeConfig { be_tracker: true, ..found_by(config(&[]), discovery) })
}

/// A node that knows trackers and nothing else.
fn tracked(trackers: &[SocketAddr]) -> NodeConfig {
    NodeConfig { trackers: trackers.to_vec(), ..found_by(config(&[]), TRACKER) }
}

#[test]
fn a_tracker_alone_brings_all_together() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let trackers = [tracker(TRACKER)];
    let known = [trackers[0].advertised()];
    let origin = start(slow(tracked(&known), 4 << 10));
    let content = publish(&origin, &source);
    let peers = [start(tracked(&known)), start(tracked(&known))];
    let fetches = [
        fetch(&peers[0], content, place.path("copy0")),
        fetch(&peers[1], content, place.path("copy1")),
    ];
    until("the peers are neighbours", || fetches[0].progress().neighbours >= 2);
    for (at, handle) in fetches.iter().enumerate() {
        done(handle);
        same_bytes(&source, &place.path(&format!("copy{at}")));
    }
}

#[test]
fn a_join_address_that_plays_the_tracker_needs_no_other_setting() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let tracker = tracker(TRACKER);
    let join = [tracker.advertised()];
    let origin = start(found_by(config(&join), TRACKER));
    let content = publish(&origin, &source);
    let peer = start(found_by(config(&join), TRACKER));
    done(&fetch(&peer, content, place.path("copy")));
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn with_gossip_too_the_end_of_the_tracker_costs_nothing() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let tracker = tracker(BOTH);
    let join = [tracker.advertised()];
    let origin = start(slow(found_by(config(&join), BOTH), 2 << 10));
    let content = publish(&origin, &source);
    let peers = [start(found_by(config(&join), BOTH)), start(found_by(config(&join), BOTH))];
    let mut fetches = vec![
        fetch(&peers[0], content, place.path("copy0")),
        fetch(&peers[1], content, place.path("copy1")),
    ];
    at_percent(&fetches[0], 10);
    let before = fetches[0].progress().neighbours;
    tracker.stop();
    assert!(fetches[0].result().is_none(), "it was over already");
    let newcomer = start(found_by(config(&[peers[0].advertised()]), BOTH));
    fetches.push(fetch(&newcomer, content, place.path("copy2")));
    for (at, handle) in fetches.iter().enumerate() {
        done(handle);
        same_bytes(&source, &place.path(&format!("copy{at}")));
    }
    assert!(fetches[0].progress().neighbours >= before, "a neighbour was lost with the tracker");
}

#[test]
fn a_tracker_that_is_not_there_is_passed_over() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let second = tracker(TRACKER);
    let trackers = [nowhere(), second.advertised()];
    let origin = start(tracked(&trackers));
    let content = publish(&origin, &source);
    let peer = start(tracked(&trackers));
    done(&fetch(&peer, content, place.path("copy")));
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn the_next_tracker_takes_over_and_learns_who_is_there() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let (first, second) = (tracker(TRACKER), tracker(TRACKER));
    let trackers = [first.advertised(), second.advertised()];
    let origin = start(tracked(&trackers));
    let content = publish(&origin, &source);
    let early = start(tracked(&trackers[..1]));
    done(&fetch(&early, content, place.path("early")));
    first.stop();
    early.stop();
    let late = start(tracked(&trackers));
    done(&fetch(&late, content, place.path("late")));
    same_bytes(&source, &place.path("late"));
}

#[test]
fn a_tracker_over_ipv6_brings_all_together() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let v6 = |config: NodeConfig| NodeConfig {
        listen: (std::net::Ipv6Addr::LOCALHOST, 0).into(),
        ..config
    };
    let playing = NodeConfig { be_tracker: true, ..found_by(config(&[]), TRACKER) };
    let tracker = start(v6(playing));
    let known = [tracker.advertised()];
    let origin = start(v6(tracked(&known)));
    let content = publish(&origin, &source);
    let peer = start(v6(tracked(&known)));
    done(&fetch(&peer, content, place.path("copy")));
    same_bytes(&source, &place.path("copy"));
}

/// The registry is soft state: a tracker that starts empty at the old address fills by itself.
#[test]
fn a_tracker_that_restarts_learns_who_is_there() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let first = tracker(TRACKER);
    let listen = first.advertised();
    let origin = start(tracked(&[listen]));
    let content = publish(&origin, &source);
    let early = start(tracked(&[listen]));
    done(&fetch(&early, content, place.path("early")));
    first.stop();
    let again = NodeConfig { be_tracker: true, listen, ..found_by(config(&[]), TRACKER) };
    let _again = start(again);
    let late = start(tracked(&[listen]));
    done(&fetch(&late, content, place.path("late")));
    same_bytes(&source, &place.path("late"));
}

/// Everybody stays connected and would come again only after half a minute: a newcomer that finds the holders
/// long before shows that the tracker has asked them to announce themselves again.
#[test]
fn a_tracker_whose_actor_panicked_learns_at_once_who_is_there() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let tracker = tracker(TRACKER);
    let known = [tracker.advertised()];
    let origin = start(tracked(&known));
    let content = publish(&origin, &source);
    let early = start(tracked(&known));
    done(&fetch(&early, content, place.path("early")));
    until("the fault reaches its actor", || tracker.inject_panic(ActorName::Tracker));
    until("the actor is restarted", || tracker.restarts(ActorName::Tracker) == 1);
    let late = start(tracked(&known));
    let wait = Duration::from_secs(10);
    let request = FetchRequest { wait, ..request(content, place.path("late")) };
    done(&late.fetch(request));
    same_bytes(&source, &place.path("late"));
}

#[test]
fn a_tracker_that_does_not_answer_is_told_where_it_matters() {
    let named = start(tracked(&[nowhere()]));
    Notices::of(&named).until_warned("no tracker answers at 127.0.0.1:");
    let joined = start(found_by(config(&[nowhere()]), TRACKER));
    Notices::of(&joined).until_warned("use --discovery both");
}
