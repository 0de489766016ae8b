//! What came of a run, as figures.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::scenario::FaultKind;
use crate::world::Losses;
use crate::world::World;

/// Names of the figures that a scenario can set bounds for; each is a key of the report.
pub const FIGURES: &[&str] = &[
    "last_over_limit",
    "p50_over_limit",
    "p99_over_limit",
    "last_over_hop_limit",
    "last_over_copy",
    "fast_p50_over_limit",
    "fast_last_over_limit",
    "own_p50_over_limit",
    "own_last_over_limit",
    "last_seconds",
    "p50_seconds",
    "p99_seconds",
    "limit_seconds",
    "origin_copies",
    "cross_rack_share",
    "cross_zone_share",
    "duplicates_share",
    "finished",
    "alive",
    "peers",
    "policy_faults",
    "dropped_decisions",
    "bans",
    "messages_per_chunk",
    "offers_per_chunk",
    "declined_busy_share",
    "declined_have_share",
    "news_per_chunk",
    "violations",
];

/// A run in figures. Ratios are to the limit of this very scenario: its rates, racks and costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Of the scenario.
    pub scenario: String,
    /// The policy that ran.
    pub policy: String,
    /// What the run was drawn from.
    pub random_seed: u64,
    /// See [`FIGURES`]; a figure that this scenario cannot have is absent.
    #[serde(flatten)]
    pub figures: BTreeMap<&'static str, f64>,
    /// What each peer lost to each cause, in parts of the time of one copy.
    pub losses: Losses,
    /// Per fault of the scenario, what it is and how often it showed.
    pub faults: Vec<(FaultKind, u64)>,
    /// Equal runs give equal hashes.
    pub trace_hash: String,
    /// Steps of the virtual world.
    pub events: u64,
    /// Questions to the policy.
    pub questions: u64,
    /// Most transfers at a time.
    pub most_transfers: usize,
    /// What must always hold and did not.
    pub broken: Vec<String>,
    /// Bounds of the scenario that do not hold.
    pub unmet: Vec<String>,
    /// When each peer finished, in seconds, in order.
    #[serde(skip)]
    pub completions: Vec<f64>,
}

impl Report {
    /// Whether everything holds.
    pub fn is_good(&self) -> bool {
        self.broken.is_empty() && self.unmet.is_empty()
    }

    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied()
    }

    pub(crate) fn of(world: &World, limits: Limits) -> Report {
        let mut completions = Completions::of(world);
        let mut figures = BTreeMap::new();
        completions.figures(&limits, &mut figures);
        counts(world, &mut figures);
        figures.insert("limit_seconds", limits.limit);
        let scenario = &world.scenario;
        let mut report = Report {
            scenario: scenario.name.clone(),
            policy: scenario.policy.clone(),
            random_seed: world.random_seed,
            figures,
            losses: world.losses.per_peer(completions.all.len(), (limits.copy * 1e9) as u64),
            faults: {
                let kinds = scenario.faults.iter().map(|fault| fault.kind);
                kinds.zip(world.faults_shown().iter().copied()).collect()
            },
            trace_hash: format!("{:016x}", world.trace.value()),
            events: world.counts.events,
            questions: world.counts.questions,
            most_transfers: world.counts.most_flows,
            broken: world.violations.clone(),
            unmet: Vec::new(),
            completions: completions.all,
        };
        report.unmet = report.unmet_of(&scenario.expect);
        report
    }

    fn unmet_of(&self, expect: &[(String, crate::scenario::quantity::Bound)]) -> Vec<String> {
        let told =
            |(name, bound): &(String, crate::scenario::quantity::Bound)| match self.figure(name) {
                Some(figure) if bound.holds(figure) => None,
                Some(figure) => Some(format!("{name} is {figure:.4}, expected {bound}")),
                None => Some(format!("{name} has no value in this run, expected {bound}")),
            };
        expect.iter().filter_map(told).collect()
    }
}

/// Limits of a scenario in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Everybody, all links as they are.
    pub limit: f64,
    /// With the delay of each hop.
    pub hops: f64,
    /// As if all peers had the usual link.
    pub usual: f64,
    /// One copy over the usual link.
    pub copy: f64,
}

struct Completions {
    /// Since the last peer began.
    all: Vec<f64>,
    fast: Vec<f64>,
    /// Since each one's own beginning.
    own: Vec<f64>,
    special: bool,
    staggered: bool,
}

