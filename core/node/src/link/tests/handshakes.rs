//! Who gets a link, and who is told why not.

use std::time::Duration;

use samara_model::PeerId;
use samara_wire::handshake::{HandshakeError, Hello, MAGIC};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::nodes::{TestNode, connect, identity};
use super::raw_peer::{RawPeer, hello};
use crate::link::{CloseReason, DialError, Identity, LinkConfig, LinkEvent};

async fn refused(node: &mut TestNode) -> HandshakeError {
    node.until(|event| match event {
        LinkEvent::Refused { error, .. } => Some(error.clone()),
        _ => None,
    })
    .await
}

fn handshake_error(error: DialError) -> HandshakeError {
    match error {
        DialError::Handshake { error, .. } => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_link_knows_where_its_peer_can_be_dialled() {
    let (mut a, mut b) = (TestNode::start(1), TestNode::start(2));
    let (ab, ba) = connect(&mut a, &mut b).await;
    assert_eq!((ab.peer, ab.address, ab.dialled), (PeerId([2; 32]), b.address(), true));
    assert_eq!((ba.peer, ba.address, ba.dialled), (PeerId([1; 32]), a.address(), false));
    let known = Identity { advertise: "192.0.2.1:7".parse().ok(), ..identity(3) };
    let mut c = TestNode::start_as(known, LinkConfig::default());
    let (_, bc) = connect(&mut c, &mut b).await;
    assert_eq!(bc.address, "192.0.2.1:7".parse().expect("an address"));
}

#[tokio::test]
async fn one_listener_takes_both_families() {
    let any = "[::]:0".parse().expect("an address");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut node = TestNode::start_at(any, dir, identity(1), LinkConfig::default());
    for (number, ip) in [(2, "127.0.0.1"), (3, "::1")] {
        let ip: std::net::IpAddr = ip.parse().expect("an address");
        let other = TestNode::start(number);
        let address = (ip, node.address().port()).into();
        other.links.dial(address, None).await.expect("dual stack");
        assert_eq!(node.connected().await.address.ip(), ip);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dialler_that_says_nothing_is_dropped() {
    let node = TestNode::start(1);
    let mut mute = TcpStream::connect(node.address()).await.expect("it listens");
    let began = tokio::time::Instant::now();
    assert_eq!(mute.read(&mut [0; 10]).await.unwrap_or(0), 0);
    assert!((5..7).contains(&began.elapsed().as_secs()));
}

#[tokio::test]
async fn nodes_that_dial_each_other_at_once_end_with_one_link() {
    for _ in 0..8 {
        let (mut a, mut b) = (TestNode::start(1), TestNode::start(2));
        let (to_b, to_a) = (b.address(), a.address());
        let dials =
            tokio::join!(a.links.dial(to_b, None), b.links.dial(to_a, Some(PeerId([1; 32]))));
        assert!(dials.0.is_ok() && dials.1.is_ok(), "{dials:?}");
        // Whatever was opened in excess is closed again; then each side has the same one.
        for node in [&mut a, &mut b] {
            let mut balance = 0;
            loop {
                match timeout(Duration::from_millis(100), node.events.recv()).await {
                    Ok(Some(LinkEvent::Connected(_))) => balance += 1,
                    Ok(Some(LinkEvent::Disconnected { .. })) => balance -= 1,
                    Ok(other) => panic!("{other:?}"),
                    Err(_) => break,
                }
                assert!((0..=1).contains(&balance), "two links at once are reported");
            }
            assert_eq!(balance, 1);
            assert_eq!(node.links.links().len(), 1);
        }
        let (of_a, of_b) = (a.links.links().remove(0), b.links.links().remove(0));
        assert_ne!(of_a.dialled, of_b.dialled, "each side kept another one");
    }
}

#[tokio::test]
async fn dials_to_one_address_share_one_connection() {
    let (a, mut b) = (TestNode::start(1), TestNode::start(2));
    let (first, second) =
        tokio::join!(a.links.dial(b.address(), None), a.links.dial(b.address(), None));
    let first = first.expect("it listens");
    assert_eq!(first.id, second.expect("it listens").id);
    let third = a.links.dial(b.address(), None).await.expect("it is there");
    let fourth = a.links.dial("192.0.2.1:1".parse().expect("an address"), Some(first.peer)).await;
    assert_eq!((third.id, fourth.expect("connected already").id), (first.id, first.id));
    b.connected().await;
    assert!(timeout(Duration::from_millis(50), b.next()).await.is_err(), "one connection");
}

#[tokio::test]
async fn a_peer_with_two_addresses_gets_one_link() {
    let (mut a, mut b) = (TestNode::start(1), TestNode::start(2));
    let (first, _) = connect(&mut a, &mut b).await;
    // The other address is that of a forwarder.
    let forwarder = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = forwarder.local_addr().expect("it is bound");
    let target = b.address();
    tokio::spawn(async move {
        let (mut from, _) = forwarder.accept().await.expect("a dial");
        let mut to = TcpStream::connect(target).await.expect("it listens");
        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
    });
    let second = a.links.dial(address, None).await.expect("it is the same peer");
    assert_eq!(second.id, first.id);
    assert_eq!((a.links.links().len(), b.links.links().len()), (1, 1));
}

#[tokio::test]
async fn another_cluster_is_named_on_both_sides() {
    let mut a = TestNode::start(1);
    let red = Identity { cluster: "red".into(), ..identity(2) };
    let b = TestNode::start_as(red, LinkConfig::default());
    let error =
        handshake_error(b.links.dial(a.address(), None).await.expect_err("another cluster"));
    assert!(error.to_string().contains("cluster `test`, this node to `red`"), "{error}");
    let error = refused(&mut a).await;
    assert!(error.to_string().contains("cluster `red`, this node to `test`"), "{error}");
}

#[tokio::test]
async fn another_protocol_is_named_on_both_sides() {
    let mut a = TestNode::start(1);
    let mut newer = TcpStream::connect(a.address()).await.expect("it listens");
    newer.write_all(&[&MAGIC[..], &[0, 9], &[1; 300]].concat()).await.expect("it is open");
    let theirs = refused(&mut a).await;
    assert_eq!(theirs, HandshakeError::ProtocolMismatch { ours: 2, theirs: 9 });
    let mut answer = Vec::new();
    newer.read_to_end(&mut answer).await.expect("an answer");
    assert_eq!(answer[..10], [&MAGIC[..], &[0, 2]].concat());

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a dial");
        let _ = stream.write_all(&[&MAGIC[..], &[0, 9]].concat()).await;
    });
    let error = handshake_error(a.links.dial(address, None).await.expect_err("another protocol"));
    assert_eq!(error, HandshakeError::ProtocolMismatch { ours: 2, theirs: 9 });
}

#[tokio::test]
async fn something_else_on_the_port_is_named() {
    let mut a = TestNode::start(1);
    let mut browser = TcpStream::connect(a.address()).await.expect("it listens");
    browser.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("it is open");
    assert!(matches!(refused(&mut a).await, HandshakeError::NotSamara { .. }));
    let mut nothing = Vec::new();
    let _ = browser.read_to_end(&mut nothing).await;
    assert!(nothing.is_empty(), "samara does not talk to browsers");
}

#[tokio::test]
async fn a_node_does_not_link_to_itself_or_its_copy() {
    let a = TestNode::start(1);
    let error = handshake_error(a.links.dial(a.address(), None).await.expect_err("itself"));
    assert_eq!(error, HandshakeError::SelfConnection);
    let copy = Identity { instance: 99, ..identity(1) };
    let mut copy = TestNode::start_as(copy, LinkConfig::default());
    let error = handshake_error(a.links.dial(copy.address(), None).await.expect_err("a copy"));
    assert!(error.to_string().contains("was the data directory copied?"));
    assert_eq!(refused(&mut copy).await, error);
}

#[tokio::test]
async fn a_restarted_peer_replaces_its_old_link() {
    let mut node = TestNode::start(1);
    let old = RawPeer::dial(node.address(), hello(9)).await;
    let first = node.connected().await;
    let _new = RawPeer::dial(node.address(), Hello { instance: 77, ..hello(9) }).await;
    let LinkEvent::Disconnected { link, reason, .. } = node.next().await else {
        panic!("the old link ends before the new one is reported")
    };
    assert_eq!((link, reason), (first.id, CloseReason::Replaced));
    let second = node.connected().await;
    assert_ne!(second.id, first.id);
    assert_eq!(node.links.links().len(), 1);
    drop(old);
}

#[tokio::test]
async fn another_peer_than_expected_is_named() {
    let (a, b) = (TestNode::start(1), TestNode::start(2));
    let error = a.links.dial(b.address(), Some(PeerId([7; 32]))).await.expect_err("another");
    assert!(matches!(error, DialError::OtherPeer { found: PeerId([2, ..]), .. }), "{error}");
}

#[tokio::test]
async fn a_full_node_says_so() {
    let config = LinkConfig { max_links: 1, ..LinkConfig::default() };
    let mut full = TestNode::start_with(1, config);
    let (mut a, b) = (TestNode::start(2), TestNode::start(3));
    connect(&mut a, &mut full).await;
    let error = handshake_error(b.links.dial(full.address(), None).await.expect_err("full"));
    assert!(error.to_string().contains("this node has its 1 links already"), "{error}");
    let error = full.links.dial(b.address(), None).await.expect_err("full");
    assert!(matches!(error, DialError::TooManyLinks { most: 1, .. }), "{error}");
}

#[tokio::test]
async fn nobody_there_is_an_error_at_once() {
    let a = TestNode::start(1);
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = free.local_addr().expect("it is bound");
    drop(free);
    let error = a.links.dial(address, None).await.expect_err("nobody listens");
    assert!(matches!(error, DialError::Unreachable { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_says_nothing_is_given_up() {
    let a = TestNode::start(1);
    let mute = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = mute.local_addr().expect("it is bound");
    let error = a.links.dial(address, None).await.expect_err("it says nothing");
    assert_eq!(error.to_string(), format!("{address} did not answer within 5 s"));
}

#[tokio::test]
async fn shutdown_says_goodbye_and_ends_everything() {
    let (mut a, mut b) = (TestNode::start(1), TestNode::start(2));
    connect(&mut a, &mut b).await;
    let address = a.address();
    a.links.shutdown().await;
    assert_eq!(a.disconnected().await, CloseReason::Shutdown);
    assert_eq!(b.disconnected().await, CloseReason::PeerLeft);
    let error = a.links.dial(b.address(), None).await.expect_err("it is down");
    assert!(matches!(error, DialError::Shutdown { .. }), "{error}");
    assert!(b.links.dial(address, None).await.is_err(), "nobody listens any more");
}
