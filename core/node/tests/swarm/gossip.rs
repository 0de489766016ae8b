//! Finding each other by gossip, and with nothing but the join addresses.

use samara_node::Node;

use crate::support::{
    BOTH, GOSSIP, NEITHER, Place, at_percent, config, done, fetch, found_by, publish, same_bytes,
    slow, start, until,
};

const SIZE: usize = 3 << 20;

#[test]
fn gossip_alone_finds_an_origin_that_was_not_joined() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let hub = start(config(&[]));
    let origin = start(config(&[hub.advertised()]));
    let content = publish(&origin, &source);
    let peer = start(config(&[hub.advertised()]));
    done(&fetch(&peer, content, place.path("copy")));
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn join_addresses_alone_are_enough() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let alone = |join: &[std::net::SocketAddr]| found_by(config(join), NEITHER);
    let origin = start(slow(alone(&[]), 4 << 10));
    let content = publish(&origin, &source);
    let near = start(alone(&[origin.advertised()]));
    let far = start(alone(&[near.advertised()]));
    let fetches =
        [fetch(&near, content, place.path("near")), fetch(&far, content, place.path("far"))];
    for (handle, name) in fetches.iter().zip(["near", "far"]) {
        done(handle);
        same_bytes(&source, &place.path(name));
    }
}

/// Everybody has joined through the origin; it stops when it has sent each chunk once, before it could send
/// 1.1 copies, and a newcomer joins through another.
fn outlives_its_hub(discovery: samara_node::Discovery) {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let origin = start(slow(found_by(config(&[]), discovery), 3 << 10));
    let content = publish(&origin, &source);
    let join = [origin.advertised()];
    let peers: Vec<Node> =
        (0..3).map(|_| start(slow(found_by(config(&join), discovery), 1 << 10))).collect();
    let mut fetches: Vec<_> = peers
        .iter()
        .enumerate()
        .map(|(at, peer)| fetch(peer, content, place.path(&format!("copy{at}"))))
        .collect();
    let sent = || origin.traffic(content).map_or(0, |traffic| traffic.sent.0);
    until("one copy is out", || sent() >= SIZE as u64);
    origin.stop();
    assert!(fetches.iter().any(|handle| handle.result().is_none()), "all was over already");
    let newcomer = start(found_by(config(&[peers[1].advertised()]), discovery));
    fetches.push(fetch(&newcomer, content, place.path("copy3")));
    for (at, handle) in fetches.iter().enumerate() {
        done(handle);
        same_bytes(&source, &place.path(&format!("copy{at}")));
    }
}

#[test]
fn a_swarm_outlives_the_node_that_all_joined_through() {
    outlives_its_hub(GOSSIP);
}

#[test]
fn a_swarm_without_discovery_outlives_the_node_that_all_joined_through() {
    outlives_its_hub(NEITHER);
}

#[test]
fn a_swarm_with_both_outlives_the_node_that_all_joined_through() {
    outlives_its_hub(BOTH);
}

#[test]
fn peers_over_ipv6_find_each_other() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let v6 = |join: &[std::net::SocketAddr]| samara_node::NodeConfig {
        listen: (std::net::Ipv6Addr::LOCALHOST, 0).into(),
        ..config(join)
    };
    let hub = start(v6(&[]));
    let origin = start(slow(v6(&[hub.advertised()]), 4 << 10));
    let content = publish(&origin, &source);
    let peers = [start(v6(&[hub.advertised()])), start(v6(&[hub.advertised()]))];
    let fetches = [
        fetch(&peers[0], content, place.path("copy0")),
        fetch(&peers[1], content, place.path("copy1")),
    ];
    at_percent(&fetches[0], 10);
    assert!(peers[0].peers(content).iter().any(|row| row.address == origin.advertised()));
    for (at, handle) in fetches.iter().enumerate() {
        done(handle);
        same_bytes(&source, &place.path(&format!("copy{at}")));
    }
}
