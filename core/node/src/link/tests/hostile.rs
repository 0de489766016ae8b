//! Peers that lie, stall or talk nonsense.

use std::time::Duration;

use proptest::prelude::*;
use samara_model::{ContentId, PeerMessage};

use super::nodes::{TestNode, open, open_message, send, serve};
use super::raw_peer::{RawPeer, hello};
use crate::link::{CloseReason, LinkConfig, LinkEvent};

const CHUNK: u32 = 16 << 10;

/// A node that fetches a content of two chunks, and a peer by hand that has opened it as channel 7.
async fn victim() -> (TestNode, RawPeer, std::sync::Arc<samara_store::Content>) {
    let (origin, mut node) = (TestNode::start(1), TestNode::start(2));
    let content = node.fetch(&origin.publish_file(20_000, CHUNK));
    let mut raw = RawPeer::dial(node.address(), hello(9)).await;
    node.connected().await;
    let mut open = open_message(content.id());
    *open.channel_mut().expect("it has one") = 7;
    raw.send(&open).await;
    (node, raw, content)
}

fn piece(channel: u16, chunk: u32, offset: u32, length: u32) -> PeerMessage {
    PeerMessage::Piece { channel, chunk, offset, length }
}

#[tokio::test]
async fn a_chunk_with_a_wrong_hash_is_rejected_and_nothing_is_written() {
    let (mut node, mut raw, content) = victim().await;
    raw.send(&piece(7, 0, 0, CHUNK)).await;
    raw.send_bytes(&[1; CHUNK as usize]).await;
    let rejected = |event: &LinkEvent| match event {
        LinkEvent::ChunkRejected { chunk, .. } => Some(*chunk),
        LinkEvent::ChunkStored { .. } => panic!("it was stored"),
        _ => None,
    };
    assert_eq!(node.until(rejected).await, 0);
    assert!(!content.has(0));
}

#[tokio::test]
async fn pieces_that_must_not_come_end_the_link() {
    let cases: [(&[PeerMessage], &str); 6] = [
        (&[piece(3, 0, 0, 10)], "channel 3 was not opened"),
        (&[piece(7, 2, 0, 10)], "has no chunk 2"),
        (&[piece(7, 0, 5, 10)], "piece 5+10 of chunk 0"),
        (&[piece(7, 0, 0, CHUNK + 1)], "piece 0+16385 of chunk 0"),
        (&[piece(7, 1, 0, 5000)], "piece 0+5000 of chunk 1"),
        (&[PeerMessage::Close { channel: 8 }], "channel 8 was not opened"),
    ];
    for (messages, why) in cases {
        let (mut node, mut raw, _) = victim().await;
        for message in messages {
            raw.send(message).await;
        }
        let reason = node.disconnected().await.to_string();
        assert!(reason.contains("broke the protocol") && reason.contains(why), "{reason}");
        assert_eq!(raw.receive().await, None);
    }
}

#[tokio::test]
async fn a_frame_that_is_none_ends_the_link_with_a_reason() {
    for (bytes, why) in
        [(&[0xff; 8][..], "claims 4294967295 bytes"), (b"\0\0\0\x01\xc1", "message")]
    {
        let (mut node, mut raw, _) = victim().await;
        raw.send_bytes(bytes).await;
        let reason = node.disconnected().await.to_string();
        assert!(reason.contains(why), "{reason}");
    }
}

#[tokio::test]
async fn a_chunk_that_ends_halfway_is_reported_before_the_link_ends() {
    let (mut node, mut raw, content) = victim().await;
    raw.send(&piece(7, 0, 0, CHUNK)).await;
    raw.send_bytes(&[1; 1000]).await;
    node.until(|event| matches!(event, LinkEvent::ChunkStarted { .. }).then_some(())).await;
    drop(raw);
    let discarded = |event: &LinkEvent| match event {
        LinkEvent::ChunkDiscarded { chunk, bytes, .. } => Some((*chunk, *bytes)),
        LinkEvent::Disconnected { .. } => panic!("the chunk was forgotten"),
        _ => None,
    };
    let (chunk, bytes) = node.until(discarded).await;
    assert!(chunk == 0 && bytes <= 1000);
    assert_eq!(node.disconnected().await, CloseReason::ClosedByPeer);
    assert!(!content.has(0));
}

