//! Scenarios drawn from a random seed: many small swarms with faults that all end early, after which
//! everybody must finish. First safety, then liveness.

use samara_policy::Random;

use super::quantity::{Span, When, Who};
use super::{Discovery, Fault, FaultKind, Scenario};

impl Scenario {
    /// With `[random]`: the scenario that belongs to this random seed. Otherwise the scenario as it is.
    pub fn drawn(&self, random_seed: u64) -> Scenario {
        let Some(table) = self.random else { return self.clone() };
        let mut random = Random::new(random_seed ^ 0x6472_6177);
        let mut within = |(low, high): (u32, u32)| low + random.below(high - low + 1);
        let (peers, chunks, faults) =
            (within(table.peers), within(table.chunks), within(table.faults));
        let mut drawn = self.clone();
        drawn.fleet = self.fleet.of_equals(peers);
        let content = &mut drawn.contents[0];
        content.size =
            u64::from(content.chunk) * u64::from(chunks) - u64::from(random.below(content.chunk));
        drawn.contents.truncate(1);
        drawn.discovery = match random.below(8) {
            0 => Discovery::Gossip,
            1 | 2 => Discovery::Origin,
            _ => Discovery::Tracker,
        };
        drawn.trackers = u32::from(drawn.discovery == Discovery::Tracker) * (1 + random.below(2));
        drawn.latency.0 = self.latency.0 * u64::from(1 + random.below(20)) / 4;
        drawn.latency.1 = drawn.latency.0 * u64::from(random.below(4)) / 2;
        drawn.arrive_within = self.chunk_time() * u64::from(random.below(4) * chunks) / 8;
        let chunk_time = self.chunk_time();
        drawn.faults = (0..faults).map(|_| fault(&mut random, chunk_time, chunks, peers)).collect();
        drawn.random = None;
        drawn.is_drawn = true;
        drawn
    }
}

/// A fault that ends: forged bytes and lies aside, which the others must survive for ever.
fn fault(random: &mut Random, chunk_time: u64, chunks: u32, peers: u32) -> Fault {
    let kind = match random.below(8) {
        0 | 1 => FaultKind::Crash,
        2 | 3 => FaultKind::Partition,
        4 => FaultKind::Corrupt,
        5 => FaultKind::FullDisk,
        6 => FaultKind::SlowPolicy,
        _ => FaultKind::FailingPolicy,
    };
    let most = match kind {
        FaultKind::Corrupt => 1,
        _ => peers.div_ceil(3),
    };
    let who = match (kind, random.below(6)) {
        (FaultKind::Crash | FaultKind::FailingPolicy, 0) => Who::Origin,
        _ => Who::Count(1 + random.below(most)),
    };
    // While the first half arrives: what comes later might find the run over.
    let at = match kind {
        FaultKind::Corrupt | FaultKind::SlowPolicy | FaultKind::FailingPolicy => {
            When::After(Span::Nanos(0))
        }
        _ => When::Progress(f64::from(random.below(50)) / 100.0),
    };
    Fault {
        kind,
        who,
        at,
        lasts: Some(chunk_time * u64::from(1 + random.below(chunks.max(8)))),
        noticed_after: chunk_time * u64::from(random.below(4)) / 2,
        delay: chunk_time * u64::from(1 + random.below(8)),
    }
}
