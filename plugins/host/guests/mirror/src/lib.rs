//! For the host's tests: a policy whose answers depend on every value that it is shown, so that native and
//! compiled to WASM it only answers alike if every column arrives as it left.

#![no_std]

extern crate alloc;

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use samara_policy::testing::{Field, fields};
use samara_policy::{
    Connection, Description, Hooks, NeighboursAnswer, NeighboursView, Offer, OffersAnswer,
    OffersView, OverdueAction, OverdueAnswer, OverdueDecision, OverdueView, Parameter,
    ParameterKind, Policy, Question, Request, RequestsAnswer, RequestsView, WindowOrder,
};

/// See the crate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mirror;

samara_policy::export!(Mirror);

impl Policy for Mirror {
    fn describe(&self) -> Description {
        let parameter = |name: &str, kind, default, min, max| Parameter {
            name: name.to_string(),
            help: "grüßt".to_string(),
            kind,
            default,
            min,
            max,
        };
        Description {
            name: "mirror-2".to_string(),
            version: "1.2.3 (ä)".to_string(),
            hooks: Hooks { overdue: false, ..Hooks::ALL },
            window: WindowOrder::LowestIndex,
            labels: vec!["gpu".to_string(), "pod".to_string()],
            parameters: vec![
                parameter("whole-range", ParameterKind::Number, 1 << 60, 0, u64::MAX),
                parameter("yes", ParameterKind::Flag, 1, 0, 1),
                parameter("part", ParameterKind::Permille, 250, 1, 1000),
                parameter("size", ParameterKind::Bytes, 4 << 20, 0, 1 << 40),
                parameter("wait", ParameterKind::Micros, 250_000, 0, 10_000_000),
            ],
            columns: vec![16, 7],
        }
    }

    fn neighbours(&self, view: &NeighboursView) -> NeighboursAnswer {
        let marks = marks(Question::Neighbours(view.clone()));
        let connection = |mark: &u32| Connection { peer: *mark, reason: mark / 3 };
        let (connect, drop): (Vec<u32>, Vec<u32>) = marks.iter().partition(|mark| *mark % 3 != 0);
        NeighboursAnswer {
            connect: connect.iter().map(connection).collect(),
            drop: drop.iter().map(connection).collect(),
        }
    }

    fn offers(&self, view: &OffersView) -> OffersAnswer {
        let offer = |mark: u32| Offer {
            peer: mark,
            push: mark & 1 == 1,
            chunks: (0..1 + mark % 8).map(|step| mark.wrapping_add(step)).collect(),
            reason: mark >> 3,
        };
        OffersAnswer {
            offers: marks(Question::Offers(view.clone())).into_iter().map(offer).collect(),
        }
    }

    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        let request = |mark: u32| Request {
            peer: mark,
            chunk: (mark & 2 == 0).then_some(mark >> 1),
            reason: mark >> 5,
        };
        RequestsAnswer {
            requests: marks(Question::Requests(view.clone())).into_iter().map(request).collect(),
        }
    }

    fn overdue(&self, view: &OverdueView) -> OverdueAnswer {
        let decision = |mark: u32| OverdueDecision {
            transfer: mark,
            action: match mark % 3 {
                0 => OverdueAction::Wait,
                1 => OverdueAction::Duplicate(mark >> 7),
                _ => OverdueAction::Cancel,
            },
            reason: mark >> 9,
        };
        OverdueAnswer {
            decisions: marks(Question::Overdue(view.clone())).into_iter().map(decision).collect(),
        }
    }
}

/// One number per field, from its name and values.
fn marks(mut question: Question) -> Vec<u32> {
    let mut marks = Vec::new();
    fields(&mut question, &mut |name, field| {
        let mut mark = Mark(0xcbf2_9ce4_8422_2325);
        name.bytes().for_each(|byte| mark.take(byte.into()));
        match field {
            Field::Number64(value) => mark.take(*value),
            Field::Number(value) => mark.take((*value).into()),
            Field::Flag(value) => mark.take((*value).into()),
            Field::Times(times) => {
                let all = [times.p30_us, times.p50_us, times.p90_us, times.p99_us];
                all.iter().for_each(|value| mark.take(*value));
            }
            Field::Column64(values) | Field::Bits(values) => {
                values.iter().for_each(|value| mark.take(*value));
            }
            Field::Column(values) => values.iter().for_each(|value| mark.take((*value).into())),
            Field::Flags(values) => values.iter().for_each(|value| mark.take((*value).into())),
            Field::More(columns) => columns.iter().for_each(|column| {
                mark.take(column.id.into());
                column.values.iter().for_each(|value| mark.take(*value));
            }),
        }
        marks.push((mark.0 >> 32) as u32);
    });
    marks
}

/// FNV-1a over whole numbers.
struct Mark(u64);

impl Mark {
    fn take(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    }
}