#[tokio::test]
async fn whoever_names_too_many_contents_is_dropped() {
    let (mut node, mut raw, _) = victim().await;
    for number in 0..=4096u32 {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let mut open = open_message(ContentId(id));
        *open.channel_mut().expect("it has one") = number as u16;
        raw.send(&open).await;
    }
    let reason = node.disconnected().await.to_string();
    assert!(reason.contains("more than 4096 contents"), "{reason}");
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_dropped_and_bounds_its_queue() {
    let mut node = TestNode::start(2);
    let raw = RawPeer::dial_narrow(node.address(), hello(9)).await;
    let link = node.connected().await;
    let bulky = PeerMessage::ManifestPart { channel: 0, offset: 0, bytes: vec![0; 60_000] };
    let command = || crate::link::LinkCommand::Send {
        content: Some(ContentId([1; 32])),
        message: bulky.clone(),
    };
    let mut taken = 0;
    while link.command(command()).is_ok() {
        taken += 1;
        tokio::task::yield_now().await;
        assert!(taken < 20_000, "the queue has no end");
    }
    assert_eq!(node.disconnected().await, CloseReason::TooSlow);
    drop(raw);
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_asked_and_then_dropped() {
    let mut node = TestNode::start(2);
    let mut raw = RawPeer::dial(node.address(), hello(9)).await;
    node.until(|event| matches!(event, LinkEvent::Connected(_)).then_some(())).await;
    let began = tokio::time::Instant::now();
    assert!(matches!(raw.receive().await, Some(PeerMessage::Ping { .. })));
    assert!((10..15).contains(&began.elapsed().as_secs()));
    let end = node.events.recv();
    let Some(LinkEvent::Disconnected { reason, .. }) = end.await else { panic!("another event") };
    assert_eq!(reason, CloseReason::Silent(30));
    assert!((30..35).contains(&began.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_moving_ends_the_link() {
    let (mut node, mut raw, _) = victim().await;
    raw.send(&piece(7, 0, 0, CHUNK)).await;
    raw.send_bytes(&[1; 100]).await;
    let mut discarded = false;
    loop {
        match node.events.recv().await {
            Some(LinkEvent::ChunkDiscarded { .. }) => discarded = true,
            Some(LinkEvent::Disconnected { reason, .. }) => {
                assert_eq!(reason, CloseReason::Silent(30));
                break;
            }
            Some(_) => {}
            None => panic!("the node is gone"),
        }
    }
    assert!(discarded);
}

#[tokio::test]
async fn a_peer_that_answers_pings_stays() {
    let config = LinkConfig {
        ping_after: Duration::from_millis(20),
        close_after: Duration::from_millis(100),
        ..LinkConfig::default()
    };
    let mut node = TestNode::start_with(2, config);
    let mut other = TestNode::start(3);
    let (link, _) = super::nodes::connect(&mut node, &mut other).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    send(&link, None, PeerMessage::Bye);
    assert_eq!(other.message().await.1, PeerMessage::Bye);
}

#[tokio::test]
async fn bad_bytes_do_not_hurt_others() {
    let (mut node, mut raw, content) = victim().await;
    let mut origin = TestNode::start(3);
    let honest = origin.publish_file(20_000, CHUNK);
    let (link, _) = super::nodes::connect(&mut origin, &mut node).await;
    open(&link, content.id());
    raw.send_bytes(&[0xff; 100]).await;
    for chunk in 0..2 {
        serve(&link, &honest.content, chunk);
        node.until(|event| matches!(event, LinkEvent::ChunkStored { .. }).then_some(())).await;
    }
    assert!(content.is_complete());
}

/// Something a hostile peer may send: nonsense, or honest messages in a hostile order.
fn utterance() -> impl Strategy<Value = Vec<u8>> {
    let encode = |message: PeerMessage| {
        let mut bytes = Vec::new();
        samara_wire::encode_into(&message, &mut bytes).expect("small enough");
        bytes
    };
    let honest = prop_oneof![
        (0u16..9, 0u32..4, 0u32..20_000, 1u32..20_000)
            .prop_map(|(channel, chunk, offset, length)| piece(channel, chunk, offset, length)),
        (0u16..9).prop_map(|channel| PeerMessage::Close { channel }),
        (0u16..9, 0u32..3)
            .prop_map(|(channel, chunk)| PeerMessage::Refuse { channel, chunk: Some(chunk) }),
        Just(PeerMessage::Bye),
        any::<u32>().prop_map(|token| PeerMessage::Ping { token }),
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        honest.prop_map(encode),
        (0u32..2, 0u32..5000).prop_map(move |(chunk, length)| {
            let mut bytes = encode(piece(7, chunk, 0, length.max(1)));
            bytes.resize(bytes.len() + length as usize, 5);
            bytes
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_a_peer_sends_the_link_ends_in_order(said in proptest::collection::vec(utterance(), 0..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it can");
        runtime.block_on(async {
            let (mut node, mut raw, content) = victim().await;
            for bytes in &said {
                raw.send_bytes(bytes).await;
            }
            drop(raw);
            let reason = node.disconnected().await;
            assert!(!matches!(reason, CloseReason::Fault(_)), "{reason}");
            assert!(!content.has(0) && !content.has(1));
            assert!(node.links.links().is_empty());
        });
    }
}
