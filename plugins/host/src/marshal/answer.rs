//! Answers, as they came from the guest: flat columns, checked for their form and made into decisions.

use samara_policy::{
    Connection, MAX_CANDIDATES, NeighboursAnswer, Offer, OffersAnswer, OverdueAction,
    OverdueAnswer, OverdueDecision, Request, RequestsAnswer,
};

use crate::bindings::exports::samara::policy::strategy as wit;
use crate::fault::Malformed;

/// The chunk that stands for "the source chooses".
const ANY_CHUNK: u32 = u32::MAX;

pub(super) fn offers(said: wit::OffersAnswer) -> Result<OffersAnswer, Malformed> {
    let rows = said.peer.len();
    length("push", said.push.len(), rows)?;
    length("count", said.count.len(), rows)?;
    let reason = Reasons::of("reason", &said.reason, rows)?;
    let counts = said.count.iter().map(|count| *count as usize);
    length("chunks", said.chunks.len(), counts.fold(0, usize::saturating_add))?;
    let mut chunks = said.chunks.as_slice();
    let mut offers = Vec::with_capacity(rows);
    for (row, count) in said.count.iter().enumerate() {
        if !(1..=MAX_CANDIDATES as u32).contains(count) {
            return Err(Malformed::Value { column: "count", row, value: *count });
        }
        let (own, rest) = chunks.split_at(*count as usize);
        chunks = rest;
        offers.push(Offer {
            peer: said.peer[row],
            push: flag("push", row, said.push[row])?,
            chunks: own.to_vec(),
            reason: reason.at(row),
        });
    }
    Ok(OffersAnswer { offers })
}

pub(super) fn requests(said: wit::RequestsAnswer) -> Result<RequestsAnswer, Malformed> {
    let rows = said.peer.len();
    length("chunk", said.chunk.len(), rows)?;
    let reason = Reasons::of("reason", &said.reason, rows)?;
    let request = |row: usize| Request {
        peer: said.peer[row],
        chunk: (said.chunk[row] != ANY_CHUNK).then_some(said.chunk[row]),
        reason: reason.at(row),
    };
    Ok(RequestsAnswer { requests: (0..rows).map(request).collect() })
}

pub(super) fn overdue(said: wit::OverdueAnswer) -> Result<OverdueAnswer, Malformed> {
    let rows = said.transfer.len();
    length("action", said.action.len(), rows)?;
    length("other", said.other.len(), rows)?;
    let reason = Reasons::of("reason", &said.reason, rows)?;
    let decision = |row: usize| {
        let action = match said.action[row] {
            0 => OverdueAction::Wait,
            1 => OverdueAction::Duplicate(said.other[row]),
            2 => OverdueAction::Cancel,
            value => return Err(Malformed::Value { column: "action", row, value }),
        };
        Ok(OverdueDecision { transfer: said.transfer[row], action, reason: reason.at(row) })
    };
    Ok(OverdueAnswer { decisions: (0..rows).map(decision).collect::<Result<_, _>>()? })
}

pub(super) fn neighbours(said: wit::NeighboursAnswer) -> Result<NeighboursAnswer, Malformed> {
    let connections = |column, rows: &[u32], reasons: &[u32]| {
        let reason = Reasons::of(column, reasons, rows.len())?;
        let connection =
            |(row, peer): (usize, &u32)| Connection { peer: *peer, reason: reason.at(row) };
        Ok::<_, Malformed>(rows.iter().enumerate().map(connection).collect())
    };
    Ok(NeighboursAnswer {
        connect: connections("connect-reason", &said.connect, &said.connect_reason)?,
        drop: connections("drop-reason", &said.drop, &said.drop_reason)?,
    })
}

/// A column of reason codes, which may be left out.
struct Reasons<'a>(&'a [u32]);

impl<'a> Reasons<'a> {
    fn of(column: &'static str, codes: &'a [u32], rows: usize) -> Result<Self, Malformed> {
        if !codes.is_empty() {
            length(column, codes.len(), rows)?;
        }
        Ok(Reasons(codes))
    }

    fn at(&self, row: usize) -> u32 {
        self.0.get(row).copied().unwrap_or(0)
    }
}

fn length(column: &'static str, has: usize, wanted: usize) -> Result<(), Malformed> {
    if has == wanted { Ok(()) } else { Err(Malformed::Length { column, has, wanted }) }
}

fn flag(column: &'static str, row: usize, value: u32) -> Result<bool, Malformed> {
    match value {
        0 | 1 => Ok(value == 1),
        _ => Err(Malformed::Value { column, row, value }),
    }
}
