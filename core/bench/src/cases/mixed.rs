//! Fast and slow peers in one swarm: the slow ones must not hold up the fast ones.

use samara_model::{ByteCount, BytesPerSecond};

use super::{Case, Link};
use crate::{
    measure::{Goal, Measure},
    rivals::Rival,
};

/// 31 peers, every second at a quarter of the rate.
pub fn case() -> Case {
    Case {
        name: "mixed31",
        remark: "each over its own ideal".into(),
        peers: 31,
        link: Link::EverySecondAtAQuarter(BytesPerSecond(10_000_000 / 8)),
        size: ByteCount(12 << 20),
        kill_at: None,
        rivals: &[Rival::Libtorrent, Rival::Aria2],
        columns: &[
            Measure::LastFast,
            Measure::LastSlow,
            Measure::OriginCopies,
            Measure::Duplicates,
            Measure::CpuPerGib,
            Measure::MachineCpu,
            Measure::OtherWork,
            Measure::Finished,
        ],
        goals: vec![
            Goal::both(Measure::LastFast, 1.50, 1.20),
            Goal::both(Measure::LastSlow, 1.20, 1.10),
            Goal::required(Measure::Duplicates, 0.01),
        ],
    }
}
