//! Chunks that arrive, and chunks that do not.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use samara_model::{BytesPerSecond, ContentId, PeerMessage};
use samara_store::{Content, ReadChunkError};
use tokio::time::{Instant, timeout};

use super::nodes::{TestNode, connect, noise, open, send, serve};
use super::raw_peer::{RawPeer, hello};
use crate::api::{Caps, NodeCaps};
use crate::link::{CloseReason, LinkCommand, LinkConfig, LinkEvent, LinkHandle};

const CHUNK: u32 = 64 << 10;

/// A node that has a file of `chunks` chunks and a bit, one that fetches it, and the link between them.
struct Pair {
    origin: TestNode,
    peer: TestNode,
    content: Arc<Content>,
    fetched: Arc<Content>,
    /// The origin's end.
    link: LinkHandle,
    /// The peer's end.
    back: LinkHandle,
}

async fn pair(chunks: u32, config: LinkConfig) -> Pair {
    pair_with(chunks, CHUNK, config).await
}

async fn pair_with(chunks: u32, chunk_size: u32, config: LinkConfig) -> Pair {
    let mut origin = TestNode::start_with(1, config);
    let mut peer = TestNode::start(2);
    let published = origin.publish_file((chunks * chunk_size) as usize - 77, chunk_size);
    let fetched = peer.fetch(&published);
    let (link, back) = connect(&mut origin, &mut peer).await;
    let content = published.content;
    open(&link, content.id());
    open(&back, content.id());
    Pair { origin, peer, content, fetched, link, back }
}

/// What happened to a chunk, in a word.
fn fate(event: &LinkEvent) -> Option<(&'static str, u32)> {
    match event {
        LinkEvent::ChunkStarted { chunk, .. } => Some(("started", *chunk)),
        LinkEvent::ChunkStored { chunk, .. } => Some(("stored", *chunk)),
        LinkEvent::ChunkRejected { chunk, .. } => Some(("rejected", *chunk)),
        LinkEvent::ChunkDiscarded { chunk, .. } => Some(("discarded", *chunk)),
        LinkEvent::ChunkSent { chunk, .. } => Some(("sent", *chunk)),
        LinkEvent::ServeFailed { chunk, .. } => Some(("failed", *chunk)),
        _ => None,
    }
}

async fn fates(node: &mut TestNode, count: usize) -> Vec<(&'static str, u32)> {
    let mut seen = Vec::new();
    while seen.len() < count {
        seen.push(node.until(fate).await);
    }
    seen
}

fn upload_cap(rate: BytesPerSecond) -> LinkConfig {
    let all = Caps { up: Some(rate), down: None };
    LinkConfig { limits: NodeCaps { all, ..NodeCaps::default() }, ..LinkConfig::default() }
}

#[tokio::test]
async fn a_chunk_arrives_verified_and_is_reported_on_both_sides() {
    let mut pair = pair(3, LinkConfig::default()).await;
    serve(&pair.link, &pair.content, 1);
    assert_eq!(fates(&mut pair.peer, 2).await, [("started", 1), ("stored", 1)]);
    assert_eq!(fates(&mut pair.origin, 1).await, [("sent", 1)]);
    assert!(pair.fetched.has(1) && !pair.fetched.has(0));
    let (sent, received) = (pair.link.counters().read(), pair.back.counters().read());
    assert_eq!((sent.payload_sent, sent.chunks_sent), (u64::from(CHUNK), 1));
    assert_eq!((received.payload_received, received.chunks_received), (u64::from(CHUNK), 1));
    assert_eq!(pair.peer.links.counters().read(), received);
}

