//! The members, as bytes of a full-state exchange: one byte of format, then updates to the end.

use alloc::vec;
use alloc::vec::Vec;
use rand::RngExt;
use samara_model::Time;

use super::codec::{Update, put_update, take_u8, take_update};
use super::membership::Membership;
use super::random::Random;

const FORMAT: u8 = 1;
/// Most bytes that are sent: 9,000 members with IPv4 addresses. Of more, a random part is sent. A frame
/// holds 1 MiB, together with table and releases.
const MAX_SENT: usize = 448 << 10;
/// Most updates that are taken.
const MAX_TAKEN: usize = 16_384;

/// This node first, then the others from a random one on. Those that have been down for half of the time
/// after which they are forgotten are left out: whoever does not know it by now will find out.
pub(super) fn encode_members(members: &Membership, now: Time, random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    let _ = put_update(&Update::alive(members.me()), &mut bytes);
    let all = || members.foca.iter_membership_state();
    let start = random.random_range(0..all().len().max(1));
    let forget_after = members.config.forget_down_after / 2;
    for update in all().skip(start).chain(all().take(start)) {
        if bytes.len() >= MAX_SENT {
            break;
        }
        let down_since = members.down_since(&update.id().peer);
        if down_since.is_none_or(|since| now.since(since) < forget_after) {
            let _ = put_update(update, &mut bytes);
        }
    }
    bytes
}

/// Reads what [`encode_members`] writes; `None` when it is something else.
pub(super) fn decode_members(mut bytes: &[u8]) -> Option<Vec<Update>> {
    if take_u8(&mut bytes).ok()? != FORMAT {
        return None;
    }
    let mut updates = Vec::new();
    while !bytes.is_empty() && updates.len() < MAX_TAKEN {
        updates.push(take_update(&mut bytes).ok()?);
    }
    Some(updates)
}
