//! Messages through bytes and back, and bytes that are none.

use std::net::{IpAddr, SocketAddr};

use proptest::collection::vec;
use proptest::prelude::*;
use samara_model::{
    ContentId, DeclineReason, HaveSummary, Holding, Labels, MemberRecord, PeerHint, PeerId,
    PeerMessage, Place, RejectReason, Release, ReleaseName,
};
use samara_wire::{Decoded, FrameDecoder, MAX_FRAME, check_message, encode_into};

fn content() -> impl Strategy<Value = ContentId> {
    any::<[u8; 32]>().prop_map(ContentId)
}

fn peer() -> impl Strategy<Value = PeerId> {
    any::<[u8; 32]>().prop_map(PeerId)
}

fn address() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
}

fn place() -> impl Strategy<Value = Place> {
    any::<[u64; 3]>().prop_map(|[zone, rack, host]| Place { zone, rack, host })
}

fn hint() -> impl Strategy<Value = PeerHint> {
    (peer(), address(), 0u16..=1000, place())
        .prop_map(|(peer, address, permille, place)| PeerHint { peer, address, permille, place })
}

fn holding() -> impl Strategy<Value = Holding> {
    (content(), 0u16..=1000, any::<bool>()).prop_map(|(content, permille, fetching)| Holding {
        content,
        permille,
        fetching,
    })
}

fn release_name() -> impl Strategy<Value = ReleaseName> {
    ("[a-zA-Z0-9._/+-]{1,128}", "[a-z0-9.]{1,12}")
        .prop_map(|(name, version)| ReleaseName::new(&name, &version).expect("allowed characters"))
}

fn release() -> impl Strategy<Value = Release> {
    (release_name(), content(), peer(), any::<u64>(), any::<Option<[u8; 32]>>()).prop_map(
        |(release, content, publisher, published_at, signature)| Release {
            release,
            content,
            publisher,
            published_at,
            signature: signature.map(|bytes| bytes.to_vec()),
        },
    )
}

fn record() -> impl Strategy<Value = MemberRecord> {
    (peer(), address(), any::<u64>(), place(), vec(holding(), 0..4)).prop_map(
        |(peer, address, version, place, holdings)| MemberRecord {
            peer,
            address,
            version,
            place,
            holdings,
        },
    )
}

fn labels() -> impl Strategy<Value = Labels> {
    proptest::collection::btree_map("[a-z]{1,9}", "[!-~]{1,20}", 0..=16).prop_map(|pairs| {
        Labels::try_from(pairs.into_iter().collect::<Vec<_>>()).expect("allowed characters")
    })
}

fn have() -> impl Strategy<Value = HaveSummary> {
    prop_oneof![
        Just(HaveSummary::Nothing),
        Just(HaveSummary::Everything),
        vec(any::<u8>(), 0..300).prop_map(HaveSummary::Some),
    ]
}

fn chunks(least: usize, most: usize) -> impl Strategy<Value = Vec<u32>> {
    vec(any::<u32>(), least..=most)
}

fn about_chunks() -> impl Strategy<Value = PeerMessage> {
    let reason = prop_oneof![
        Just(DeclineReason::Busy),
        Just(DeclineReason::Have),
        Just(DeclineReason::Parked)
    ];
    let some = || (any::<u16>(), any::<u32>(), any::<u16>());
    prop_oneof![
        (any::<u16>(), chunks(0, 40), any::<u16>()).prop_map(|(channel, chunks, inbound)| {
            PeerMessage::Have { channel, chunks, inbound }
        }),
        (any::<u16>(), have(), any::<u16>()).prop_map(|(channel, have, inbound)| {
            PeerMessage::HaveSet { channel, have, inbound }
        }),
        (any::<u16>(), chunks(0, 40))
            .prop_map(|(channel, chunks)| PeerMessage::Withdraw { channel, chunks }),
        (any::<u16>(), chunks(1, 8), any::<u16>()).prop_map(|(channel, chunks, inbound)| {
            PeerMessage::Offer { channel, chunks, inbound }
        }),
        some().prop_map(|(channel, chunk, inbound)| PeerMessage::Accept {
            channel,
            chunk,
            inbound
        }),
        (any::<u16>(), reason, any::<u16>()).prop_map(|(channel, reason, inbound)| {
            PeerMessage::Decline { channel, reason, inbound }
        }),
        (any::<u16>(), any::<Option<u32>>(), any::<u16>())
            .prop_map(|(channel, chunk, inbound)| PeerMessage::Request { channel, chunk, inbound }),
        (any::<u16>(), any::<Option<u32>>())
            .prop_map(|(channel, chunk)| PeerMessage::Refuse { channel, chunk }),
        some().prop_map(|(channel, chunk, _)| PeerMessage::Cancel { channel, chunk }),
        (any::<u16>(), any::<u32>(), 0u32..15 << 20, 1u32..=1 << 20).prop_map(
            |(channel, chunk, offset, length)| PeerMessage::Piece {
                channel,
                chunk,
                offset,
                length
            }
        ),
        some().prop_map(|(channel, chunk, _)| PeerMessage::Reject {
            channel,
            chunk,
            reason: RejectReason::WrongHash
        }),
    ]
}

