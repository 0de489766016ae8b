//! From a scenario and a random seed to a report.

use std::time::Duration;

use samara_model::limit::{LinkRates, RackRates, Shape};
use samara_model::{ByteCount, BytesPerSecond};
use samara_policy::Random;

use crate::registry::{self, Decide, Native};
use crate::report::{Limits, Report};
use crate::scenario::{Place, Scenario};
use crate::world::{Progress, World};

/// Runs a scenario; `watch` is told now and then how far it is.
///
/// The same scenario, random seed and policy give the same report on every machine.
pub fn run(scenario: &Scenario, random_seed: u64, watch: &mut dyn FnMut(Progress)) -> Report {
    let policy = registry::find(&scenario.policy)
        .or_else(|| registry::find(registry::BUILT_IN))
        .unwrap_or_else(|| Box::new(Native(samara_policy_balanced::Balanced)));
    run_with(scenario, random_seed, policy, watch)
}

/// Runs a scenario with a policy that the registry does not know; the report calls it what the scenario says.
pub fn run_with(
    scenario: &Scenario,
    random_seed: u64,
    policy: Box<dyn Decide>,
    watch: &mut dyn FnMut(Progress),
) -> Report {
    let scenario = scenario.drawn(random_seed);
    let limits = limits(&scenario, random_seed);
    let limit = (limits.limit * 1e9) as u64;
    let mut world = World::new(scenario, random_seed, policy, limit);
    world.run(watch);
    Report::of(&world, limits)
}

/// The limits of a scenario. Contents that are distributed at once count as one.
fn limits(scenario: &Scenario, random_seed: u64) -> Limits {
    let places = scenario.fleet.places(&mut Random::new(random_seed));
    let peers: Vec<LinkRates> = places[1..].iter().map(|place| rates(scenario, place)).collect();
    let usual: Vec<LinkRates> = peers
        .iter()
        .map(|_| LinkRates { up: scenario.fleet.rate, down: capped(scenario, scenario.fleet.rate) })
        .collect();
    let racks = racks(scenario, &places);
    let (first, all) = (scenario.contents[0], scenario.contents.iter());
    let size: u64 = all.map(|content| content.size).sum();
    let shape = |peers| Shape {
        size: ByteCount(size),
        chunk_size: first.chunk,
        origin: scenario.fleet.origin_rate,
        peers,
        racks: &racks,
        per_chunk: Duration::from_nanos(scenario.per_chunk),
        hop_delay: Duration::ZERO,
    };
    let hop_delay = Duration::from_nanos(scenario.latency.0 + scenario.data_latency);
    let with_hops = Shape { hop_delay, ..shape(&peers) };
    let seconds = |shape: &Shape| shape.limit().as_secs_f64();
    Limits {
        limit: seconds(&shape(&peers)),
        hops: seconds(&with_hops),
        usual: seconds(&shape(&usual)),
        copy: size as f64 / scenario.fleet.rate.0 as f64,
    }
}

fn rates(scenario: &Scenario, place: &Place) -> LinkRates {
    LinkRates { up: place.up, down: capped(scenario, place.down) }
}

/// A node takes no more than it can hash and write.
fn capped(scenario: &Scenario, rate: BytesPerSecond) -> BytesPerSecond {
    [scenario.hash, scenario.disk].into_iter().flatten().fold(rate, std::cmp::min)
}

/// What goes into and out of racks and zones: a zone is a larger rack.
fn racks(scenario: &Scenario, places: &[Place]) -> Vec<RackRates> {
    let fleet = &scenario.fleet;
    let mut all = Vec::new();
    let mut add = |count: u32, rate: BytesPerSecond, of: fn(&Place) -> Option<u32>| {
        for rack in 0..count {
            let members = places[1..].iter().filter(|place| of(place) == Some(rack)).count() as u32;
            let has_origin = of(&places[0]) == Some(rack);
            all.push(RackRates { up: rate, down: rate, members, has_origin });
        }
    };
    if fleet.rack_rate.0 > 0 {
        add(fleet.racks, fleet.rack_rate, |place| place.rack);
    }
    add(fleet.zones, fleet.zone_rate, |place| place.zone);
    all
}
