//! A datagram taken apart, so that it can be looked through before foca believes it.

use alloc::vec::Vec;
use bytes::{Buf, BufMut};
use foca::{Header, Message};

use super::codec::{
    CodecError, Update, put_header, put_update, take_header, take_u16, take_update,
};
use super::member::Member;
use super::summary::Summary;

/// Most bytes of a datagram, as foca makes and takes them.
pub(super) const MAX_PACKET: usize = 1400;

/// A datagram of the membership protocol, laid out as foca does: header, number of updates, updates, and
/// summaries with their length.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Packet {
    pub header: Header<Member>,
    pub updates: Vec<Update>,
    pub summaries: Vec<Summary>,
}

impl Packet {
    /// Takes a datagram apart. A summary that cannot be read spoils only itself: a newer node may send
    /// another format.
    pub fn parse(mut bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > MAX_PACKET {
            return Err(CodecError::Unknown("length"));
        }
        let header = take_header(&mut bytes)?;
        let mut updates = Vec::new();
        if has_updates(&header.message) && !bytes.is_empty() {
            for _ in 0..take_u16(&mut bytes)? {
                updates.push(take_update(&mut bytes)?);
            }
        }
        let mut summaries = Vec::new();
        while !bytes.is_empty() {
            let len = usize::from(take_u16(&mut bytes)?);
            let item = bytes.get(..len).ok_or(CodecError::Short)?;
            summaries.extend(Summary::from_bytes(item));
            bytes.advance(len);
        }
        Ok(Packet { header, updates, summaries })
    }

    /// Puts it together again.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_PACKET);
        put_header(&self.header, &mut bytes).expect("a vector has room");
        if has_updates(&self.header.message) {
            bytes.put_u16(self.updates.len() as u16);
            for update in &self.updates {
                put_update(update, &mut bytes).expect("a vector has room");
            }
        }
        if has_summaries(&self.header.message) {
            for summary in &self.summaries {
                let item = summary.to_bytes();
                bytes.put_u16(item.len() as u16);
                bytes.put_slice(&item);
            }
        }
        bytes
    }
}

fn has_updates(message: &Message<Member>) -> bool {
    !matches!(message, Message::Announce | Message::TurnUndead | Message::Broadcast)
}

fn has_summaries(message: &Message<Member>) -> bool {
    !matches!(message, Message::Announce | Message::TurnUndead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_taken_apart_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..1500)
        ) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.to_bytes().len() <= MAX_PACKET);
            }
        }
    }
}
