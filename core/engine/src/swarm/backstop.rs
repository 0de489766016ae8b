//! What keeps a transfer going when its policy decides nothing.
//!
//! A policy may be silent for good reasons: it paces itself, it saves a scarce link. So nothing is done until
//! nothing has moved for [`super::SwarmConfig::policy_patience`] although somebody has what is missing, slots
//! are free, and the policy has not decided anything for as long. Then the built-in policy stands in at this
//! node, for what comes into it: it requests whenever a slot is free and looks after what is overdue. The
//! policy keeps its say in what goes out, and gets another chance after a while.

use core::time::Duration;

use samara_model::Time;
use samara_policy::Hook;

use super::views::For;
use super::{Outputs, Swarm, SwarmEvent, SwarmOutput};

/// The stand-in doubles this often.
const DOUBLINGS: u32 = 3;

/// How patient this node still is with its policy.
#[derive(Debug, Default)]
pub(super) struct Backstop {
    /// The policy decided something about what comes into this node.
    decided: Option<Time>,
    /// The built-in policy stands in until then.
    until: Option<Time>,
    /// How often it did in a row.
    times: u32,
    /// Nothing has moved although it could, since.
    stalled_since: Option<Time>,
    /// There is nobody to get anything from although others could be tried, since.
    alone_since: Option<Time>,
}

impl Swarm {
    /// Whether the built-in policy answers for what comes into this node.
    pub(super) fn stands_in(&self) -> bool {
        self.backstop.until.is_some_and(|until| self.now < until)
    }

    /// The active policy decided something that was carried out.
    pub(super) fn policy_decided(&mut self, hook: Hook) {
        match hook {
            Hook::Requests | Hook::Overdue => {
                self.backstop.decided = Some(self.now);
                self.backstop.times = 0;
            }
            Hook::Neighbours => self.backstop.alone_since = None,
            Hook::Offers => {}
        }
    }

    /// Another policy: all patience is back.
    pub(super) fn forgive(&mut self) {
        self.backstop = Backstop::default();
    }

    /// Looks whether the policy lets the transfer stall.
    pub(super) fn watch_policy(&mut self, out: &mut Outputs) {
        if self.is_complete() || self.parked || self.withdrawn || self.stands_in() {
            self.backstop.stalled_since = None;
            self.backstop.alone_since = None;
            return;
        }
        if self.sources().is_empty() {
            self.backstop.stalled_since = None;
            return self.watch_loneliness(out);
        }
        self.backstop.alone_since = None;
        if self.idle_since.is_none() {
            self.backstop.stalled_since = None;
            return;
        }
        let since = *self.backstop.stalled_since.get_or_insert(self.now);
        if self.is_overlong(since) {
            self.backstop.until = Some(self.now + self.next_stand_in());
            self.backstop.times += 1;
            report_idle(Hook::Requests, out);
            self.ask_requests(out);
        }
    }

    fn next_stand_in(&self) -> Duration {
        self.config.stand_in * 2u32.pow(self.backstop.times.min(DOUBLINGS))
    }

    /// Nobody who is connected has what is missing, others could be tried, and the policy does not want to.
    fn watch_loneliness(&mut self, out: &mut Outputs) {
        let could = self.hints.has_ready(self.now)
            && self.hints.active() < self.target_neighbours() as usize;
        if !could {
            self.backstop.alone_since = None;
            return;
        }
        let since = *self.backstop.alone_since.get_or_insert(self.now);
        // The policy is asked once a second: it must have had its chance.
        if self.is_overlong(since + self.config.policy_patience)
            && !self.asks.is_open(Hook::Neighbours)
        {
            self.backstop.alone_since = None;
            report_idle(Hook::Neighbours, out);
            self.question(Hook::Neighbours, For::BuiltIn, out);
        }
    }

    fn is_overlong(&self, since: Time) -> bool {
        let pause = self.arrivals.mean().unwrap_or_default() * 8;
        let patience = self.config.policy_patience.max(pause);
        let since = self.backstop.decided.map_or(since, |decided| decided.max(since));
        self.now.since(since) >= patience
    }
}

fn report_idle(hook: Hook, out: &mut Outputs) {
    out.push(SwarmOutput::Report(SwarmEvent::FellBack { hook, why: "idle" }));
}
