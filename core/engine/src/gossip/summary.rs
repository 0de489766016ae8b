//! The small note "peer holds this much of these contents" that rides on datagrams.
//!
//! ```text
//! 1 format | 32 peer | 7 or 19 address | 8 version | 1 whole | [24 place] | n times: 32 content, 1 completion
//! ```
//! Format 1 has no place; format 2 has the three numbers of one. A completion is 0 to 16 sixteenths, plus 128
//! while fetching. Ten contents make 416 bytes at most.

use alloc::vec::Vec;
use bytes::BufMut;
use core::net::SocketAddr;
use samara_model::{ContentId, Holding, PeerId, Place};

use super::codec::{CodecError, put_address, take_address, take_array, take_u8, take_u64};
use super::member::{MAX_VERSION, Member};

/// Most contents in one summary.
pub(super) const MAX_SUMMARY: usize = 10;
/// Most bytes of one summary.
pub(super) const MAX_SUMMARY_BYTES: usize = 424;

const PLAIN: u8 = 1;
const WITH_PLACE: u8 = 2;
const FETCHING: u8 = 0x80;

/// What one peer holds, in sixteenths.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Summary {
    pub peer: PeerId,
    pub address: SocketAddr,
    /// Where it stands.
    pub place: Place,
    /// Of the peer's row. What is listed is true as of it.
    pub version: u64,
    /// Everything is listed. Otherwise these are the latest changes; nothing of a content that is not
    /// fetched means that it is gone.
    pub whole: bool,
    pub holdings: Vec<Holding>,
}

/// Completion in sixteenths, rounded down: 16 is complete and nothing else.
pub(super) fn sixteenths(permille: u16) -> u8 {
    (u32::from(permille.min(1000)) * 16 / 1000) as u8
}

impl Summary {
    /// At most [`MAX_SUMMARY_BYTES`]; contents beyond the tenth are left out.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_SUMMARY_BYTES);
        let format = if self.place.is_unknown() { PLAIN } else { WITH_PLACE };
        bytes.put_u8(format);
        bytes.put_slice(&self.peer.0);
        put_address(&self.address, &mut bytes).expect("a vector has room");
        bytes.put_u64(self.version);
        bytes.put_u8(u8::from(self.whole && self.holdings.len() <= MAX_SUMMARY));
        if format == WITH_PLACE {
            let Place { zone, rack, host } = self.place;
            [zone, rack, host].into_iter().for_each(|number| bytes.put_u64(number));
        }
        for holding in self.holdings.iter().take(MAX_SUMMARY) {
            bytes.put_slice(&holding.content.0);
            let fetching = if holding.fetching { FETCHING } else { 0 };
            bytes.put_u8(sixteenths(holding.permille) | fetching);
        }
        bytes
    }

    /// Reads and checks a summary.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, CodecError> {
        let fits = bytes.len() <= MAX_SUMMARY_BYTES;
        let format = take_u8(&mut bytes)?;
        if !fits || !matches!(format, PLAIN | WITH_PLACE) {
            return Err(CodecError::Unknown("format"));
        }
        let mut summary = Summary {
            peer: PeerId(take_array(&mut bytes)?),
            address: take_address(&mut bytes)?,
            place: Place::default(),
            version: take_u64(&mut bytes)?,
            whole: take_u8(&mut bytes)? == 1,
            holdings: Vec::new(),
        };
        if summary.version > MAX_VERSION {
            return Err(CodecError::Impossible);
        }
        if format == WITH_PLACE {
            let mut number = || take_u64(&mut bytes);
            summary.place = Place { zone: number()?, rack: number()?, host: number()? };
        }
        while !bytes.is_empty() {
            summary.holdings.push(take_holding(&mut bytes)?);
        }
        Ok(summary)
    }
}

fn take_holding(bytes: &mut &[u8]) -> Result<Holding, CodecError> {
    let content = ContentId(take_array(&mut *bytes)?);
    let completion = take_u8(bytes)?;
    let steps = completion & !FETCHING;
    if steps > 16 {
        return Err(CodecError::Unknown("completion"));
    }
    // Rounded up, so that reading and writing again gives the same sixteenth.
    let permille = (u16::from(steps) * 1000).div_ceil(16);
    Ok(Holding { content, permille, fetching: completion & FETCHING != 0 })
}

/// Tells foca which summary replaces which. It sees only summaries that the table took as news, so
/// each of them is worth passing on.
#[derive(Debug)]
pub(super) struct SummaryHandler;

/// A later summary of a peer replaces an earlier one.
pub(super) struct SummaryOf(PeerId);

impl foca::Invalidates for SummaryOf {
    fn invalidates(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl foca::BroadcastHandler<Member> for SummaryHandler {
    type Key = SummaryOf;
    type Error = CodecError;

    fn receive_item(
        &mut self,
        data: &[u8],
        _sender: Option<&Member>,
    ) -> Result<Option<SummaryOf>, CodecError> {
        Summary::from_bytes(data).map(|summary| Some(SummaryOf(summary.peer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_summary_keeps_its_bound_and_survives() {
        let holdings = (0..12)
            .map(|n| Holding { content: ContentId([n; 32]), permille: 500, fetching: n % 2 == 0 })
            .collect();
        let address = SocketAddr::from(([1u16; 8], 7000));
        let place = Place { zone: u64::MAX, rack: 1, host: 2 };
        let peer = PeerId([1; 32]);
        let summary = Summary { peer, address, place, version: 5, whole: true, holdings };
        let bytes = summary.to_bytes();
        assert!(bytes.len() <= MAX_SUMMARY_BYTES);
        let back = Summary::from_bytes(&bytes).expect("own bytes");
        assert_eq!(back.holdings, summary.holdings[..MAX_SUMMARY]);
        assert!(!back.whole, "two contents are missing");
        assert_eq!(back.place, place);
    }

    #[test]
    fn only_a_complete_content_has_sixteen_sixteenths() {
        assert_eq!((sixteenths(0), sixteenths(62), sixteenths(63)), (0, 0, 1));
        assert_eq!((sixteenths(999), sixteenths(1000), sixteenths(u16::MAX)), (15, 16, 16));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            if let Ok(summary) = Summary::from_bytes(&bytes) {
                prop_assert_eq!(Summary::from_bytes(&summary.to_bytes()), Ok(summary));
            }
        }
    }
}
