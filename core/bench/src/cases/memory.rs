//! A peer's memory, at two sizes of the content: it must not grow with the content.

use samara_model::ByteCount;

use super::{Case, unshaped};
use crate::measure::{Goal, Measure};

/// 2 GiB, and a quarter of that beside it.
pub fn cases() -> Vec<Case> {
    let large = Case {
        name: "memory",
        remark: "resident memory of the peer".into(),
        rivals: &[],
        columns: &[
            Measure::PeerMemory,
            Measure::OriginMemory,
            Measure::Seconds,
            Measure::CpuPerGib,
            Measure::OtherWork,
            Measure::Finished,
        ],
        goals: vec![Goal::required(Measure::PeerMemory, (64 << 20) as f64)],
        ..unshaped::pair()
    };
    let small = Case { name: "memory-quarter", size: ByteCount(large.size.0 / 4), ..large.clone() };
    vec![large, small]
}