impl Completions {
    fn of(world: &World) -> Completions {
        let finished = world
            .nodes
            .iter()
            .skip(1)
            .filter_map(|node| Some((node, node.completed?, node.began?)));
        let mut completions = Completions {
            all: Vec::new(),
            fast: Vec::new(),
            own: Vec::new(),
            special: world.nodes.iter().skip(1).any(|node| node.place.special),
            staggered: world.scenario.arrive_within > 0,
        };
        for (node, at, began) in finished {
            let since = |start: u64| at.saturating_sub(start) as f64 / 1e9;
            completions.all.push(since(world.last_began()));
            if !node.place.special {
                completions.fast.push(since(world.last_began()));
            }
            completions.own.push(since(began));
        }
        for list in [&mut completions.all, &mut completions.fast, &mut completions.own] {
            list.sort_by(f64::total_cmp);
        }
        completions
    }

    fn figures(&mut self, limits: &Limits, figures: &mut BTreeMap<&'static str, f64>) {
        if let Some((p50, p99, last)) = quantiles(&self.all) {
            figures.extend([
                ("last_over_limit", last / limits.limit),
                ("p50_over_limit", p50 / limits.limit),
                ("p99_over_limit", p99 / limits.limit),
                ("last_over_hop_limit", last / limits.hops),
                ("last_over_copy", last / limits.copy),
                ("last_seconds", last),
                ("p50_seconds", p50),
                ("p99_seconds", p99),
            ]);
        }
        if let (true, Some((p50, _, last))) = (self.special, quantiles(&self.fast)) {
            figures.insert("fast_p50_over_limit", p50 / limits.usual);
            figures.insert("fast_last_over_limit", last / limits.usual);
        }
        if let (true, Some((p50, _, last))) = (self.staggered, quantiles(&self.own)) {
            figures.insert("own_p50_over_limit", p50 / limits.limit);
            figures.insert("own_last_over_limit", last / limits.limit);
        }
    }
}

/// Median, 99 % and last of sorted times; `None` of none.
fn quantiles(times: &[f64]) -> Option<(f64, f64, f64)> {
    let at = |share: f64| times[((times.len() as f64 * share).ceil() as usize).max(1) - 1];
    times.last().map(|last| (at(0.5), at(0.99), *last))
}

fn counts(world: &World, figures: &mut BTreeMap<&'static str, f64>) {
    let counts = &world.counts;
    let size: u64 = world.scenario.contents.iter().map(|content| content.size).sum();
    let count = |holds: fn(&crate::world::Node) -> bool| {
        world.nodes.iter().skip(1).filter(|node| holds(node)).count() as f64
    };
    figures.extend([
        ("origin_copies", counts.origin_bytes / size as f64),
        ("duplicates_share", counts.wasted / counts.arrived.max(1.0)),
        ("finished", count(|node| node.completed.is_some())),
        ("alive", count(|node| node.alive)),
        ("peers", count(|_| true)),
        ("policy_faults", counts.fallbacks as f64),
        ("dropped_decisions", counts.dropped_decisions as f64),
        ("bans", counts.bans as f64),
        ("messages_per_chunk", counts.messages as f64 / counts.transfers.max(1) as f64),
        ("violations", world.violations.len() as f64),
    ]);
    let stats = world.nodes.iter().flat_map(|node| node.members.iter().flatten());
    let sums = stats.map(|member| member.machine.stats()).fold([0; 4], |sums: [u64; 4], one| {
        [
            sums[0] + one.offers,
            sums[1] + one.declined_busy,
            sums[2] + one.declined_have,
            sums[3] + one.news,
        ]
    });
    let [offers, busy, have, news] = sums.map(|sum| sum as f64);
    figures.extend([
        ("offers_per_chunk", offers / counts.transfers.max(1) as f64),
        ("declined_busy_share", busy / offers.max(1.0)),
        ("declined_have_share", have / offers.max(1.0)),
        ("news_per_chunk", news / counts.transfers.max(1) as f64),
    ]);
    if world.scenario.fleet.racks > 0 {
        figures.insert("cross_rack_share", counts.cross_rack / counts.arrived.max(1.0));
    }
    if world.scenario.fleet.zones > 0 {
        figures.insert("cross_zone_share", counts.cross_zone / counts.arrived.max(1.0));
    }
}
