//! Which timer stands for what.
//!
//! Each purpose has at most one timer: starting it again makes the former one void. So the number of
//! timers is bounded by the number of members, whatever arrives from outside.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;
use samara_model::PeerId;

use super::GossipOutput;
use super::member::Member;

/// What to do when a timer fires.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Due {
    /// Something of foca's.
    Membership(foca::Timer<Member>),
    /// Exchange everything with a random member.
    Exchange,
    /// Try to join, if still alone.
    Join,
    /// Tell what this node holds.
    Summary,
    /// Forget what is old.
    Tidy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    Probe,
    IndirectProbe,
    Gossip,
    Announce,
    AnnounceDown,
    Suspect(PeerId),
    RemoveDown(PeerId),
    Exchange,
    Join,
    Summary,
    Tidy,
}

/// The timers that are running.
#[derive(Debug, Default)]
pub(super) struct Timers {
    last_token: u64,
    running: BTreeMap<u64, Due>,
    tokens: BTreeMap<Purpose, u64>,
}

impl Timers {
    /// Starts a timer, in place of a running one for the same purpose.
    pub fn start(&mut self, due: Due, after: Duration, out: &mut Vec<GossipOutput>) {
        let purpose = purpose_of(&due);
        if let Some(token) = self.tokens.get(&purpose) {
            // A member that fails another probe while suspected does not get more time.
            if matches!(purpose, Purpose::Suspect(_)) && self.running.get(token) == Some(&due) {
                return;
            }
            self.running.remove(token);
        }
        self.last_token += 1;
        self.running.insert(self.last_token, due);
        self.tokens.insert(purpose, self.last_token);
        out.push(GossipOutput::StartTimer { token: self.last_token, after });
    }

    /// What the timer stands for; `None` for a late or unknown one.
    pub fn fired(&mut self, token: u64) -> Option<Due> {
        let due = self.running.remove(&token)?;
        self.tokens.remove(&purpose_of(&due));
        Some(due)
    }

    /// Whether such a timer is running.
    pub fn is_running(&self, due: &Due) -> bool {
        self.tokens.contains_key(&purpose_of(due))
    }
}

fn purpose_of(due: &Due) -> Purpose {
    use foca::Timer;
    match due {
        Due::Membership(Timer::ProbeRandomMember(_)) => Purpose::Probe,
        Due::Membership(Timer::SendIndirectProbe { .. }) => Purpose::IndirectProbe,
        Due::Membership(Timer::PeriodicGossip(_)) => Purpose::Gossip,
        Due::Membership(Timer::PeriodicAnnounce(_)) => Purpose::Announce,
        Due::Membership(Timer::PeriodicAnnounceDown(_)) => Purpose::AnnounceDown,
        Due::Membership(Timer::ChangeSuspectToDown { member_id, .. }) => {
            Purpose::Suspect(member_id.peer)
        }
        Due::Membership(Timer::RemoveDown(member)) => Purpose::RemoveDown(member.peer),
        Due::Exchange => Purpose::Exchange,
        Due::Join => Purpose::Join,
        Due::Summary => Purpose::Summary,
        Due::Tidy => Purpose::Tidy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_started_again_makes_the_former_void() {
        let (mut timers, mut out) = (Timers::default(), Vec::new());
        timers.start(Due::Join, Duration::ZERO, &mut out);
        timers.start(Due::Tidy, Duration::ZERO, &mut out);
        timers.start(Due::Join, Duration::ZERO, &mut out);
        let fired: Vec<_> = [1, 2, 3, 3, 4].map(|token| timers.fired(token)).into();
        assert_eq!(fired, [None, Some(Due::Tidy), Some(Due::Join), None, None]);
    }
}
