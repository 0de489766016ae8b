//! What came of the questions to one policy.

use std::collections::BTreeMap;
use std::time::Duration;

use samara_engine::swarm::Hook;
use samara_policy_host::Called;

use super::durations::Durations;

/// Of one hook.
#[derive(Debug, Clone, Default)]
pub struct HookStats {
    /// Answers, good ones and faults.
    pub calls: u64,
    /// Fuel of all calls, and of the hungriest.
    pub fuel: (u64, u64),
    /// Times of the calls, waiting for a thread included.
    pub times: Durations,
    /// Questions that the built-in policy had to answer, by reason.
    pub fallbacks: BTreeMap<&'static str, u64>,
    /// Beside the active policy: answers that decided the same.
    pub same: u64,
    /// Answers that decided something else.
    pub differs: u64,
    /// Questions that it was not asked, as the ones before kept it busy.
    pub skipped: u64,
}

/// Of all hooks.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    hooks: [HookStats; 4],
    /// Most memory that an instance of it had after a call.
    pub memory_bytes: usize,
    /// The last fault, in words.
    pub last_fault: Option<String>,
}

impl Stats {
    /// Of this hook.
    pub fn hook(&mut self, hook: Hook) -> &mut HookStats {
        &mut self.hooks[place(hook)]
    }

    /// All hooks with anything to tell.
    pub fn iter(&self) -> impl Iterator<Item = (Hook, &HookStats)> {
        Hook::ALL.into_iter().zip(&self.hooks).filter(|(_, stats)| {
            stats.calls > 0 || stats.skipped > 0 || !stats.fallbacks.is_empty()
        })
    }

    /// A call came back.
    pub fn called(&mut self, hook: Hook, took: Duration, cost: Called) {
        self.memory_bytes = self.memory_bytes.max(cost.memory_bytes);
        let stats = self.hook(hook);
        stats.calls += 1;
        stats.fuel.0 = stats.fuel.0.saturating_add(cost.fuel);
        stats.fuel.1 = stats.fuel.1.max(cost.fuel);
        stats.times.record(took);
    }

    /// The built-in policy answers in its place.
    pub fn fell_back(&mut self, hook: Hook, why: &'static str) {
        *self.hook(hook).fallbacks.entry(why).or_default() += 1;
    }

    /// Answers of all hooks.
    pub fn calls(&self) -> u64 {
        self.hooks.iter().map(|one| one.calls).sum()
    }
}

fn place(hook: Hook) -> usize {
    Hook::ALL.iter().position(|one| *one == hook).unwrap_or(0)
}
