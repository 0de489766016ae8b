//! Messages as frames: a 4-byte big-endian length, then that many bytes of MessagePack.

use samara_model::PeerMessage;

use crate::check::{CheckMessageError, check_message};
use crate::codec::{self, CodecError};

/// Most bytes of one message, 1 MiB. The largest honest one is the chunk set of a content with a 64 MiB
/// manifest: 2 Mi chunks, 256 KiB.
pub const MAX_FRAME: usize = 1 << 20;

/// Memory that an empty decoder keeps; a thousand links have one each.
const KEPT: usize = 16 << 10;

/// Bytes in front of a message.
const PREFIX: usize = 4;

/// Bytes that are no message. The connection cannot be continued: where the next frame begins is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME`], or empty. Nothing was allocated for it.
    #[error("a frame claims {claimed} bytes; 1 to {MAX_FRAME} are allowed")]
    Length {
        /// The length in the prefix.
        claimed: u32,
    },
    /// Not a message.
    #[error("a frame is not a message: {0}")]
    Malformed(String),
    /// A message whose fields are out of bounds.
    #[error("a message is out of bounds: {0}")]
    OutOfBounds(#[from] CheckMessageError),
}

/// A message that the other side would refuse. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message of {size} bytes does not fit a frame of {MAX_FRAME}")]
pub struct EncodeFrameError {
    /// Bytes that it takes.
    pub size: usize,
}

/// What a [`FrameDecoder`] found.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// A whole message. After a `Piece`, its raw bytes are next: see [`FrameDecoder::take_raw`].
    Message(PeerMessage),
    /// No whole frame yet.
    Incomplete,
}

/// Appends `message` to `out` as one frame.
///
/// # Errors
/// When it is larger than a frame; `out` is as before.
pub fn encode_into(message: &PeerMessage, out: &mut Vec<u8>) -> Result<(), EncodeFrameError> {
    encode_frame(message, MAX_FRAME, out)
}

pub(crate) fn encode_frame<T: serde::Serialize>(
    value: &T,
    most: usize,
    out: &mut Vec<u8>,
) -> Result<(), EncodeFrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX]);
    codec::encode(value, out);
    let size = out.len() - start - PREFIX;
    if size > most {
        out.truncate(start);
        return Err(EncodeFrameError { size });
    }
    out[start..start + PREFIX].copy_from_slice(&(size as u32).to_be_bytes());
    Ok(())
}

/// The body of the first frame in `bytes`, when it is all there.
pub(crate) fn split_frame(bytes: &[u8], most: usize) -> Result<Option<&[u8]>, FrameError> {
    let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX>() else { return Ok(None) };
    let claimed = u32::from_be_bytes(*prefix);
    if claimed == 0 || claimed as usize > most {
        return Err(FrameError::Length { claimed });
    }
    Ok(rest.get(..claimed as usize))
}

/// Collects received bytes and yields messages. Holds at most what was fed and not yet taken.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    bytes: Vec<u8>,
    taken: usize,
}

impl FrameDecoder {
    /// An empty decoder.
    pub fn new() -> Self {
        FrameDecoder::default()
    }

