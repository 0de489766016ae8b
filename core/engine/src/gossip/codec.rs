//! Members as bytes: in datagrams and in full-state exchanges.
//!
//! ```text
//! member   32 id | 1 family: 4 or 6 | 4 or 16 address | 2 port | 8 instance       big-endian
//! update   member | 2 incarnation | 1 state
//! header   member (from) | 2 incarnation | member (to) | 1 kind | [member] [1 probe number]
//! ```
//! An IPv6 scope is left out: it means nothing on another machine.

use bytes::{Buf, BufMut};
use core::net::{IpAddr, SocketAddr};
use foca::{Header, Message, State};
use samara_model::PeerId;

use super::member::{MAX_VERSION, Member, is_dialable};

/// What foca spreads about a member.
pub(super) type Update = foca::Member<Member>;

/// Bytes that are not what they should be, or too little room for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    /// The bytes end too early.
    #[error("the bytes end too early")]
    Short,
    /// The buffer is full; nothing was written.
    #[error("no room left")]
    Full,
    /// A number that stands for nothing.
    #[error("an unknown {0}")]
    Unknown(&'static str),
    /// Nobody can listen there, or no node can have started then.
    #[error("an impossible member")]
    Impossible,
}

/// The codec given to foca.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codec;

impl foca::Codec<Member> for Codec {
    type Error = CodecError;

    fn encode_header(
        &mut self,
        header: &Header<Member>,
        buf: impl BufMut,
    ) -> Result<(), CodecError> {
        put_header(header, buf)
    }

    fn decode_header(&mut self, buf: impl Buf) -> Result<Header<Member>, CodecError> {
        take_header(buf)
    }

    fn encode_member(&mut self, update: &Update, buf: impl BufMut) -> Result<(), CodecError> {
        put_update(update, buf)
    }

    fn decode_member(&mut self, buf: impl Buf) -> Result<Update, CodecError> {
        take_update(buf)
    }
}

/// Writes an update, or nothing when there is no room.
pub(super) fn put_update(update: &Update, mut buf: impl BufMut) -> Result<(), CodecError> {
    if buf.remaining_mut() < member_len(update.id()) + 3 {
        return Err(CodecError::Full);
    }
    put_member(update.id(), &mut buf)?;
    buf.put_u16(update.incarnation());
    buf.put_u8(match update.state() {
        State::Alive => 0,
        State::Suspect => 1,
        State::Down => 2,
    });
    Ok(())
}

/// Reads an update.
pub(super) fn take_update(mut buf: impl Buf) -> Result<Update, CodecError> {
    let member = take_member(&mut buf)?;
    let incarnation = take_u16(&mut buf)?;
    let state = match take_u8(&mut buf)? {
        0 => State::Alive,
        1 => State::Suspect,
        2 => State::Down,
        _ => return Err(CodecError::Unknown("state")),
    };
    Ok(Update::new(member, incarnation, state))
}

/// Writes what precedes every datagram.
pub(super) fn put_header(header: &Header<Member>, mut buf: impl BufMut) -> Result<(), CodecError> {
    put_member(&header.src, &mut buf)?;
    put_u16(header.src_incarnation, &mut buf)?;
    put_member(&header.dst, &mut buf)?;
    put_message(&header.message, buf)
}

/// Reads what precedes every datagram.
pub(super) fn take_header(mut buf: impl Buf) -> Result<Header<Member>, CodecError> {
    Ok(Header {
        src: take_member(&mut buf)?,
        src_incarnation: take_u16(&mut buf)?,
        dst: take_member(&mut buf)?,
        message: take_message(buf)?,
    })
}

fn put_message(message: &Message<Member>, mut buf: impl BufMut) -> Result<(), CodecError> {
    let (kind, third, probe) = match message {
        Message::Ping(number) => (0, None, Some(number)),
        Message::Ack(number) => (1, None, Some(number)),
        Message::PingReq { target, probe_number } => (2, Some(target), Some(probe_number)),
        Message::IndirectPing { origin, probe_number } => (3, Some(origin), Some(probe_number)),
        Message::IndirectAck { target, probe_number } => (4, Some(target), Some(probe_number)),
        Message::ForwardedAck { origin, probe_number } => (5, Some(origin), Some(probe_number)),
        Message::Announce => (6, None, None),
        Message::Feed => (7, None, None),
        Message::Gossip => (8, None, None),
        Message::Broadcast => (9, None, None),
        Message::TurnUndead => (10, None, None),
    };
    put_u8(kind, &mut buf)?;
    third.map_or(Ok(()), |member| put_member(member, &mut buf))?;
    probe.map_or(Ok(()), |number| put_u8(*number, &mut buf))
}

fn take_message(mut buf: impl Buf) -> Result<Message<Member>, CodecError> {
    let kind = take_u8(&mut buf)?;
    Ok(match kind {
        0 => Message::Ping(take_u8(&mut buf)?),
        1 => Message::Ack(take_u8(&mut buf)?),
        2..=5 => take_indirect(kind, take_member(&mut buf)?, take_u8(&mut buf)?),
        6 => Message::Announce,
        7 => Message::Feed,
        8 => Message::Gossip,
        9 => Message::Broadcast,
        10 => Message::TurnUndead,
        _ => return Err(CodecError::Unknown("message")),
    })
}

fn take_indirect(kind: u8, member: Member, probe_number: u8) -> Message<Member> {
    match kind {
        2 => Message::PingReq { target: member, probe_number },
        3 => Message::IndirectPing { origin: member, probe_number },
        4 => Message::IndirectAck { target: member, probe_number },
        _ => Message::ForwardedAck { origin: member, probe_number },
    }
}