#[tokio::test]
async fn a_whole_tree_arrives_as_it_was() {
    let (mut origin, mut peer) = (TestNode::start(1), TestNode::start(2));
    let source = origin.dir.path().join("tree");
    fs::create_dir_all(source.join("sub")).expect("a fresh folder");
    for (name, size) in [("a", 100_000), ("empty", 0), ("sub/b", 1), ("sub/c", 300_001)] {
        fs::write(source.join(name), noise(size)).expect("room for it");
    }
    let published = origin.publish(&source, 16 << 10);
    let fetched = peer.fetch(&published);
    let (link, _) = connect(&mut origin, &mut peer).await;
    open(&link, published.content.id());
    let count = published.content.manifest().chunk_count();
    for chunk in 0..count {
        serve(&link, &published.content, chunk);
    }
    for _ in 0..count {
        peer.until(|event| fate(event).filter(|(fate, _)| *fate == "stored")).await;
    }
    assert!(fetched.is_complete());
    fetched.finish().expect("complete");
    for name in ["a", "empty", "sub/b", "sub/c"] {
        let (there, here) = (source.join(name), peer.dir.path().join("output").join(name));
        assert!(
            fs::read(there).expect("it is there") == fs::read(here).expect("it came"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_chunk_that_is_here_already_is_thrown_away() {
    let mut pair = pair(2, LinkConfig::default()).await;
    for chunk in [0, 0, 1] {
        serve(&pair.link, &pair.content, chunk);
        // One after the other, so that the second is known when it begins.
        let seen = fates(&mut pair.peer, 1).await;
        if seen == [("started", chunk)] {
            assert_eq!(fates(&mut pair.peer, 1).await, [("stored", chunk)]);
        } else {
            assert_eq!(seen, [("discarded", 0)]);
        }
    }
    assert!(pair.fetched.is_complete());
}

#[tokio::test]
async fn messages_carry_their_content_and_overtake_chunks() {
    let slow = upload_cap(BytesPerSecond(2 << 20));
    let mut pair = pair(20, slow).await;
    let id = pair.content.id();
    for chunk in 0..20 {
        serve(&pair.link, &pair.content, chunk);
    }
    assert_eq!(fates(&mut pair.peer, 1).await, [("started", 0)]);
    let have = PeerMessage::Have { channel: 9, chunks: vec![3, 5], inbound: 2 };
    send(&pair.link, Some(id), have.clone());
    let mut stored = 0;
    let (content, mut message) = pair
        .peer
        .until(|event| match event {
            LinkEvent::Message { message: PeerMessage::Open { .. }, .. } => None,
            LinkEvent::Message { content, message, .. } => Some((*content, message.clone())),
            LinkEvent::ChunkStored { .. } => {
                stored += 1;
                None
            }
            _ => None,
        })
        .await;
    *message.channel_mut().expect("it has one") = 9;
    assert_eq!((content, message), (Some(id), have));
    assert!(stored < 15, "it waited behind {stored} chunks");
}

#[tokio::test]
async fn a_waiting_chunk_is_cancelled_without_a_trace() {
    let slow = upload_cap(BytesPerSecond(1 << 20));
    let mut pair = pair(3, slow).await;
    let content = pair.content.id();
    for chunk in 0..3 {
        serve(&pair.link, &pair.content, chunk);
    }
    pair.link.command(LinkCommand::CancelServe { content, chunk: 1 }).expect("up");
    assert_eq!(fates(&mut pair.origin, 2).await, [("sent", 0), ("sent", 2)]);
    let seen = fates(&mut pair.peer, 4).await;
    assert!(seen.iter().all(|(_, chunk)| *chunk != 1), "{seen:?}");
}

#[tokio::test]
async fn a_running_chunk_is_cancelled_after_its_piece() {
    let slow = upload_cap(BytesPerSecond(4 << 20));
    let mut pair = pair_with(3, 4 << 20, slow).await;
    let content = pair.content.id();
    serve(&pair.link, &pair.content, 0);
    serve(&pair.link, &pair.content, 2);
    assert_eq!(fates(&mut pair.peer, 1).await, [("started", 0)]);
    pair.link.command(LinkCommand::CancelServe { content, chunk: 0 }).expect("up");
    assert_eq!(fates(&mut pair.peer, 2).await, [("discarded", 0), ("started", 2)]);
    pair.link.command(LinkCommand::CancelServeAll { content }).expect("up");
    // The receiver learns it from a message when no other chunk follows.
    send(&pair.link, Some(content), PeerMessage::Refuse { channel: 0, chunk: Some(2) });
    assert_eq!(fates(&mut pair.peer, 1).await, [("discarded", 2)]);
    assert!(!pair.fetched.has(0) && !pair.fetched.has(2));
}

#[tokio::test]
async fn an_arriving_chunk_can_be_dropped() {
    let slow = upload_cap(BytesPerSecond(1 << 20));
    let mut pair = pair_with(2, 256 << 10, slow).await;
    let content = pair.content.id();
    // A wish about a chunk that is not arriving has no effect on a later one.
    pair.back.command(LinkCommand::DropIncoming { content, chunk: 1 }).expect("up");
    serve(&pair.link, &pair.content, 1);
    assert_eq!(fates(&mut pair.peer, 2).await, [("started", 1), ("stored", 1)]);
    serve(&pair.link, &pair.content, 0);
    assert_eq!(fates(&mut pair.peer, 1).await, [("started", 0)]);
    pair.back.command(LinkCommand::DropIncoming { content, chunk: 0 }).expect("up");
    assert_eq!(fates(&mut pair.peer, 1).await, [("discarded", 0)]);
    assert_eq!(fates(&mut pair.origin, 2).await, [("sent", 1), ("sent", 0)]);
}

#[tokio::test]
async fn a_source_that_vanishes_fails_the_chunk_and_not_the_link() {
    let slow = upload_cap(BytesPerSecond(4 << 20));
    let mut pair = pair_with(2, 2 << 20, slow).await;
    serve(&pair.link, &pair.content, 0);
    assert_eq!(fates(&mut pair.peer, 1).await, [("started", 0)]);
    let source = fs::File::options().write(true).open(pair.origin.dir.path().join("source"));
    source.expect("it is there").set_len(1000).expect("it is ours");
    let error = pair
        .origin
        .until(|event| match event {
            LinkEvent::ServeFailed { chunk: 0, error, .. } => Some(error.clone()),
            _ => None,
        })
        .await;
    assert!(matches!(*error, ReadChunkError::SourceChanged { .. }), "{error}");
    send(&pair.link, Some(pair.content.id()), PeerMessage::Withdraw { channel: 0, chunks: vec![] });
    assert_eq!(fates(&mut pair.peer, 1).await, [("discarded", 0)]);
    send(&pair.back, None, PeerMessage::Bye);
    let (_, message) = loop {
        let message = pair.origin.message().await;
        if !matches!(message.1, PeerMessage::Open { .. }) {
            break message;
        }
    };
    assert_eq!(message, PeerMessage::Bye);
}

#[tokio::test]
async fn a_chunk_counts_as_sent_when_it_is_acknowledged_not_when_it_is_written() {
    let mut origin = TestNode::start(1);
    let published = origin.publish_file(4 << 20, 4 << 20);
    let mut narrow = RawPeer::dial_narrow(origin.address(), hello(9)).await;
    let link = origin.connected().await;
    open(&link, published.content.id());
    serve(&link, &published.content, 0);
    let early = timeout(Duration::from_millis(300), origin.until(fate)).await;
    assert!(early.is_err(), "nobody has read it: {early:?}");
    let reading = tokio::spawn(async move { while narrow.receive().await.is_some() {} });
    assert_eq!(origin.until(fate).await, ("sent", 0));
    reading.abort();
}

#[tokio::test]
async fn a_cap_on_receiving_holds_for_the_whole_node() {
    let rate = BytesPerSecond(4 << 20);
    let capped = {
        let all = Caps { up: None, down: Some(rate) };
        LinkConfig { limits: NodeCaps { all, ..NodeCaps::default() }, ..LinkConfig::default() }
    };
    let mut peer = TestNode::start_with(9, capped);
    let mut origins = [TestNode::start(1), TestNode::start(2)];
    let published = origins.each_ref().map(|origin| origin.publish_file(32 * 65536, CHUNK));
    let fetched = peer.fetch(&published[0]);
    let mut links = Vec::new();
    for origin in &mut origins {
        links.push(connect(origin, &mut peer).await.0);
    }
    let began = Instant::now();
    for (number, (link, published)) in links.iter().zip(&published).enumerate() {
        open(link, published.content.id());
        for chunk in 0..16 {
            serve(link, &published.content, chunk * 2 + number as u32);
        }
    }
    for _ in 0..32 {
        peer.until(|event| fate(event).filter(|(fate, _)| *fate == "stored")).await;
    }
    let took = began.elapsed().as_secs_f64();
    assert!(fetched.is_complete());
    assert!((0.42..0.9).contains(&took), "2 MiB at 4 MiB/s took {took} s");
}

#[tokio::test]
async fn chunks_of_a_content_that_is_not_here_are_skipped() {
    let (mut origin, mut peer) = (TestNode::start(1), TestNode::start(2));
    let published = origin.publish_file(100_000, CHUNK);
    let (link, _) = connect(&mut origin, &mut peer).await;
    open(&link, published.content.id());
    serve(&link, &published.content, 0);
    serve(&link, &published.content, 1);
    send(&link, None, PeerMessage::Find { token: 5, release: None, content: None });
    let (content, found) = loop {
        let message = peer.message().await;
        if !matches!(message.1, PeerMessage::Open { .. }) {
            break message;
        }
    };
    assert_eq!(
        (content, found),
        (None, PeerMessage::Find { token: 5, release: None, content: None })
    );
}

#[tokio::test]
async fn closing_sends_what_was_said_before() {
    let (mut a, mut b) = (TestNode::start(1), TestNode::start(2));
    let (link, _) = connect(&mut a, &mut b).await;
    for token in 0..100 {
        send(
            &link,
            None,
            PeerMessage::Find { token, release: None, content: Some(ContentId([1; 32])) },
        );
    }
    link.command(LinkCommand::Close(CloseReason::Local("enough".into()))).expect("up");
    for expected in 0..100 {
        let (_, message) = b.message().await;
        assert!(matches!(message, PeerMessage::Find { token, .. } if token == expected));
    }
    assert_eq!(b.disconnected().await, CloseReason::ClosedByPeer);
    assert_eq!(a.disconnected().await, CloseReason::Local("enough".into()));
    assert!(link.command(LinkCommand::Close(CloseReason::Shutdown)).is_err());
}
