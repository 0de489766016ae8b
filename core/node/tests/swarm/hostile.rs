//! Peers that lie, stall or talk nonsense, beside an honest origin.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use samara_model::{ChunkIndex, ContentId, PeerId, PeerMessage};
use samara_node::{FetchHandle, Node, Notice};

use crate::raw_peer::{CHANNEL, RawPeer};
use crate::support::{
    Notices, Place, at_percent, config, done, fetch, publish_as, same_bytes, slow, start, until,
};

const CHUNK: u32 = 16 << 10;
const CHUNKS: u32 = 128;
const SIZE: usize = (CHUNK * CHUNKS) as usize;
/// The id of whoever misbehaves.
const HOSTILE: u8 = 9;

/// An honest origin at 2 MiB/s, and a peer that fetches from it.
struct Victim {
    place: Place,
    source: PathBuf,
    content: ContentId,
    origin: Node,
    peer: Node,
    handle: FetchHandle,
}

impl Victim {
    /// The fetch is under way when this returns.
    fn fetching(join: &[SocketAddr]) -> Self {
        let place = Place::new();
        let source = place.file("source", SIZE);
        let origin = start(slow(config(&[]), 2 << 10));
        let content = publish_as(&origin, &source, "test", Some(CHUNK));
        let mut all = join.to_vec();
        all.push(origin.advertised());
        let peer = start(config(&all));
        let handle = fetch(&peer, content, place.path("copy"));
        at_percent(&handle, 5);
        Victim { place, source, content, origin, peer, handle }
    }

    fn finishes(&self) {
        done(&self.handle);
        same_bytes(&self.source, &self.place.path("copy"));
        let sent = || self.origin.traffic(self.content).expect("it serves").sent.0;
        until("the origin was needed", || sent() > 0);
    }
}

/// Whatever is accepted or asked for.
fn wanted(message: &PeerMessage) -> Option<ChunkIndex> {
    match message {
        PeerMessage::Accept { chunk, .. } | PeerMessage::Request { chunk: Some(chunk), .. } => {
            Some(*chunk)
        }
        _ => None,
    }
}

fn offer(chunks: std::ops::Range<ChunkIndex>) -> PeerMessage {
    PeerMessage::Offer { channel: CHANNEL, chunks: chunks.collect(), inbound: 0 }
}

#[test]
fn a_peer_that_insists_on_bad_chunks_is_banned_and_not_asked_again() {
    let victim = Victim::fetching(&[]);
    let mut notices = Notices::of(&victim.peer);
    let mut hostile = RawPeer::dial(victim.peer.advertised(), HOSTILE);
    hostile.open(victim.content);
    for chunk in (CHUNKS / 2..CHUNKS).rev() {
        hostile.send_garbage(chunk, CHUNK, CHUNK);
    }
    let (peer, content) = (PeerId([HOSTILE; 32]), victim.content);
    let banned = |notice: &Notice| match notice {
        Notice::BadPeer { peer: of, content: about, why } => {
            (*of, *about) == (peer, content) && why.contains("wrong hash")
        }
        _ => false,
    };
    notices.until("it is banned", banned);
    while hostile.receive().is_some() {}

    let mut again = RawPeer::dial(victim.peer.advertised(), HOSTILE);
    again.open(victim.content);
    again.send(&offer(CHUNKS - 4..CHUNKS));
    while let Some(message) = again.receive() {
        assert_eq!(wanted(&message), None, "a banned peer is asked: {message:?}");
    }
    victim.finishes();
    let wasted = victim.handle.progress().wasted.0;
    assert!(wasted >= u64::from(CHUNK), "nothing bad arrived");
}

#[test]
fn whoever_sends_what_was_asked_for_but_wrong_is_soon_left_alone() {
    let victim = Victim::fetching(&[]);
    let mut hostile = RawPeer::dial(victim.peer.advertised(), HOSTILE);
    hostile.open(victim.content);
    let content = victim.content;
    let bad = Arc::new(AtomicUsize::new(0));
    let count = bad.clone();
    let liar = std::thread::spawn(move || {
        hostile.send(&offer(CHUNKS - 8..CHUNKS));
        while let Some(message) = hostile.receive() {
            if let Some(chunk) = wanted(&message) {
                count.fetch_add(1, Ordering::Relaxed);
                hostile.send_garbage(chunk, CHUNK, CHUNK);
                hostile.send(&offer(CHUNKS - 16..CHUNKS - 8));
            }
            if let PeerMessage::Reject { chunk, .. } = message {
                let (channel, chunks) = (CHANNEL, vec![chunk]);
                hostile.send(&PeerMessage::Have { channel, chunks, inbound: 0 });
            }
        }
    });
    victim.finishes();
    let asked = bad.load(Ordering::Relaxed);
    assert!((1..=20).contains(&asked), "{asked} bad chunks were taken from {content}");
    victim.peer.stop();
    liar.join().expect("the hostile peer ends");
}

