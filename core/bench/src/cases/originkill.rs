//! The origin dies as soon as, or a little after, it can have sent every byte once.

use samara_model::{ByteCount, BytesPerSecond};

use super::{Case, Link};
use crate::{
    measure::{Goal, Measure},
    rivals::Rival,
};

/// Killed at 1.1 times the size: everybody has to finish.
pub fn case() -> Case {
    let kill_at = 1.1;
    Case {
        name: "originkill",
        remark: format!("origin killed once it has sent {kill_at} times the size"),
        peers: 31,
        link: Link::Equal(BytesPerSecond(10_000_000 / 8)),
        size: ByteCount(16 << 20),
        kill_at: Some(kill_at),
        rivals: &[Rival::Libtorrent, Rival::Aria2],
        columns: &[
            Measure::Finished,
            Measure::Last,
            Measure::Median,
            Measure::KilledAfter,
            Measure::FinishedBeforeKill,
            Measure::OriginCopies,
            Measure::CpuPerGib,
            Measure::MachineCpu,
            Measure::OtherWork,
        ],
        goals: vec![Goal::required(Measure::Finished, 1.0)],
    }
}

/// Killed at 1.03: hardly more than the headers' share later than possible.
pub fn early() -> Case {
    let kill_at = 1.03;
    Case {
        name: "originkill-early",
        remark: format!("origin killed once it has sent {kill_at} times the size"),
        kill_at: Some(kill_at),
        goals: vec![Goal::stretch(Measure::Finished, 1.0)],
        rivals: &[],
        ..case()
    }
}
