//! Transfers that stop without an end.

use std::time::{Duration, Instant};

use samara_model::{ContentId, PeerMessage};
use samara_node::{FetchHandle, Node, NodeConfig};

use crate::raw_peer::RawPeer;
use crate::support::{
    NEITHER, PATIENCE, Place, at_percent, config, fetch, found_by, publish, slow, start,
};

/// Waits until this peer is asked who has the content, `times` times, or at all after so long.
fn asked(other: &mut RawPeer, content: ContentId, times: usize, after: Duration) -> Duration {
    let (began, mut asked) = (Instant::now(), 0);
    loop {
        match other.receive().expect("the link stands") {
            PeerMessage::Find { content: Some(of), .. } if of == content => {
                asked += 1;
                if asked >= times || began.elapsed() >= after {
                    return began.elapsed();
                }
            }
            PeerMessage::Ping { token } => other.send(&PeerMessage::Pong { token }),
            _ => {}
        }
    }
}

/// A transfer of which a hundredth is here, and a raw peer that has just come to the node.
fn under_way(place: &Place) -> (Node, Node, ContentId, FetchHandle, RawPeer) {
    let source = place.file("source", 4 << 20);
    let origin = start(slow(found_by(config(&[]), NEITHER), 256));
    let content = publish(&origin, &source);
    let peer = start(NodeConfig {
        remember: true,
        data: Some(place.folder("data")),
        ..found_by(config(&[origin.advertised()]), NEITHER)
    });
    let handle = fetch(&peer, content, place.path("copy"));
    at_percent(&handle, 1);
    let other = RawPeer::dial(peer.advertised(), 9);
    (origin, peer, content, handle, other)
}

#[test]
fn a_transfer_whose_only_source_is_gone_asks_again_and_again_who_has_the_content() {
    let place = Place::new();
    let (origin, _peer, content, handle, mut other) = under_way(&place);
    origin.stop();
    asked(&mut other, content, 5, PATIENCE);
    assert!(handle.result().is_none(), "it goes on waiting");
}

/// A source that answers and sends nothing must not keep a node from looking for another one.
#[test]
fn a_transfer_whose_source_sends_nothing_asks_anew_after_a_while() {
    let place = Place::new();
    let (origin, peer, content, handle, mut other) = under_way(&place);
    let mut mute = RawPeer::dial(peer.advertised(), 8);
    mute.open(content);
    origin.stop();
    let after = asked(&mut other, content, usize::MAX, Duration::from_secs(20));
    println!("asked after {after:?}");
    assert!(handle.result().is_none(), "it goes on waiting");
    drop(mute);
}
