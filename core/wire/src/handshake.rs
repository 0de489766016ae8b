//! The first bytes on a connection: who is there, and whether the two belong together.
//!
//! ```text
//! dialler  -> acceptor   preamble, Hello
//! acceptor -> dialler    preamble, Hello        (or preamble, Refusal, and it closes)
//! dialler  -> acceptor   Welcome                (or Refusal, and it closes)
//! ```
//!
//! The preamble is the magic and the protocol version, fixed for all times; everything behind it may
//! change with the version. Each side checks the other's `Hello`; whoever finds a fault says why, so
//! that both sides can print it. The acceptor counts the connection only after `Welcome`: the dialler
//! alone knows whether it found an older connection to the same peer meanwhile.

use core::net::SocketAddr;

use samara_model::{Labels, PeerId};
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::frame::{FrameError, encode_frame, split_frame};

/// The first bytes that every node sends on a connection.
pub const MAGIC: [u8; 8] = *b"SAMARA1\n";
/// The protocol that this version speaks.
///
/// 2: labels in the handshake, and where a peer stands in hints, announcements and records.
pub const PROTOCOL: u16 = 2;
/// The bit of [`Hello::capabilities`] that says: `PeerMessage::Relabelled` is understood.
pub const TAKES_RELABELLED: u64 = 1;
/// Longest cluster id in bytes.
pub const MAX_CLUSTER: usize = 64;

/// Most bytes of a frame of the handshake.
const MAX_HELLO: usize = 4096;
/// Longest reason and software name, in bytes; longer ones are cut.
const MAX_TEXT: usize = 256;
const PREAMBLE: usize = MAGIC.len() + 2;

/// Who a node is and how it can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Only nodes of one cluster talk to each other. 1 to [`MAX_CLUSTER`] bytes.
    pub cluster: String,
    /// The node.
    pub peer: PeerId,
    /// Drawn at each start of the process: tells a restarted node from a copied one.
    pub instance: u64,
    /// Counts the dials of this instance; among several from one side the latest is the live one.
    pub dial: u64,
    /// The address that others dial, when the node was told one.
    pub advertise: Option<SocketAddr>,
    /// Where the node listens, to be combined with the address that the connection comes from.
    pub listen_port: u16,
    /// One bit per optional ability; unknown bits are ignored.
    pub capabilities: u64,
    /// What its operator says of it.
    pub labels: Labels,
    /// Name and version of the program, for people.
    pub software: String,
}

/// What is said before a connection carries messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandshakeFrame {
    /// This is me.
    Hello(Hello),
    /// We belong together: messages follow.
    Welcome,
    /// We do not; the connection closes.
    Refusal {
        /// Why, for a person.
        reason: String,
    },
}

/// Why two nodes do not talk. The connection is closed, nothing else has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Something else listens or dials there.
    #[error("the other side is not samara: it sent {found}")]
    NotSamara {
        /// Its first bytes, printable.
        found: String,
    },
    /// Another protocol.
    #[error(
        "the other side speaks protocol {theirs}, this node speaks {ours}: update the older one"
    )]
    ProtocolMismatch {
        /// The protocol of this node.
        ours: u16,
        /// The protocol of the other.
        theirs: u16,
    },
    /// Another cluster.
    #[error("the other side belongs to cluster `{theirs}`, this node to `{ours}`")]
    ClusterMismatch {
        /// The cluster of this node.
        ours: String,
        /// The cluster of the other.
        theirs: String,
    },
    /// The same id in another process.
    #[error("two nodes have one id, {peer}: was the data directory copied?")]
    SameId {
        /// The id.
        peer: PeerId,
    },
    /// The node has reached itself.
    #[error("the address is this node's own")]
    SelfConnection,
    /// The other side says no.
    #[error("the other side refused: {reason}")]
    Refused {
        /// Its words.
        reason: String,
    },
    /// Samara's preamble, and then no handshake.
    #[error("the other side's handshake cannot be read: {0}")]
    Malformed(String),
    /// A frame of the handshake at the wrong place.
    #[error("the other side's handshake is out of order")]
    OutOfOrder,
}

/// The preamble and `frame`: what each side sends first.
pub fn encode_first(frame: &HandshakeFrame) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&PROTOCOL.to_be_bytes());
    encode_next(frame, &mut bytes);
    bytes
}

/// Appends a later frame of the handshake. Text that is too long is cut.
pub fn encode_next(frame: &HandshakeFrame, out: &mut Vec<u8>) {
    let fits = encode_frame(&shortened(frame.clone()), MAX_HELLO, out);
    debug_assert!(fits.is_ok(), "all fields of a handshake are bounded");
}

