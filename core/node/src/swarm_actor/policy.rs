//! Keeps the machine's knowledge of the active policy and of labels right, and tells when the built-in one answers for it.

use std::time::Duration;

use actix::Context;
use samara_engine::swarm::{Hook, SwarmInput};
use samara_model::Time;

use super::Swarm;
use crate::api::Notice;
use crate::link::LinkId;
use crate::router::key;

/// That the policy does not answer is told once in this time: it may fail a hundred times a second until it is
/// left alone.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// Questions that the built-in policy answered since it was told last.
#[derive(Debug, Default)]
pub(super) struct Fallbacks {
    untold: u64,
    told: Option<Time>,
}

impl Swarm {
    /// Whatever was missed of a change of the policy is made up for.
    pub(super) fn follow_policy(&mut self, ctx: &mut Context<Self>) {
        let facts = self.shared.policies.current().facts.clone();
        if facts.generation != self.machine.policy().generation {
            self.input(SwarmInput::PolicyChanged { facts: (*facts).clone() }, ctx);
        }
    }

    /// The same for what the operator says of this node.
    pub(super) fn follow_labels(&mut self, ctx: &mut Context<Self>) {
        let labels = self.shared.labels();
        if labels != *self.machine.labels() {
            self.input(SwarmInput::Relabelled { labels }, ctx);
        }
    }

    /// The operator of a peer says something else of it; a link that has ended needs nothing.
    pub(super) fn peer_relabelled(&mut self, link: LinkId, ctx: &mut Context<Self>) {
        let link = key(link);
        if let Some(handle) = self.links.get(&link) {
            let labels = handle.labels();
            self.input(SwarmInput::PeerRelabelled { link, labels }, ctx);
        }
    }

    /// Loud, and once in a while.
    pub(super) fn fell_back(&mut self, hook: Hook, why: &'static str) {
        self.fallbacks.untold += 1;
        let now = self.shared.clock.now();
        if self.fallbacks.told.is_some_and(|told| now.since(told) < TELL_AGAIN) {
            return;
        }
        self.fallbacks.told = Some(now);
        let times = std::mem::take(&mut self.fallbacks.untold);
        let (content, name) = (self.state.content, self.shared.policies.active_name().name);
        let hook = hook.name();
        tracing::warn!(%content, hook, why, times, name, "the built-in policy answers for the active one");
        let did = match why {
            "idle" => "decided nothing although something could move",
            "late" => "had no answer in time",
            _ => "failed",
        };
        self.shared.notify(Notice::Policy(format!(
            "the policy `{name}` {did} (`{hook}`); the built-in policy answers in its place, and the transfer \
             of {content} goes on"
        )));
    }
}