fn member_len(member: &Member) -> usize {
    32 + address_len(&member.address) + 8
}

/// Bytes of [`put_address`].
pub(super) fn address_len(address: &SocketAddr) -> usize {
    if address.is_ipv4() { 7 } else { 19 }
}

fn put_member(member: &Member, mut buf: impl BufMut) -> Result<(), CodecError> {
    if buf.remaining_mut() < member_len(member) {
        return Err(CodecError::Full);
    }
    buf.put_slice(&member.peer.0);
    put_address(&member.address, &mut buf)?;
    buf.put_u64(member.instance);
    Ok(())
}

fn take_member(mut buf: impl Buf) -> Result<Member, CodecError> {
    let peer = PeerId(take_array(&mut buf)?);
    let address = take_address(&mut buf)?;
    let instance = take_u64(&mut buf)?;
    if instance > MAX_VERSION {
        return Err(CodecError::Impossible);
    }
    Ok(Member { peer, instance, address })
}

/// Writes family, address and port.
pub(super) fn put_address(address: &SocketAddr, mut buf: impl BufMut) -> Result<(), CodecError> {
    if buf.remaining_mut() < address_len(address) {
        return Err(CodecError::Full);
    }
    match address.ip() {
        IpAddr::V4(ip) => {
            buf.put_u8(4);
            buf.put_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            buf.put_u8(6);
            buf.put_slice(&ip.octets());
        }
    }
    buf.put_u16(address.port());
    Ok(())
}

/// Reads family, address and port; refuses what cannot be dialled.
pub(super) fn take_address(mut buf: impl Buf) -> Result<SocketAddr, CodecError> {
    let ip: IpAddr = match take_u8(&mut buf)? {
        4 => take_array::<4>(&mut buf)?.into(),
        6 => take_array::<16>(&mut buf)?.into(),
        _ => return Err(CodecError::Unknown("address family")),
    };
    let address = SocketAddr::new(ip, take_u16(&mut buf)?);
    if is_dialable(&address) { Ok(address) } else { Err(CodecError::Impossible) }
}

fn put_u8(value: u8, mut buf: impl BufMut) -> Result<(), CodecError> {
    if !buf.has_remaining_mut() {
        return Err(CodecError::Full);
    }
    buf.put_u8(value);
    Ok(())
}

fn put_u16(value: u16, mut buf: impl BufMut) -> Result<(), CodecError> {
    if buf.remaining_mut() < 2 {
        return Err(CodecError::Full);
    }
    buf.put_u16(value);
    Ok(())
}

/// Reads one byte.
pub(super) fn take_u8(mut buf: impl Buf) -> Result<u8, CodecError> {
    buf.try_get_u8().map_err(|_| CodecError::Short)
}

/// Reads two bytes.
pub(super) fn take_u16(mut buf: impl Buf) -> Result<u16, CodecError> {
    buf.try_get_u16().map_err(|_| CodecError::Short)
}

/// Reads eight bytes.
pub(super) fn take_u64(mut buf: impl Buf) -> Result<u64, CodecError> {
    buf.try_get_u64().map_err(|_| CodecError::Short)
}

/// Reads `N` bytes.
pub(super) fn take_array<const N: usize>(mut buf: impl Buf) -> Result<[u8; N], CodecError> {
    let mut bytes = [0; N];
    buf.try_copy_to_slice(&mut bytes).map_err(|_| CodecError::Short)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn member(n: u8) -> Member {
        let address = if n.is_multiple_of(2) {
            SocketAddr::from(([10, 0, 0, n], 7000))
        } else {
            SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, u16::from(n)], 7000))
        };
        Member { peer: PeerId([n; 32]), instance: 7 << 40, address }
    }

    #[test]
    fn every_kind_of_message_survives() {
        let (src, dst, third) = (member(1), member(2), member(3));
        for message in [
            Message::Ping(1),
            Message::Ack(2),
            Message::PingReq { target: third, probe_number: 3 },
            Message::IndirectPing { origin: third, probe_number: 4 },
            Message::IndirectAck { target: third, probe_number: 5 },
            Message::ForwardedAck { origin: third, probe_number: 6 },
            Message::Announce,
            Message::Feed,
            Message::Gossip,
            Message::Broadcast,
            Message::TurnUndead,
        ] {
            let header = Header { src, src_incarnation: 9, dst, message };
            let mut bytes = Vec::new();
            put_header(&header, &mut bytes).expect("a vector has room");
            assert_eq!(take_header(&bytes[..]), Ok(header));
        }
    }

    #[test]
    fn an_update_that_does_not_fit_leaves_nothing_behind() {
        let update = Update::new(member(2), 5, State::Suspect);
        for room in 0..60 {
            let mut bytes = Vec::new();
            match put_update(&update, (&mut bytes).limit(room)) {
                Ok(()) => assert_eq!(take_update(&bytes[..]), Ok(update.clone())),
                Err(error) => assert_eq!((error, bytes.len()), (CodecError::Full, 0)),
            }
        }
    }

    #[test]
    fn nobody_listens_nowhere() {
        for nowhere in ["0.0.0.0:1", "10.0.0.1:0", "224.0.0.1:1", "255.255.255.255:1", "[::]:1"] {
            let mut bytes = Vec::new();
            let address = nowhere.parse().expect("a literal");
            put_address(&address, &mut bytes).expect("a vector has room");
            assert_eq!(take_address(&bytes[..]), Err(CodecError::Impossible), "{nowhere}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = take_header(&bytes[..]);
            let _ = take_update(&bytes[..]);
        }
    }
}
