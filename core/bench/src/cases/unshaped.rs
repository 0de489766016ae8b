//! No shaping, files in memory: what the program itself costs.

use samara_model::ByteCount;

use super::{Case, Link};
use crate::{
    measure::{Goal, Measure},
    rivals::Rival,
};

/// One to one.
pub fn pair() -> Case {
    Case {
        name: "pair",
        remark: "one to one, files in memory".into(),
        peers: 1,
        link: Link::Unshaped,
        size: ByteCount(2 << 30),
        kill_at: None,
        rivals: &[Rival::Iperf3, Rival::Nginx, Rival::Rsync, Rival::Aria2, Rival::Libtorrent],
        columns: &[
            Measure::Seconds,
            Measure::SecondsOverNginx,
            Measure::TotalRate,
            Measure::CpuPerGib,
            Measure::PreparingCpu,
            Measure::PeerMemory,
            Measure::OriginMemory,
            Measure::MachineCpu,
            Measure::OtherWork,
            Measure::Finished,
        ],
        goals: vec![
            Goal::both(Measure::SecondsOverNginx, 1.3, 1.0),
            Goal::both(Measure::CpuPerGib, 1.2, 0.7),
            Goal::required(Measure::PeerMemory, (64 << 20) as f64),
        ],
    }
}

/// One to four.
pub fn fan() -> Case {
    Case {
        name: "fan4",
        remark: "one to four, files in memory".into(),
        peers: 4,
        rivals: &[Rival::Nginx, Rival::Rsync, Rival::Aria2, Rival::Libtorrent],
        goals: vec![Goal::both(Measure::TotalRate, 1000.0, 1400.0)],
        ..pair()
    }
}
