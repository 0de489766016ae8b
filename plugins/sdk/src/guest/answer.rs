//! The contract's answers, field by field in its order: flat columns.

use alloc::string::String;
use alloc::vec::Vec;

use super::list::{Column, List};
use crate::{Connection, OverdueAction};

/// The chunk that stands for "the source chooses".
const ANY_CHUNK: u32 = u32::MAX;

fn nothing_more() -> List<Column> {
    Vec::new().into()
}

#[repr(C)]
pub(super) struct Description {
    name: List<u8>,
    version: List<u8>,
    hooks: u32,
    window: u32,
    labels: List<List<u8>>,
    parameters: List<Parameter>,
    more: List<Column>,
}

#[repr(C)]
struct Parameter {
    name: List<u8>,
    help: List<u8>,
    kind: u32,
    default: u64,
    min: u64,
    max: u64,
}

/// Answer of `neighbours`.
#[repr(C)]
pub struct NeighboursAnswer {
    connect: List<u32>,
    drop: List<u32>,
    connect_reason: List<u32>,
    drop_reason: List<u32>,
    more: List<Column>,
}

/// Answer of `offers`.
#[repr(C)]
pub struct OffersAnswer {
    peer: List<u32>,
    push: List<u32>,
    count: List<u32>,
    reason: List<u32>,
    chunks: List<u32>,
    more: List<Column>,
}

/// Answer of `requests`.
#[repr(C)]
pub struct RequestsAnswer {
    peer: List<u32>,
    chunk: List<u32>,
    reason: List<u32>,
    more: List<Column>,
}

/// Answer of `overdue`.
#[repr(C)]
pub struct OverdueAnswer {
    transfer: List<u32>,
    action: List<u32>,
    other: List<u32>,
    reason: List<u32>,
    more: List<Column>,
}

impl From<crate::Description> for Description {
    fn from(description: crate::Description) -> Self {
        let labels = description.labels.into_iter().map(<List<u8> as From<String>>::from);
        let parameters = description.parameters.into_iter().map(Parameter::from);
        Description {
            name: description.name.into(),
            version: description.version.into(),
            hooks: description.hooks.bits(),
            window: description.window.code(),
            labels: labels.collect::<Vec<_>>().into(),
            parameters: parameters.collect::<Vec<_>>().into(),
            more: wanted_columns(&description.columns),
        }
    }
}

impl From<crate::Parameter> for Parameter {
    fn from(parameter: crate::Parameter) -> Self {
        Parameter {
            name: parameter.name.into(),
            help: parameter.help.into(),
            kind: parameter.kind.code(),
            default: parameter.default,
            min: parameter.min,
            max: parameter.max,
        }
    }
}

impl From<crate::NeighboursAnswer> for NeighboursAnswer {
    fn from(answer: crate::NeighboursAnswer) -> Self {
        let rows = |of: &[Connection]| column(of, |one| one.peer);
        let reasons = |of: &[Connection]| column(of, |one| one.reason);
        NeighboursAnswer {
            connect: rows(&answer.connect),
            drop: rows(&answer.drop),
            connect_reason: reasons(&answer.connect),
            drop_reason: reasons(&answer.drop),
            more: nothing_more(),
        }
    }
}

impl From<crate::OffersAnswer> for OffersAnswer {
    fn from(answer: crate::OffersAnswer) -> Self {
        let offers = &answer.offers;
        OffersAnswer {
            peer: column(offers, |offer| offer.peer),
            push: column(offers, |offer| offer.push.into()),
            count: column(offers, |offer| offer.chunks.len() as u32),
            reason: column(offers, |offer| offer.reason),
            chunks: offers
                .iter()
                .flat_map(|offer| &offer.chunks)
                .copied()
                .collect::<Vec<_>>()
                .into(),
            more: nothing_more(),
        }
    }
}

impl From<crate::RequestsAnswer> for RequestsAnswer {
    fn from(answer: crate::RequestsAnswer) -> Self {
        let requests = &answer.requests;
        RequestsAnswer {
            peer: column(requests, |request| request.peer),
            chunk: column(requests, |request| request.chunk.unwrap_or(ANY_CHUNK)),
            reason: column(requests, |request| request.reason),
            more: nothing_more(),
        }
    }
}

impl From<crate::OverdueAnswer> for OverdueAnswer {
    fn from(answer: crate::OverdueAnswer) -> Self {
        let decisions = &answer.decisions;
        let action = |action: OverdueAction| match action {
            OverdueAction::Wait => (0, 0),
            OverdueAction::Duplicate(other) => (1, other),
            OverdueAction::Cancel => (2, 0),
        };
        OverdueAnswer {
            transfer: column(decisions, |decision| decision.transfer),
            action: column(decisions, |decision| action(decision.action).0),
            other: column(decisions, |decision| action(decision.action).1),
            reason: column(decisions, |decision| decision.reason),
            more: nothing_more(),
        }
    }
}

/// The columns that a description asks for.
fn wanted_columns(ids: &[u32]) -> List<Column> {
    if ids.is_empty() {
        return nothing_more();
    }
    let values = ids.iter().map(|id| u64::from(*id)).collect::<Vec<_>>().into();
    alloc::vec![Column { id: crate::column::WANTED, values }].into()
}

fn column<T>(rows: &[T], value: impl Fn(&T) -> u32) -> List<u32> {
    rows.iter().map(value).collect::<Vec<u32>>().into()
}
