//! With whom to exchange everything, and when.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::{net::SocketAddr, time::Duration};
use samara_model::{PeerId, Time};

use super::random::{Map, keyed_map};

/// Addresses of peers that were seen, kept for joining again.
const MAX_HINTS: usize = 32;
/// Join addresses that are tried at a time.
const AT_A_TIME: usize = 3;
/// First pause between two tries to join.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// A peer that is seen and is no member is tried this often.
const HINT_PAUSE: Duration = Duration::from_secs(30);
/// A peer gets an answer this often: an answer is up to 1 MiB for a question of a few bytes.
const ANSWER_PAUSE: Duration = Duration::from_secs(1);
/// An exchange that failed later than this was done before.
const OPEN_FOR: Duration = Duration::from_secs(10);
/// News is pushed to several members at once this often; what comes in between waits for the next round.
const PUSH_PAUSE: Duration = Duration::from_secs(2);
/// Answered and tried peers that are remembered.
const MAX_REMEMBERED: usize = 16_384;

/// Where to join, and who was asked or answered lately.
#[derive(Debug)]
pub(super) struct Exchanges {
    join: Vec<SocketAddr>,
    hints: VecDeque<SocketAddr>,
    next: usize,
    backoff: Duration,
    rounds: u32,
    /// The next exchange is already close.
    pub soon: bool,
    tried: Map<SocketAddr, Time>,
    /// Exchanges that were asked for, and when.
    open: Map<SocketAddr, Time>,
    pushed_at: Option<Time>,
    answered: Map<PeerId, Time>,
}

impl Exchanges {
    /// Knows no address.
    pub fn new(random_seed: u64) -> Self {
        Exchanges {
            join: Vec::new(),
            hints: VecDeque::new(),
            next: 0,
            backoff: FIRST_BACKOFF,
            rounds: 0,
            soon: false,
            tried: keyed_map(random_seed),
            open: keyed_map(random_seed),
            pushed_at: None,
            answered: keyed_map(random_seed),
        }
    }

    /// Sets the join addresses.
    pub fn join_through(&mut self, join: Vec<SocketAddr>, me: SocketAddr) {
        self.join = join.into_iter().filter(|address| *address != me).collect();
    }

    /// Remembers the address of somebody who takes part.
    pub fn remember(&mut self, address: SocketAddr) {
        self.hints.retain(|known| *known != address);
        self.hints.push_front(address);
        self.hints.truncate(MAX_HINTS);
    }

    /// The next addresses to join through, in turn.
    pub fn next_to_join(&mut self) -> Vec<SocketAddr> {
        let all: Vec<SocketAddr> = self.join.iter().chain(&self.hints).copied().collect();
        let some = all.iter().cycle().skip(self.next % all.len().max(1));
        let some: Vec<_> = some.take(AT_A_TIME.min(all.len())).copied().collect();
        self.next = self.next.wrapping_add(AT_A_TIME);
        some
    }

    /// The pause before the next try to join; each is twice as long.
    pub fn next_backoff(&mut self, most: Duration) -> Duration {
        let pause = self.backoff.min(most);
        self.backoff = (pause * 2).min(most);
        pause
    }

    /// The next try to join is the first one.
    pub fn reset_backoff(&mut self) {
        self.backoff = FIRST_BACKOFF;
    }

    /// In every fourth round a join address that belongs to no member that is up: two halves of a
    /// cluster that forgot each other meet there again.
    pub fn join_address_to_check(
        &mut self,
        is_up_at: impl Fn(&SocketAddr) -> bool,
    ) -> Option<SocketAddr> {
        self.rounds = self.rounds.wrapping_add(1);
        let due = self.rounds.is_multiple_of(4) && !self.join.is_empty();
        let address = self.join[..].get((self.rounds / 4) as usize % self.join.len().max(1))?;
        (due && !is_up_at(address)).then_some(*address)
    }

    /// Whether a peer that is no member should be asked now.
    pub fn may_try(&mut self, now: Time, address: SocketAddr) -> bool {
        is_due(&mut self.tried, now, address, HINT_PAUSE)
    }

    /// Whether a peer should get an answer now.
    pub fn may_answer(&mut self, now: Time, peer: PeerId) -> bool {
        is_due(&mut self.answered, now, peer, ANSWER_PAUSE)
    }

    /// Notes that an exchange was asked for.
    pub fn opened(&mut self, now: Time, address: SocketAddr) {
        if self.open.len() < MAX_REMEMBERED {
            self.open.insert(address, now);
        }
    }

    /// Whether an exchange that was asked for lately failed.
    pub fn failed(&mut self, now: Time, address: &SocketAddr) -> bool {
        self.open.remove(address).is_some_and(|at| now.since(at) < OPEN_FOR)
    }

    /// Whether news should be pushed now.
    pub fn may_push(&mut self, now: Time) -> bool {
        let due = self.pushed_at.is_none_or(|at| now < at || now.since(at) >= PUSH_PAUSE);
        if due {
            self.pushed_at = Some(now);
        }
        due
    }

    /// Forgets what no longer matters.
    pub fn tidy(&mut self, now: Time) {
        self.tried.retain(|_, at| *at <= now && now.since(*at) < HINT_PAUSE);
        self.open.retain(|_, at| *at <= now && now.since(*at) < OPEN_FOR);
        self.answered.retain(|_, at| *at <= now && now.since(*at) < ANSWER_PAUSE);
    }
}

fn is_due<K: Eq + core::hash::Hash>(
    last: &mut Map<K, Time>,
    now: Time,
    key: K,
    pause: Duration,
) -> bool {
    if last.get(&key).is_some_and(|at| *at <= now && now.since(*at) < pause) {
        return false;
    }
    if last.len() >= MAX_REMEMBERED {
        last.clear();
    }
    last.insert(key, now);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn join_addresses_take_turns_and_ones_own_is_skipped() {
        let mut exchanges = Exchanges::new(0);
        exchanges.join_through((1..=5).map(address).collect(), address(2));
        let ports: Vec<_> = (0..2).flat_map(|_| exchanges.next_to_join()).collect();
        assert_eq!(ports, [1, 3, 4, 5, 1, 3].map(address));
        assert!(Exchanges::new(0).next_to_join().is_empty());
    }

    #[test]
    fn the_pause_doubles_up_to_its_bound() {
        let mut exchanges = Exchanges::new(0);
        let most = Duration::from_secs(6);
        let pauses: Vec<_> = (0..5).map(|_| exchanges.next_backoff(most).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 6, 6]);
    }

    #[test]
    fn one_peer_is_answered_once_a_second() {
        let mut exchanges = Exchanges::new(0);
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        let answers = [0, 500, 1000].map(|ms| exchanges.may_answer(at(ms), PeerId([1; 32])));
        assert_eq!(answers, [true, false, true]);
    }
}
