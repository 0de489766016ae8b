//! Equal peers on equal links: the main figures.

use samara_model::{ByteCount, BytesPerSecond};

use super::{Case, Link};
use crate::{
    measure::{Goal, Measure},
    rivals::Rival,
};

/// What people would run for this, fastest to start first.
pub const RIVALS: &[Rival] = &[Rival::Libtorrent, Rival::Aria2, Rival::Uftp];

/// What a swarm's table shows.
pub const COLUMNS: &[Measure] = &[
    Measure::Last,
    Measure::Median,
    Measure::RatioToLimit,
    Measure::OriginCopies,
    Measure::Duplicates,
    Measure::Traffic,
    Measure::CpuPerGib,
    Measure::MachineCpu,
    Measure::OtherWork,
    Measure::Finished,
];

/// 15 peers at 50 Mbit/s: the machine is not the limit here, the protocol is.
pub fn fifteen_peers() -> Case {
    Case {
        name: "swarm15",
        remark: String::new(),
        peers: 15,
        link: Link::Equal(BytesPerSecond(50_000_000 / 8)),
        size: ByteCount(64 << 20),
        kill_at: None,
        rivals: RIVALS,
        columns: COLUMNS,
        goals: vec![
            Goal::both(Measure::Last, 1.12, 1.07),
            Goal::both(Measure::CpuPerGib, 9.0, 5.0),
            Goal::required(Measure::Duplicates, 0.01),
        ],
    }
}

/// 31 peers at 25 Mbit/s: a full mesh that begins to cost.
pub fn thirty_one_peers() -> Case {
    Case {
        name: "swarm31",
        peers: 31,
        link: Link::Equal(BytesPerSecond(25_000_000 / 8)),
        size: ByteCount(32 << 20),
        goals: vec![
            Goal::both(Measure::Last, 1.15, 1.09),
            Goal::required(Measure::OriginCopies, 1.1),
            Goal::required(Measure::Duplicates, 0.01),
        ],
        ..fifteen_peers()
    }
}
