//! The answers of this policy do not change by accident: views drawn from fixed seeds give the answers that
//! were recorded. A change that is meant prints the new text, which then replaces `recorded.txt`.

use samara_policy::Policy;
use samara_policy_balanced::Balanced;
use samara_policy_testing::views::Views;

/// Views of each hook whose answers are written out; of the others, the digest of all.
const SHOWN: u64 = 8;
const ALL: u64 = 1_000;

/// FNV-1a, as short as a digest can be.
fn digest(text: &str, start: u64) -> u64 {
    text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn record(hook: &str, answer: impl Fn(u64) -> String) -> String {
    let mut text = String::new();
    for seed in 0..SHOWN {
        text += &format!("{hook} {seed}: {}\n", answer(seed));
    }
    let all = (0..ALL).fold(0, |hash, seed| digest(&answer(seed), hash));
    text + &format!("{hook} 0 to {}: {all:016x}\n", ALL - 1)
}

#[test]
fn the_answers_are_those_that_were_recorded() {
    let now = [
        record("offers", |seed| {
            let answer = Balanced.offers(&Views::usual(seed).offers());
            let rows = answer.offers.iter();
            let rows = rows.map(|o| format!("{} {} {} {:?}", o.peer, o.push, o.reason, o.chunks));
            rows.collect::<Vec<_>>().join(", ")
        }),
        record("requests", |seed| {
            let answer = Balanced.requests(&Views::usual(seed).requests());
            let rows = answer.requests.iter();
            let rows = rows.map(|r| format!("{} {:?} {}", r.peer, r.chunk, r.reason));
            rows.collect::<Vec<_>>().join(", ")
        }),
        record("overdue", |seed| {
            let answer = Balanced.overdue(&Views::usual(seed).overdue());
            let rows = answer.decisions.iter();
            let rows = rows.map(|d| format!("{} {:?} {}", d.transfer, d.action, d.reason));
            rows.collect::<Vec<_>>().join(", ")
        }),
        record("neighbours", |seed| {
            let answer = Balanced.neighbours(&Views::usual(seed).neighbours());
            let rows = answer.connect.iter().map(|c| format!("{} {}", c.peer, c.reason));
            assert!(answer.drop.is_empty());
            rows.collect::<Vec<_>>().join(", ")
        }),
    ]
    .concat();
    assert!(now == include_str!("recorded.txt"), "the answers changed; they are now:\n{now}");
}