#[test]
fn a_peer_that_promises_chunks_and_sends_nothing_delays_nobody() {
    let victim = Victim::fetching(&[]);
    let mut hostile = RawPeer::dial(victim.peer.advertised(), HOSTILE);
    hostile.open(victim.content);
    hostile.send(&offer(CHUNKS - 8..CHUNKS));
    let mut promised = 0;
    while promised == 0 {
        let message = hostile.receive().expect("it stays connected");
        promised += u32::from(wanted(&message).is_some());
    }
    victim.finishes();
}

#[test]
fn a_peer_that_stalls_in_mid_chunk_delays_nobody() {
    let victim = Victim::fetching(&[]);
    let mut hostile = RawPeer::dial(victim.peer.advertised(), HOSTILE);
    hostile.open(victim.content);
    hostile.send_garbage(CHUNKS - 1, CHUNK, CHUNK / 2);
    victim.finishes();
}

#[test]
fn a_joined_node_that_claims_everything_and_answers_nothing_delays_nobody() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let mute = std::thread::spawn(move || {
        let mut hostile = RawPeer::accept(&listener, HOSTILE);
        while let Some(message) = hostile.receive() {
            if let PeerMessage::Open { content, .. } = message {
                count.fetch_add(1, Ordering::Relaxed);
                hostile.send(&PeerMessage::Open {
                    channel: CHANNEL,
                    content,
                    manifest_bytes: Some(5000),
                    have: samara_model::HaveSummary::Everything,
                    origin: true,
                    wants_haves: false,
                    reply: false,
                });
            }
        }
    });
    let victim = Victim::fetching(&[address]);
    victim.finishes();
    assert!(asked.load(Ordering::Relaxed) > 0, "nobody spoke to it");
    victim.peer.stop();
    mute.join().expect("the mute peer ends");
}

#[test]
fn a_false_manifest_is_refused_and_its_sender_banned() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let liar = std::thread::spawn(move || {
        let mut hostile = RawPeer::accept(&listener, HOSTILE);
        while let Some(message) = hostile.receive() {
            match message {
                PeerMessage::Open { content, .. } => hostile.send(&PeerMessage::Open {
                    channel: CHANNEL,
                    content,
                    manifest_bytes: Some(500),
                    have: samara_model::HaveSummary::Everything,
                    origin: true,
                    wants_haves: false,
                    reply: false,
                }),
                PeerMessage::ManifestRequest { offset, .. } => {
                    let (channel, bytes) = (CHANNEL, vec![1; 500]);
                    hostile.send(&PeerMessage::ManifestPart { channel, offset, bytes });
                }
                _ => {}
            }
        }
    });
    let peer = start(config(&[address]));
    let mut notices = Notices::of(&peer);
    let origin = start(config(&[]));
    let content = publish_as(&origin, &source, "test", Some(CHUNK));
    let handle = fetch(&peer, content, place.path("copy"));
    notices.until("the liar is banned", crate::support::is_bad_peer);
    liar.join().expect("the link is closed");
    let guide = start(config(&[peer.advertised(), origin.advertised()]));
    done(&handle);
    same_bytes(&source, &place.path("copy"));
    drop(guide);
}

#[test]
fn nonsense_on_a_live_link_ends_that_link_only() {
    let victim = Victim::fetching(&[]);
    let nonsense: [&[u8]; 3] = [&[0xff; 64], b"\0\0\0\x01\xc1", &[0; 16]];
    for (number, bytes) in nonsense.into_iter().enumerate() {
        let mut hostile = RawPeer::dial(victim.peer.advertised(), HOSTILE + number as u8);
        hostile.open(victim.content);
        hostile.send_bytes(bytes);
        while hostile.receive().is_some() {}
    }
    assert!(victim.handle.result().is_none(), "it was over already");
    victim.finishes();
}

#[test]
fn messages_about_chunks_that_do_not_exist_change_nothing() {
    let victim = Victim::fetching(&[]);
    let mut hostile = RawPeer::dial(victim.peer.advertised(), HOSTILE);
    hostile.open(victim.content);
    let (channel, chunk, inbound) = (CHANNEL, CHUNKS + 5, 0);
    let chunks = vec![chunk, u32::MAX];
    for message in [
        PeerMessage::Have { channel, chunks: chunks.clone(), inbound },
        PeerMessage::Offer { channel, chunks: chunks.clone(), inbound },
        PeerMessage::Withdraw { channel, chunks },
        PeerMessage::Accept { channel, chunk, inbound },
        PeerMessage::Request { channel, chunk: Some(chunk), inbound },
        PeerMessage::Refuse { channel, chunk: Some(chunk) },
        PeerMessage::Cancel { channel, chunk },
        PeerMessage::Reject { channel, chunk, reason: samara_model::RejectReason::WrongHash },
        PeerMessage::ManifestRequest { channel, offset: u32::MAX },
        PeerMessage::ManifestPart { channel, offset: 3, bytes: vec![1; 10] },
    ] {
        hostile.send(&message);
    }
    let ping = PeerMessage::Ping { token: 77 };
    hostile.send(&ping);
    // It hangs up on some of these, after all of it was read.
    while hostile.receive().is_some_and(|message| message != PeerMessage::Pong { token: 77 }) {}
    victim.finishes();
    assert_eq!(victim.peer.restarts(samara_node::ActorName::Swarm), 0);
}
