//! Connections that never become links.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use samara_model::{ContentId, ContentRef};
use samara_node::{FetchRequest, Node, NodeConfig};
use samara_wire::handshake::{HandshakeDecoder, HandshakeError, MAGIC};

use crate::raw_peer::read_handshake;
use crate::support::{
    Notices, PATIENCE, Place, config, done, failed, fetch, publish, same_bytes, start,
};

fn impatient(peer: &Node, place: &Place) -> String {
    let content = ContentRef::Id(ContentId([7; 32]));
    let wait = Duration::from_millis(600);
    failed(&peer.fetch(FetchRequest { content, output: place.path("copy"), wait })).to_string()
}

#[test]
fn another_cluster_is_refused_and_both_sides_say_so() {
    let place = Place::new();
    let origin = start(config(&[]));
    let mut notices = Notices::of(&origin);
    let join = [origin.advertised()];
    let stranger = start(NodeConfig { cluster: "other".into(), ..config(&join) });
    let error = impatient(&stranger, &place);
    assert!(error.contains("belongs to cluster `samara`, this node to `other`"), "{error}");
    notices.until_warned("belongs to cluster `other`, this node to `samara`");
}

/// A first message of a later protocol.
fn later_protocol() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&99u16.to_be_bytes());
    bytes.extend_from_slice(b"whatever comes in that version");
    bytes
}

#[test]
fn another_protocol_that_dials_is_answered_and_named() {
    let origin = start(config(&[]));
    let mut notices = Notices::of(&origin);
    let mut stream = TcpStream::connect(origin.advertised()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.write_all(&later_protocol()).expect("it is open");
    let answer = read_handshake(&mut stream, &mut HandshakeDecoder::new());
    let Err(HandshakeError::Refused { reason }) = answer else { panic!("{answer:?}") };
    assert!(reason.contains("speaks protocol 99, this node speaks 2"), "{reason}");
    notices.until_warned("speaks protocol 99");
}

/// Answers everybody who dials with `bytes`, until the test ends.
fn answer_with(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let bytes = bytes.clone();
            std::thread::spawn(move || {
                let _ = stream.write_all(&bytes);
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    address
}

#[test]
fn another_protocol_at_the_join_address_is_named() {
    let place = Place::new();
    let peer = start(config(&[answer_with(later_protocol())]));
    let error = impatient(&peer, &place);
    assert!(error.contains("speaks protocol 99, this node speaks 2"), "{error}");
}

#[test]
fn something_else_at_the_join_address_is_named() {
    let place = Place::new();
    let peer = start(config(&[answer_with(b"HTTP/1.1 400 Bad Request\r\n".to_vec())]));
    let error = impatient(&peer, &place);
    assert!(error.contains("is not samara: it sent `HTTP/1.1"), "{error}");
}

#[test]
fn a_join_address_that_accepts_and_says_nothing_delays_nobody() {
    let place = Place::new();
    let source = place.file("source", 1 << 20);
    let silent = answer_with(Vec::new());
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let peer = start(config(&[silent, origin.advertised()]));
    let fetched = done(&fetch(&peer, content, place.path("copy")));
    assert!(fetched.took < Duration::from_secs(4), "{:?}", fetched.took);
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn half_open_connections_delay_nobody_and_are_closed() {
    let place = Place::new();
    let source = place.file("source", 1 << 20);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let silent: Vec<TcpStream> =
        (0..50).map(|_| TcpStream::connect(origin.advertised()).expect("it listens")).collect();
    let peer = start(config(&[origin.advertised()]));
    done(&fetch(&peer, content, place.path("copy")));
    same_bytes(&source, &place.path("copy"));
    for mut stream in silent {
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        // Closed after the handshake's time; a reset counts.
        let read = stream.read(&mut [0; 64]);
        let timed_out =
            matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!timed_out && read.unwrap_or(0) == 0);
    }
}
