//! Everything that the machines wanted done, as one number: equal runs give equal numbers.

use samara_engine::swarm::SwarmOutput;
use samara_model::PeerMessage;

/// A running hash. Not cryptographic; every input changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace(u64);

impl Default for Trace {
    fn default() -> Self {
        Trace(0xcbf2_9ce4_8422_2325)
    }
}

impl Trace {
    /// The number so far.
    pub fn value(self) -> u64 {
        self.0
    }

    /// Takes a number in.
    pub fn add(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    /// Takes in what a node wants done at a time.
    pub fn output(&mut self, now: u64, node: u32, content: u16, output: &SwarmOutput) {
        self.add(now);
        self.add(u64::from(node) << 32 | u64::from(content));
        let (kind, detail) = match output {
            SwarmOutput::Send { link, message } => (message_kind(message), link.0),
            SwarmOutput::ServeChunk { link, chunk, .. } => (101, link.0 << 24 ^ u64::from(*chunk)),
            SwarmOutput::CancelServe { link, chunk } => (102, link.0 << 24 ^ u64::from(*chunk)),
            SwarmOutput::DropIncoming { link, chunk } => (103, link.0 << 24 ^ u64::from(*chunk)),
            SwarmOutput::Connect { peer, .. } => (104, u64::from(super::node::index_of(peer))),
            SwarmOutput::Disconnect { link, .. } => (105, link.0),
            SwarmOutput::CheckManifest { bytes } => (106, bytes.len() as u64),
            SwarmOutput::VerifyOwn { link, chunk } => (107, link.0 << 24 ^ u64::from(*chunk)),
            SwarmOutput::AskPolicy { token, .. } => (108, *token),
            SwarmOutput::AskBuiltIn { token, .. } => (109, *token),
            SwarmOutput::StartTimer { token, after } => (110, token ^ after.as_micros() as u64),
            SwarmOutput::Report(_) => (111, 0),
        };
        self.add(kind);
        self.add(detail);
    }
}

fn message_kind(message: &PeerMessage) -> u64 {
    match message {
        PeerMessage::Open { .. } => 1,
        PeerMessage::Have { chunks, .. } => {
            let chunks = chunks.iter().map(|chunk| u64::from(*chunk));
            chunks.fold(2u64, |sum, chunk| sum.wrapping_mul(31).wrapping_add(chunk)) << 8 | 2
        }
        PeerMessage::Offer { chunks, .. } => {
            let chunks = chunks.iter().map(|chunk| u64::from(*chunk));
            chunks.fold(3u64, |sum, chunk| sum.wrapping_mul(31).wrapping_add(chunk)) << 8 | 3
        }
        PeerMessage::Accept { chunk, .. } => u64::from(*chunk) << 8 | 4,
        PeerMessage::Decline { .. } => 5,
        PeerMessage::Request { .. } => 6,
        PeerMessage::Cancel { chunk, .. } => u64::from(*chunk) << 8 | 7,
        _ => 8,
    }
}