fn about_contents() -> impl Strategy<Value = PeerMessage> {
    let open =
        (any::<u16>(), content(), proptest::option::of(0u32..64 << 20), have(), any::<[bool; 3]>());
    prop_oneof![
        open.prop_map(|(channel, content, manifest_bytes, have, flags)| PeerMessage::Open {
            channel,
            content,
            manifest_bytes,
            have,
            origin: flags[0],
            wants_haves: flags[1],
            reply: flags[2],
        }),
        any::<u16>().prop_map(|channel| PeerMessage::Close { channel }),
        any::<u16>().prop_map(|channel| PeerMessage::WantHaves { channel }),
        (any::<u16>(), 0u32..64 << 20)
            .prop_map(|(channel, offset)| PeerMessage::ManifestRequest { channel, offset }),
        (any::<u16>(), 0u32..63 << 20, vec(any::<u8>(), 0..2000)).prop_map(
            |(channel, offset, bytes)| PeerMessage::ManifestPart { channel, offset, bytes }
        ),
        (any::<u16>(), vec(hint(), 0..20))
            .prop_map(|(channel, peers)| PeerMessage::Peers { channel, peers }),
    ]
}

fn about_the_cluster() -> impl Strategy<Value = PeerMessage> {
    prop_oneof![
        (any::<u32>(), proptest::option::of(release_name()), proptest::option::of(content()))
            .prop_map(|(token, release, content)| PeerMessage::Find { token, release, content }),
        (any::<u32>(), proptest::option::of(release()), vec(hint(), 0..9))
            .prop_map(|(token, release, holders)| PeerMessage::Found { token, release, holders }),
        (address(), place(), vec(holding(), 0..9), vec(release(), 0..3), any::<u32>()).prop_map(
            |(address, place, holdings, releases, token)| PeerMessage::Announce {
                address,
                place,
                holdings,
                releases,
                token
            }
        ),
        (
            any::<u32>(),
            vec((content(), vec(hint(), 0..5)), 0..4),
            vec(release(), 0..3),
            any::<u32>()
        )
            .prop_map(|(token, neighbours, refused, expires_s)| PeerMessage::Handout {
                token,
                neighbours,
                refused,
                expires_s
            }),
        (any::<bool>(), vec(any::<u8>(), 0..900), vec(record(), 0..5), vec(release(), 0..3))
            .prop_map(|(reply, members, table, releases)| PeerMessage::FullState {
                reply,
                members,
                table,
                releases
            }),
        any::<u32>().prop_map(|token| PeerMessage::Ping { token }),
        any::<u32>().prop_map(|token| PeerMessage::Pong { token }),
        Just(PeerMessage::Bye),
        labels().prop_map(|labels| PeerMessage::Relabelled { labels }),
    ]
}

fn message() -> impl Strategy<Value = PeerMessage> {
    prop_oneof![about_chunks(), about_contents(), about_the_cluster()]
}

/// Feeds `bytes` in parts and takes everything that comes out, bodies of pieces included.
fn drain(bytes: &[u8], part: usize) -> Vec<PeerMessage> {
    let mut decoder = FrameDecoder::new();
    let mut messages = Vec::new();
    for part in bytes.chunks(part.max(1)) {
        decoder.feed(part);
        loop {
            match decoder.next_message() {
                Ok(Decoded::Message(message)) => {
                    assert_eq!(check_message(&message), Ok(()));
                    messages.push(message);
                }
                Ok(Decoded::Incomplete) => break,
                Err(_) => return messages,
            }
        }
        assert!(decoder.lacking() <= MAX_FRAME + 4);
        assert!(decoder.buffered().len() <= bytes.len());
    }
    messages
}

proptest! {
    #[test]
    fn any_message_survives_its_bytes(messages in vec(message(), 1..6), part in 1usize..400) {
        let mut bytes = Vec::new();
        for message in &messages {
            encode_into(message, &mut bytes).expect("small enough");
        }
        prop_assert_eq!(drain(&bytes, part), messages);
    }

    #[test]
    fn any_bytes_give_messages_or_an_error(bytes in vec(any::<u8>(), 0..600), part in 1usize..99) {
        drain(&bytes, part);
        let mut framed = (bytes.len() as u32).to_be_bytes().to_vec();
        framed.extend_from_slice(&bytes);
        drain(&framed, part);
    }

    #[test]
    fn a_damaged_message_gives_a_message_or_an_error(
        message in message(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = Vec::new();
        encode_into(&message, &mut bytes).expect("small enough");
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        drain(&bytes, 4096);
    }
}

/// One file per nasty input that once did harm or might: hexadecimal, `#` begins a comment. The first
/// comment says `refused` or `accepted`.
#[test]
fn the_kept_corpus_is_judged_as_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is kept beside this file") {
        let path = entry.expect("a readable entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let accepted = text.starts_with("# accepted");
        assert!(accepted || text.starts_with("# refused"), "{path:?} has no verdict");
        assert_eq!(judge(&unhex(&text)), accepted, "{path:?}");
        count += 1;
    }
    assert!(count >= 10, "only {count} inputs");
}

fn judge(bytes: &[u8]) -> bool {
    let mut decoder = FrameDecoder::new();
    decoder.feed(bytes);
    matches!(decoder.next_message(), Ok(Decoded::Message(_)))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.lines().map(|line| line.split('#').next().unwrap_or("")).collect();
    let digits: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}
