//! The main job, in small.

use crate::support::{Place, config, done, fetch, publish, same_bytes, start};

#[test]
fn one_peer_gets_the_file() {
    let place = Place::new();
    let source = place.file("source", 5_000_000);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    let fetched = done(&fetch(&peer, content, place.path("copy")));
    assert!(!fetched.was_there);
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn eight_peers_share_one_origin() {
    let place = Place::new();
    let source = place.file("source", 8 << 20);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let peers: Vec<_> = (0..8).map(|_| start(config(&[origin.advertised()]))).collect();
    let fetches: Vec<_> = peers
        .iter()
        .enumerate()
        .map(|(index, peer)| fetch(peer, content, place.path(&format!("copy{index}"))))
        .collect();
    for (index, handle) in fetches.iter().enumerate() {
        done(handle);
        same_bytes(&source, &place.path(&format!("copy{index}")));
    }
    let sent = origin.traffic(content).expect("it serves").sent.0;
    assert!(sent < 3 * (8 << 20), "the origin sent {sent} bytes");
}