/// Decides whether the two belong together.
///
/// # Errors
/// The first thing that stands against it; it concerns both sides alike, so tell the other.
pub fn check_hello(ours: &Hello, theirs: &Hello) -> Result<(), HandshakeError> {
    if theirs.peer == ours.peer {
        return Err(match theirs.instance == ours.instance {
            true => HandshakeError::SelfConnection,
            false => HandshakeError::SameId { peer: ours.peer },
        });
    }
    if theirs.cluster != ours.cluster {
        return Err(HandshakeError::ClusterMismatch {
            ours: ours.cluster.clone(),
            theirs: theirs.cluster.clone(),
        });
    }
    Ok(())
}

/// Collects the bytes of the other side's handshake.
#[derive(Debug, Default)]
pub struct HandshakeDecoder {
    bytes: Vec<u8>,
    preamble_seen: bool,
}

impl HandshakeDecoder {
    /// An empty decoder.
    pub fn new() -> Self {
        HandshakeDecoder::default()
    }

    /// Adds received bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame, when it is all there; `Refusal` comes as an error.
    ///
    /// # Errors
    /// When the other side is no samara, speaks another protocol, refuses, or talks nonsense.
    pub fn next_frame(&mut self) -> Result<Option<HandshakeFrame>, HandshakeError> {
        if !self.preamble_seen && !self.take_preamble()? {
            return Ok(None);
        }
        let body = split_frame(&self.bytes, MAX_HELLO).map_err(malformed)?;
        let Some(body) = body else { return Ok(None) };
        let frame: HandshakeFrame = codec::decode(body)
            .map_err(|error| HandshakeError::Malformed(printable(error.to_string().as_bytes())))?;
        let size = 4 + body.len();
        self.bytes.drain(..size);
        checked(frame).map(Some)
    }

    /// What came after the handshake: the first messages.
    pub fn into_rest(self) -> Vec<u8> {
        self.bytes
    }

    fn take_preamble(&mut self) -> Result<bool, HandshakeError> {
        let known = self.bytes.len().min(MAGIC.len());
        if self.bytes[..known] != MAGIC[..known] {
            let found = printable(&self.bytes[..self.bytes.len().min(24)]);
            return Err(HandshakeError::NotSamara { found: format!("`{found}`") });
        }
        if self.bytes.len() < PREAMBLE {
            return Ok(false);
        }
        let theirs = u16::from_be_bytes([self.bytes[MAGIC.len()], self.bytes[MAGIC.len() + 1]]);
        if theirs != PROTOCOL {
            return Err(HandshakeError::ProtocolMismatch { ours: PROTOCOL, theirs });
        }
        self.bytes.drain(..PREAMBLE);
        self.preamble_seen = true;
        Ok(true)
    }
}

fn checked(frame: HandshakeFrame) -> Result<HandshakeFrame, HandshakeError> {
    match frame {
        HandshakeFrame::Hello(hello) => {
            if hello.cluster.is_empty() || hello.cluster.len() > MAX_CLUSTER {
                return Err(HandshakeError::Malformed(format!(
                    "a cluster id of {} bytes, allowed are 1 to {MAX_CLUSTER}",
                    hello.cluster.len()
                )));
            }
            let cluster = printable(hello.cluster.as_bytes());
            let software = printable(hello.software.as_bytes());
            Ok(HandshakeFrame::Hello(Hello { cluster, software, ..hello }))
        }
        HandshakeFrame::Welcome => Ok(HandshakeFrame::Welcome),
        HandshakeFrame::Refusal { reason } => {
            Err(HandshakeError::Refused { reason: printable(reason.as_bytes()) })
        }
    }
}

fn malformed(error: FrameError) -> HandshakeError {
    HandshakeError::Malformed(error.to_string())
}

/// Text from outside for a person's terminal: no control characters, bounded.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT)]);
    text.chars().map(|c| if c.is_control() { '.' } else { c }).collect()
}

fn shortened(frame: HandshakeFrame) -> HandshakeFrame {
    match frame {
        HandshakeFrame::Hello(hello) => {
            let cluster = cut(hello.cluster, MAX_CLUSTER);
            let software = cut(hello.software, MAX_TEXT);
            HandshakeFrame::Hello(Hello { cluster, software, ..hello })
        }
        HandshakeFrame::Refusal { reason } => {
            HandshakeFrame::Refusal { reason: cut(reason, MAX_TEXT) }
        }
        HandshakeFrame::Welcome => HandshakeFrame::Welcome,
    }
}

