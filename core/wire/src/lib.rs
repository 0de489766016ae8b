//! Bytes to messages and back. No sockets, no clock, no state beyond a half-received frame.
//!
//! - [`encode_into`] and [`FrameDecoder`]: what peers say, as length-prefixed MessagePack.
//! - [`handshake`]: the first bytes on a connection, and why a connection is refused.
//! - [`encode_manifest`], [`decode_manifest`], [`manifest_id`]: the description of a content.
//! - [`label_number`]: the number that stands for a label.
//! - [`wrap_datagram`], [`unwrap_datagram`]: the envelope of gossip over UDP.
//!
//! Whatever bytes come in, nothing here panics, and nothing is allocated on the word of a length that
//! has not been checked. What decodes has also passed [`check_message`]: bounds that hold for any
//! content. Whether a chunk exists in *this* content is for the receiver to check.

mod check;
mod codec;
mod datagram;
mod frame;
pub mod handshake;
mod labels;
mod manifest;

pub use check::{CheckMessageError, MAX_HAVES, MAX_PEERS, MAX_PIECE, check_message};
pub use datagram::{
    ClusterHash, DatagramError, MAX_DATAGRAM_PAYLOAD, cluster_hash, unwrap_datagram, wrap_datagram,
};
pub use frame::{Decoded, EncodeFrameError, FrameDecoder, FrameError, MAX_FRAME, encode_into};
pub use labels::{label_number, number_labels};
pub use manifest::{
    DecodeManifestError, MAX_MANIFEST, decode_manifest, encode_manifest, manifest_id,
};
