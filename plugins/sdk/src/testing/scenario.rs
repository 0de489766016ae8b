//! Questions made up from a random seed.

use alloc::vec::Vec;

use super::fields::{Field, fields};
use super::swarm::Swarm;
use crate::{
    Hook, MAX_LABELS, MAX_PARAMETERS, NeighboursView, OffersView, OverdueView, Question, Random,
    RequestsView, Times,
};

impl Hook {
    /// A question with an empty view.
    pub fn empty_question(self) -> Question {
        match self {
            Hook::Neighbours => Question::Neighbours(NeighboursView::default()),
            Hook::Offers => Question::Offers(OffersView::default()),
            Hook::Requests => Question::Requests(RequestsView::default()),
            Hook::Overdue => Question::Overdue(OverdueView::default()),
        }
    }
}

/// A question of the right form whose numbers need not make sense together: columns have the lengths that
/// belong, up to 24 peers and, now and then, a full window. The same seed gives the same question.
pub fn random_question(hook: Hook, random_seed: u64) -> Question {
    let mut random = Random::new(random_seed);
    let peers = random.below(25) as usize;
    let window = if random.below(8) == 0 { 1024 } else { random.below(140) as usize };
    let transfers = random.below(12) as usize;
    let labels = random.below(MAX_LABELS as u32 + 1) as usize;
    let parameters = random.below(MAX_PARAMETERS as u32 + 1) as usize;
    let (bit_rows, bit_columns) = match hook {
        Hook::Overdue => (transfers, peers),
        _ => (peers, window),
    };
    let words = bit_columns.div_ceil(64);
    let mut question = hook.empty_question();
    fields(&mut question, &mut |name, field| {
        let rows = match (name, name.split('.').next().unwrap_or(name)) {
            ("me.labels", _) => labels,
            ("me.parameters", _) => parameters,
            ("peers.labels", _) => peers * labels,
            (_, "peers") => peers,
            (_, "chunks") => window,
            (_, "inbound") => transfers,
            _ => bit_rows * words,
        };
        match field {
            Field::Number64(value) => *value = number(&mut random),
            Field::Number(value) if name.ends_with(".words") => *value = words as u32,
            Field::Number(value) => *value = random.below(40),
            Field::Flag(value) => *value = random.below(2) == 1,
            Field::Times(times) => {
                let mut next = || number(&mut random);
                *times = Times { p30_us: next(), p50_us: next(), p90_us: next(), p99_us: next() };
            }
            Field::Column64(values) => *values = (0..rows).map(|_| number(&mut random)).collect(),
            Field::Column(values) => {
                let end = if name == "inbound.peer" { peers as u32 } else { 1 + random.below(50) };
                *values = (0..rows).map(|_| random.below(end)).collect();
            }
            Field::Flags(values) => *values = (0..rows).map(|_| random.below(2) == 1).collect(),
            Field::Bits(values) => *values = bits(&mut random, bit_rows, bit_columns),
            Field::More(_) => {}
        }
    });
    question
}

/// Small, large or nothing.
fn number(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => 0,
        1 => u64::from(random.below(100)),
        2 => u64::from(random.below(10_000_000)),
        _ => random.next_u64() >> 16,
    }
}

fn bits(random: &mut Random, rows: usize, columns: usize) -> Vec<u64> {
    let words = columns.div_ceil(64);
    let last = if columns.is_multiple_of(64) { u64::MAX } else { (1 << (columns % 64)) - 1 };
    let word = |at: usize| if at % words == words - 1 { last } else { u64::MAX };
    (0..rows * words).map(|at| random.next_u64() & random.next_u64() & word(at)).collect()
}

/// A question in the middle of a transfer, as it is used to compare speeds: every peer has about half of the
/// chunks, loads and times differ, eight slots are free.
pub fn scenario(hook: Hook, peers: usize, chunks: usize, random_seed: u64) -> Question {
    let mut random = Random::new(random_seed);
    let mut swarm = Swarm::new(peers, chunks);
    swarm.me.random_seed = random.next_u64();
    swarm.me.free_slots = 8;
    swarm.me.slots = 8;
    for peer in 0..peers {
        swarm.gives(peer, (0..chunks).filter(|_| random.below(2) == 0));
        swarm.peers.inbound[peer] = random.below(4);
        swarm.peers.outstanding[peer] = random.below(2);
        swarm.peers.send_time_us[peer] = 5_000 + u64::from(random.below(10_000));
        swarm.peers.receive_time_us[peer] = 5_000 + u64::from(random.below(10_000));
    }
    match hook {
        Hook::Offers => Question::Offers(swarm.offers()),
        Hook::Requests => {
            swarm.lack(0..chunks);
            Question::Requests(swarm.requests())
        }
        Hook::Overdue => {
            swarm.lack(0..chunks);
            for transfer in 0..peers.min(chunks).min(16) {
                let age_us = u64::from(random.below(1_000_000));
                swarm.receives(transfer, transfer, age_us, random.below(2) == 0);
            }
            Question::Overdue(swarm.overdue())
        }
        Hook::Neighbours => Question::Neighbours(swarm.neighbours(peers as u32 / 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Case;

    #[test]
    fn the_two_requests_views_are_those_of_the_testing_kit() {
        let golden = crate::testing::golden().expect("the texts of this crate");
        for (name, peers, chunks) in [("requests-middle", 12, 400), ("requests-end", 6, 9)] {
            let question = scenario(Hook::Requests, peers, chunks, 7);
            let kept = golden.iter().find(|one| one.name == name).map(|one| &one.case.question);
            let text = Case { question: question.clone(), expected: Vec::new() }.write();
            assert!(kept == Some(&question), "{name} should be\n{text}");
        }
    }
}