fn cut(mut text: String, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hello(peer: u8, cluster: &str) -> Hello {
        Hello {
            cluster: cluster.into(),
            peer: PeerId([peer; 32]),
            instance: u64::from(peer),
            dial: 1,
            advertise: Some("[2001:db8::1]:7000".parse().expect("an address")),
            listen_port: 7000,
            capabilities: 0,
            labels: Labels::default(),
            software: "samara 0.1.0".into(),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Option<HandshakeFrame>, HandshakeError> {
        let mut decoder = HandshakeDecoder::new();
        decoder.feed(bytes);
        decoder.next_frame()
    }

    #[test]
    fn a_hello_survives_and_messages_may_follow_at_once() {
        let frame = HandshakeFrame::Hello(hello(1, "c"));
        let mut bytes = encode_first(&frame);
        encode_next(&HandshakeFrame::Welcome, &mut bytes);
        bytes.extend_from_slice(b"rest");
        let mut decoder = HandshakeDecoder::new();
        for byte in &bytes[..20] {
            assert_eq!(decoder.next_frame(), Ok(None));
            decoder.feed(&[*byte]);
        }
        decoder.feed(&bytes[20..]);
        assert_eq!(decoder.next_frame(), Ok(Some(frame)));
        assert_eq!(decoder.next_frame(), Ok(Some(HandshakeFrame::Welcome)));
        assert_eq!(decoder.into_rest(), b"rest");
    }

    #[test]
    fn something_else_on_the_port_is_named() {
        let error = decode(b"HTTP/1.1 400 Bad Request\r\n").expect_err("not samara");
        assert_eq!(
            error.to_string(),
            "the other side is not samara: it sent `HTTP/1.1 400 Bad Request`"
        );
        assert!(decode(b"S\n").is_err(), "the first wrong byte is enough");
    }

    #[test]
    fn another_protocol_is_named_whatever_follows() {
        let mut bytes = encode_first(&HandshakeFrame::Welcome);
        bytes[9] = 9;
        bytes.truncate(PREAMBLE);
        let error = decode(&bytes).expect_err("another protocol");
        assert_eq!(error, HandshakeError::ProtocolMismatch { ours: PROTOCOL, theirs: 9 });
    }

    #[test]
    fn reasons_against_a_connection_are_told_apart() {
        let ours = hello(1, "blue");
        assert_eq!(check_hello(&ours, &hello(2, "blue")), Ok(()));
        assert_eq!(check_hello(&ours, &ours), Err(HandshakeError::SelfConnection));
        let copied = Hello { instance: 99, ..ours.clone() };
        let error = check_hello(&ours, &copied).expect_err("same id");
        assert!(error.to_string().contains("was the data directory copied?"));
        let error = check_hello(&ours, &hello(2, "red")).expect_err("another cluster");
        assert_eq!(
            error.to_string(),
            "the other side belongs to cluster `red`, this node to `blue`"
        );
    }

    #[test]
    fn a_refusal_is_heard_and_cannot_draw_on_the_terminal() {
        let reason = format!("no\u{1b}[2J{}", "x".repeat(5000));
        let heard = decode(&encode_first(&HandshakeFrame::Refusal { reason }));
        let Err(HandshakeError::Refused { reason }) = heard else { panic!("{heard:?}") };
        assert!(reason.starts_with("no.[2J") && reason.len() <= MAX_TEXT);
    }

    #[test]
    fn the_most_labels_fit_a_hello_and_wrong_ones_are_refused() {
        let mut labels = Labels::default();
        for n in 0..samara_model::MAX_LABELS {
            let key = format!("{n:0>width$}", width = samara_model::MAX_LABEL_KEY);
            let value = "v".repeat(samara_model::MAX_LABEL_VALUE);
            labels.add(samara_model::Label::new(&key, &value).expect("longest")).expect("room");
        }
        let frame = HandshakeFrame::Hello(Hello {
            labels,
            cluster: "c".repeat(MAX_CLUSTER),
            software: "s".repeat(MAX_TEXT),
            ..hello(1, "c")
        });
        assert_eq!(decode(&encode_first(&frame)), Ok(Some(frame)));
        let mut labels = Labels::default();
        labels.add("rack=r1".parse().expect("a label")).expect("room");
        let mut bytes = encode_first(&HandshakeFrame::Hello(Hello { labels, ..hello(1, "c") }));
        let at = bytes.windows(4).position(|four| four == b"rack").expect("the key is in there");
        bytes[at] = b'R';
        let error = decode(&bytes).expect_err("not a key");
        assert!(error.to_string().contains("cannot be the key of a label"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_frame_or_an_error(bytes: Vec<u8>, behind: Vec<u8>) {
            let _ = decode(&bytes);
            let mut real = encode_first(&HandshakeFrame::Welcome);
            real.truncate(PREAMBLE);
            real.extend_from_slice(&behind);
            let _ = decode(&real);
        }
    }
}
