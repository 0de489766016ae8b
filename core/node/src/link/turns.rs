//! Whose turn it is where a cap makes links wait: contents share what the node sends by their priority, and the links
//! that send one content share its part alike.
//!
//! A throttle serves who asks first, and a link asks again when its piece is out, so that links take turns. In its
//! turn a link pays for as many pieces in a row as its content's part is larger than the smallest part of any: deficit
//! round robin. Nothing is lost when somebody has nothing to send: he misses his turn, and the others go on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use samara_model::ContentId;
use tokio::time::Instant;

use super::limits::Gate;

/// Others wait at most this long for one who pays for several pieces.
const LONGEST_TURN: Duration = Duration::from_millis(250);

/// The contents that are being sent, over all links.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    /// How many links send each content just now.
    links: BTreeMap<ContentId, u32>,
    /// Where it is not 1.
    priorities: BTreeMap<ContentId, u32>,
}

impl Book {
    fn priority(&self, content: &ContentId) -> u32 {
        self.priorities.get(content).copied().unwrap_or(1)
    }

    /// Of each of its links, beside those of others.
    fn part(&self, content: &ContentId) -> f64 {
        let links = self.links.get(content).copied().unwrap_or(1);
        f64::from(self.priority(content)) / f64::from(links)
    }
}

impl Turns {
    /// A content has this share from now on.
    pub fn set_priority(&self, content: ContentId, priority: u32) {
        let mut book = self.lock();
        if priority > 1 {
            book.priorities.insert(content, priority);
        } else {
            book.priorities.remove(&content);
        }
    }

    /// A content's share.
    pub fn priority(&self, content: &ContentId) -> u32 {
        self.lock().priority(content)
    }

    /// A link sends this content until what it returns is dropped.
    pub fn begin(self: &Arc<Self>, content: ContentId) -> Turn {
        *self.lock().links.entry(content).or_default() += 1;
        Turn { turns: self.clone(), content }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A link that sends a content.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    content: ContentId,
}

impl Turn {
    /// Pieces in each of its turns: one where nobody has a smaller part.
    fn pieces(&self) -> f64 {
        let book = self.turns.lock();
        let own = book.part(&self.content);
        let least = book.links.keys().map(|content| book.part(content)).fold(own, f64::min);
        own / least
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut book = self.turns.lock();
        let left = book.links.get_mut(&self.content).map(|links| {
            *links -= 1;
            *links
        });
        if left == Some(0) {
            book.links.remove(&self.content);
        }
    }
}

/// What one link has paid for in advance.
#[derive(Debug, Default)]
pub(super) struct Advance {
    paid: VecDeque<Paid>,
    /// Parts of a piece that a turn left over.
    rest: f64,
}

#[derive(Debug)]
struct Paid {
    length: usize,
    until: Option<Instant>,
}

/// A piece that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next {
    /// Its bytes.
    pub length: usize,
    /// Bytes of messages and its header in front of it.
    pub control: usize,
    /// Bytes of the chunk, this piece included.
    pub left: usize,
}

impl Advance {
    /// How long the next piece may be, where this much is wanted.
    pub fn length(&self, wanted: usize) -> usize {
        self.paid.front().map_or(wanted, |paid| paid.length.min(wanted))
    }

    /// Another chunk begins: what was paid for the last one is gone.
    pub fn forget(&mut self) {
        self.paid.clear();
    }