    /// Adds received bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.compact();
        self.bytes.extend_from_slice(bytes);
    }

    /// Room to read into directly, at least `least` bytes of spare capacity: append received bytes to
    /// the vector, and change nothing else.
    pub fn spare(&mut self, least: usize) -> &mut Vec<u8> {
        self.compact();
        self.bytes.reserve(least);
        &mut self.bytes
    }

    /// Bytes that were fed and not yet taken.
    pub fn buffered(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// The next message.
    ///
    /// # Errors
    /// When the bytes are no message. Every later call would fail too: close the connection.
    pub fn next_message(&mut self) -> Result<Decoded, FrameError> {
        let Some(body) = split_frame(&self.bytes[self.taken..], MAX_FRAME)? else {
            return Ok(Decoded::Incomplete);
        };
        let size = body.len();
        let message = codec::decode(body).map_err(malformed)?;
        check_message(&message)?;
        self.taken += PREFIX + size;
        Ok(Decoded::Message(message))
    }

    /// Bytes that the next frame still lacks, as far as that is known; at least 1.
    pub fn lacking(&self) -> usize {
        let buffered = self.buffered();
        let needed = match buffered.split_first_chunk::<PREFIX>() {
            Some((prefix, _)) => (u32::from_be_bytes(*prefix) as usize).min(MAX_FRAME) + PREFIX,
            None => PREFIX,
        };
        needed.saturating_sub(buffered.len()).max(1)
    }

    /// Takes up to `most` raw bytes that follow the last message: the beginning of a piece's body.
    pub fn take_raw(&mut self, most: usize) -> &[u8] {
        let start = self.taken;
        self.taken = self.bytes.len().min(start.saturating_add(most));
        &self.bytes[start..self.taken]
    }

    /// Moves what is left to the front once the taken part is large, or for free when nothing is left.
    fn compact(&mut self) {
        if self.taken == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
            self.taken = 0;
        } else if self.taken >= 16 << 10 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }
}

fn malformed(error: CodecError) -> FrameError {
    FrameError::Malformed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(message: &PeerMessage) -> Vec<u8> {
        let mut out = Vec::new();
        encode_into(message, &mut out).expect("small");
        out
    }

    #[test]
    fn a_frame_that_arrives_byte_by_byte_is_decoded_once() {
        let bytes = frame(&PeerMessage::Ping { token: 7 });
        let mut decoder = FrameDecoder::new();
        for (at, byte) in bytes.iter().enumerate() {
            assert_eq!(decoder.next_message(), Ok(Decoded::Incomplete), "at {at}");
            assert!(decoder.lacking() <= bytes.len() - at);
            decoder.feed(&[*byte]);
        }
        assert_eq!(decoder.next_message(), Ok(Decoded::Message(PeerMessage::Ping { token: 7 })));
        assert_eq!(decoder.next_message(), Ok(Decoded::Incomplete));
        assert!(decoder.buffered().is_empty());
    }

    #[test]
    fn raw_bytes_follow_a_piece() {
        let mut bytes = frame(&PeerMessage::Piece { channel: 1, chunk: 2, offset: 0, length: 5 });
        bytes.extend_from_slice(b"hello");
        bytes.extend(frame(&PeerMessage::Bye));
        let mut decoder = FrameDecoder::new();
        decoder.feed(&bytes);
        assert!(matches!(decoder.next_message(), Ok(Decoded::Message(PeerMessage::Piece { .. }))));
        assert_eq!(decoder.take_raw(3), b"hel");
        assert_eq!(decoder.take_raw(2), b"lo");
        assert_eq!(decoder.next_message(), Ok(Decoded::Message(PeerMessage::Bye)));
    }

    #[test]
    fn a_length_is_checked_before_it_is_believed() {
        for claimed in [0u32, MAX_FRAME as u32 + 1, u32::MAX] {
            let mut decoder = FrameDecoder::new();
            decoder.feed(&claimed.to_be_bytes());
            assert_eq!(decoder.next_message(), Err(FrameError::Length { claimed }));
        }
    }

    #[test]
    fn trailing_bytes_inside_a_frame_are_refused() {
        let mut bytes = frame(&PeerMessage::Bye);
        bytes.push(0xc0);
        bytes[3] += 1;
        let mut decoder = FrameDecoder::new();
        decoder.feed(&bytes);
        assert!(matches!(decoder.next_message(), Err(FrameError::Malformed(_))));
    }

    #[test]
    fn a_message_too_large_for_a_frame_is_not_written() {
        let mut out = vec![1, 2, 3];
        let members = vec![0; MAX_FRAME + 1];
        let huge =
            PeerMessage::FullState { reply: false, members, table: vec![], releases: vec![] };
        assert!(encode_into(&huge, &mut out).is_err());
        assert_eq!(out, [1, 2, 3]);
    }
}
