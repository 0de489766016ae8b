//! Labels that change while links stand.

use samara_model::{Labels, PeerMessage};
use samara_wire::handshake::{
    HandshakeDecoder, HandshakeFrame, Hello, TAKES_RELABELLED, encode_first, encode_next,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::nodes::{TestNode, connect};
use super::raw_peer::{RawPeer, hello};
use crate::link::LinkEvent;
use crate::link::limits::Class;

fn labels(text: &[&str]) -> Labels {
    let mut labels = Labels::default();
    for one in text {
        labels.add(one.parse().expect("a label")).expect("room");
    }
    labels
}

async fn relabelled(node: &mut TestNode) -> Labels {
    node.until(|event| match event {
        LinkEvent::Message {
            message: PeerMessage::Relabelled { labels }, content: None, ..
        } => Some(labels.clone()),
        LinkEvent::Disconnected { reason, .. } => panic!("{reason}"),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn both_ends_of_a_link_follow_new_labels() {
    let (mut a, mut b) = (TestNode::start(1), TestNode::start(2));
    let (ab, ba) = connect(&mut a, &mut b).await;
    let class = |link: &crate::link::LinkHandle| link.shared.standing.class.read();
    assert_eq!((class(&ab), class(&ba)), (None, None));
    b.links.set_labels(labels(&["rack=r1"]));
    assert_eq!(relabelled(&mut a).await, labels(&["rack=r1"]));
    assert_eq!(ab.said(), labels(&["rack=r1"]));
    assert_eq!((class(&ab), class(&ba)), (None, None), "one of two does not tell");
    a.links.set_labels(labels(&["rack=r1", "tier=gold"]));
    assert_eq!(relabelled(&mut b).await, labels(&["rack=r1", "tier=gold"]));
    assert_eq!((class(&ab), class(&ba)), (Some(Class::Rack), Some(Class::Rack)));
    assert_eq!(ba.labels().number("tier"), samara_wire::label_number("gold"));
    a.links.set_labels(labels(&["rack=r2"]));
    assert_eq!(relabelled(&mut b).await, labels(&["rack=r2"]));
    assert_eq!((class(&ab), class(&ba)), (Some(Class::Remote), Some(Class::Remote)));
    // A link that comes later is told by its handshake.
    let mut c = TestNode::start(3);
    let (ca, _) = connect(&mut c, &mut a).await;
    assert_eq!(ca.said(), labels(&["rack=r2"]));
}

#[tokio::test]
async fn a_peer_that_does_not_know_the_message_keeps_what_the_handshake_told() {
    let mut node = TestNode::start(1);
    let mut old = RawPeer::dial(node.address(), hello(2)).await;
    let mut new =
        RawPeer::dial(node.address(), Hello { capabilities: TAKES_RELABELLED, ..hello(3) }).await;
    node.connected().await;
    node.connected().await;
    node.links.set_labels(labels(&["rack=r2"]));
    let told = PeerMessage::Relabelled { labels: labels(&["rack=r2"]) };
    assert_eq!(new.receive().await, Some(told));
    node.links.shutdown().await;
    assert_eq!(old.receive().await, Some(PeerMessage::Bye));
}

#[tokio::test]
async fn what_changes_between_two_words_of_a_handshake_is_told_afterwards() {
    let node = TestNode::start(1);
    let mut stream = TcpStream::connect(node.address()).await.expect("it listens");
    let ours = Hello { capabilities: TAKES_RELABELLED, ..hello(2) };
    let first = encode_first(&HandshakeFrame::Hello(ours));
    stream.write_all(&first).await.expect("it is open");
    let mut decoder = HandshakeDecoder::new();
    let theirs = loop {
        if let Some(frame) = decoder.next_frame().expect("they belong together") {
            break frame;
        }
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).await.expect("it is open");
        decoder.feed(&bytes[..count]);
    };
    let HandshakeFrame::Hello(theirs) = theirs else { panic!("{theirs:?}") };
    assert!(theirs.labels.is_empty() && theirs.capabilities & TAKES_RELABELLED != 0);
    node.links.set_labels(labels(&["rack=r2"]));
    let mut welcome = Vec::new();
    encode_next(&HandshakeFrame::Welcome, &mut welcome);
    stream.write_all(&welcome).await.expect("it is open");
    let told = PeerMessage::Relabelled { labels: labels(&["rack=r2"]) };
    assert_eq!(RawPeer::of(stream).receive().await, Some(told));
}

#[tokio::test]
async fn the_same_labels_again_are_no_news() {
    let mut node = TestNode::start(1);
    let mut peer = RawPeer::dial(node.address(), hello(2)).await;
    node.connected().await;
    for rack in ["rack=r1", "rack=r1", "rack=r2"] {
        peer.send(&PeerMessage::Relabelled { labels: labels(&[rack]) }).await;
    }
    assert_eq!(relabelled(&mut node).await, labels(&["rack=r1"]));
    assert_eq!(relabelled(&mut node).await, labels(&["rack=r2"]));
}