    /// Pays for the next piece at the cap of all links, and says until when to wait.
    pub fn pay(&mut self, gate: &Gate, turn: &Turn, next: Next, now: Instant) -> Option<Instant> {
        let cap = Gate::STAGES - 1;
        if let Some(paid) = self.paid.pop_front() {
            // It is in its turn: messages do not make it wait behind the others.
            let _ = gate.reserve(cap, next.control, now);
            return paid.until;
        }
        let until = gate.reserve(cap, next.control + next.length, now);
        let Some(most) = gate.most_at_once(LONGEST_TURN) else { return until };
        let pieces = turn.pieces() + self.rest;
        self.rest = pieces.fract();
        let more = (pieces as usize).min(most as usize / next.length.max(1)).saturating_sub(1);
        let mut left = next.left.saturating_sub(next.length);
        for _ in 0..more {
            let length = next.length.min(left);
            if length == 0 {
                break;
            }
            left -= length;
            self.paid.push_back(Paid { length, until: gate.reserve(cap, length, now) });
        }
        until
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::Throttles;
    use super::*;
    use crate::api::{Caps, NodeCaps};
    use samara_model::BytesPerSecond;

    const RATE: u64 = 4_000_000;

    /// A content with its priority, and the links that send it; how many bytes each content sent in ten seconds of a
    /// paused clock, over links that always have something to send.
    async fn shares(contents: &[(u32, usize)]) -> Vec<u64> {
        let caps = Caps { up: Some(BytesPerSecond(RATE)), down: None };
        let throttles =
            Throttles::new(&NodeCaps { all: caps, ..NodeCaps::default() }, |caps| caps.up);
        let gate = throttles.gate(super::super::standing::ClassNow::new(None));
        let end = Instant::now() + Duration::from_secs(10);
        let mut links = Vec::new();
        for (number, (priority, count)) in contents.iter().enumerate() {
            let content = ContentId([number as u8; 32]);
            throttles.set_priority(content, *priority);
            for _ in 0..*count {
                let (gate, turn) = (gate.clone(), gate.begin(content));
                let link = tokio::spawn(async move {
                    let (mut advance, mut sent) = (Advance::default(), 0u64);
                    while Instant::now() < end {
                        let length = advance.length(gate.piece().expect("it is capped"));
                        let next = Next { length, control: 20, left: 1 << 20 };
                        if let Some(until) = advance.pay(&gate, &turn, next, Instant::now()) {
                            tokio::time::sleep_until(until).await;
                        }
                        sent += length as u64;
                    }
                    sent
                });
                links.push((number, link));
            }
        }
        let mut sums = vec![0; contents.len()];
        for (number, link) in links {
            sums[number] += link.await.expect("links do not panic");
        }
        sums
    }

    /// Each content's part of what the cap lets through, in thousandths; together they are all of it.
    async fn check(contents: &[(u32, usize)], wanted: &[u64]) {
        let sent = shares(contents).await;
        let all: u64 = sent.iter().sum();
        assert!((39_000_000..=40_800_000).contains(&all), "{contents:?}: {all} in ten seconds");
        for (sent, wanted) in sent.iter().zip(wanted) {
            let part = sent * 1000 / all;
            assert!(part.abs_diff(*wanted) <= 20, "{contents:?}: {part} and not {wanted} of 1000");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn contents_share_a_cap_by_priority_however_many_links_each_has() {
        check(&[(1, 1), (1, 1)], &[500, 500]).await;
        check(&[(3, 1), (1, 1)], &[750, 250]).await;
        check(&[(3, 3), (1, 1)], &[750, 250]).await;
        check(&[(1, 4), (1, 1)], &[500, 500]).await;
        check(&[(3, 2), (2, 3), (1, 1)], &[500, 333, 167]).await;
        check(&[(10, 1), (1, 1)], &[909, 91]).await;
    }

    #[test]
    fn a_content_that_is_not_sent_any_more_takes_no_part() {
        let turns = Arc::new(Turns::default());
        let [a, b] = [1, 2].map(|number| ContentId([number; 32]));
        turns.set_priority(a, 3);
        let first = turns.begin(a);
        assert_eq!(first.pieces(), 1.0);
        let second = turns.begin(b);
        assert_eq!((first.pieces(), second.pieces()), (3.0, 1.0));
        let again = turns.begin(a);
        assert_eq!((first.pieces(), again.pieces()), (1.5, 1.5));
        drop((again, second));
        assert_eq!(first.pieces(), 1.0);
        drop(first);
        turns.set_priority(a, 1);
        let book = turns.lock();
        assert!(book.links.is_empty() && book.priorities.is_empty());
    }
}
