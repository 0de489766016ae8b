//! Sources scored as Dragonfly's scheduler scores parents: load, zone, place, kind of host, each with a
//! weight; each chunk is pulled from one of the best few, at random by how idle they are.
//!
//! Only whole numbers, so that the same source in another language gives the same picks. Not here: the
//! scheduler itself. Each node scores what it knows, instead of one process that knows all.

#![no_std]

extern crate alloc;

mod score;

use alloc::vec::Vec;

use samara_policy::{
    Description, Hooks, Me, Parameter, PeerColumns, Policy, Random, Request, RequestsAnswer,
    RequestsView,
    pick::{self, MAX_DECISIONS, at},
};

use score::Weights;

/// The policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct LeastLoaded;

/// Best sources of a chunk among which chance decides; the number of parents that Dragonfly hands out.
const PARENTS: u64 = 4;

/// Reason codes of this policy, beside those of [`pick::reason`].
pub mod reason {
    /// The source is among those with the best score.
    pub const BEST_SCORE: u32 = 16;
}

samara_policy::export!(LeastLoaded);

impl Policy for LeastLoaded {
    fn describe(&self) -> Description {
        let hooks = Hooks { neighbours: true, requests: true, ..Hooks::default() };
        let [load, zone, place, kind] = Weights::DEFAULTS;
        Description::new("least-loaded", env!("CARGO_PKG_VERSION"))
            .hooks(hooks)
            .parameter(Parameter::permille("load", "weight of how idle a source is", load))
            .parameter(Parameter::permille("zone", "weight of being in the same zone", zone))
            .parameter(Parameter::permille("place", "weight of how near it is", place))
            .parameter(Parameter::permille("kind", "weight of its being the origin or not", kind))
            .parameter(Parameter::number(
                "parents",
                "best sources of a chunk among which chance decides",
                PARENTS,
                1..=64,
            ))
    }

    /// What lacks to the best score.
    fn cost(&self, me: &Me, peers: &PeerColumns, row: u32) -> u64 {
        let weights = Weights::of(me);
        weights.best() - weights.score(me, peers, row)
    }

    fn requests(&self, view: &RequestsView) -> RequestsAnswer {
        let (me, peers) = (&view.me, &view.peers);
        let weights = Weights::of(me);
        let parents = me.parameter(4, PARENTS).clamp(1, 64) as usize;
        let mut random = Random::new(me.random_seed);
        let mut sources: Vec<Source> = (0..peers.len())
            .map(|row| Source {
                row,
                load: at(&peers.incoming, row),
                score: weights.score(me, peers, row),
                idle: score::idle(me, peers, row),
            })
            .filter(|source| !score::is_bad(me, peers, source.row))
            .collect();
        sources.sort_by_key(|source| core::cmp::Reverse(source.score));
        let slots = (me.free_slots as usize).min(MAX_DECISIONS);
        let mut requests = Vec::new();
        for position in pick::rarest_order(&view.chunks, &mut random) {
            if requests.len() >= slots {
                break;
            }
            let has = |source: &&mut Source| {
                source.load < me.per_peer && view.available.get(source.row, position)
            };
            let best: Vec<&mut Source> = sources.iter_mut().filter(has).take(parents).collect();
            if let Some(source) = by_idleness(best, &mut random) {
                source.load += 1;
                let reason = reason::BEST_SCORE;
                requests.push(Request { peer: source.row, chunk: Some(position), reason });
            }
        }
        RequestsAnswer { requests }
    }
}

struct Source {
    row: u32,
    load: u32,
    score: u64,
    idle: u64,
}

/// One of the best, each as likely as it is idle, but at least a tenth as likely as one that is all idle:
/// with the best alone, everybody would ask the same.
fn by_idleness<'a>(best: Vec<&'a mut Source>, random: &mut Random) -> Option<&'a mut Source> {
    let chance = |source: &Source| source.idle.max(100) as u32;
    let all = best.iter().map(|source| chance(source)).sum();
    let mut left = random.below(all);
    best.into_iter().find(|source| {
        let here = left < chance(source);
        left = left.wrapping_sub(chance(source));
        here
    })
}

#[cfg(test)]
mod tests;
