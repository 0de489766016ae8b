//! What `samara policy status` shows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::loaded::Loaded;

/// The policies of a node at one moment. Fields are added, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyStatus {
    /// Of this document: 1.
    pub version: u32,
    /// Counts up with each change of the active policy, from the start of the node.
    pub generation: u64,
    /// The policy that decides.
    pub active: PolicyRow,
    /// The built-in policy answers in its place: it failed too often.
    pub quarantined: bool,
    /// The policy that is tried beside it, if any.
    pub shadow: Option<PolicyRow>,
    /// What `rollback` goes back to, if anything.
    pub previous: Option<PolicyName>,
}

/// Which policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyName {
    /// Its name, as it describes itself.
    pub name: String,
    /// Its version, as it describes itself.
    pub version: String,
    /// BLAKE3 of its file; `built-in` for the policy that is part of the node.
    pub id: String,
    /// The file that it was loaded from; empty for the built-in one.
    pub file: String,
}

/// One policy and how it fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyRow {
    /// Which.
    #[serde(flatten)]
    pub policy: PolicyName,
    /// Values of its parameters, as they can be given again.
    pub parameters: BTreeMap<String, String>,
    /// `trusted`, `left-alone` (it failed, and is tried again later), `on-trial` or `quarantined`.
    pub condition: String,
    /// Questions that were answered.
    pub calls: u64,
    /// Most memory that an instance of it had after a call; 0 for the built-in policy. Every thread that asks has
    /// an instance of its own.
    #[serde(default)]
    pub memory_bytes: u64,
    /// By hook, for those that were asked.
    pub hooks: Vec<HookRow>,
    /// The last fault.
    pub last_fault: Option<String>,
}

/// One hook of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HookRow {
    /// `neighbours`, `offers`, `requests` or `overdue`.
    pub hook: String,
    /// Answers, good ones and faults.
    pub calls: u64,
    /// Fuel of all calls; 0 for the built-in policy.
    pub fuel: u64,
    /// Fuel of the hungriest call.
    pub fuel_max: u64,
    /// Half of the calls took no longer than this, in microseconds, waiting included.
    pub p50_us: u64,
    /// 99 of 100.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
    /// Questions that the built-in policy had to answer, by reason.
    pub fallbacks: BTreeMap<String, u64>,
    /// Of a shadow: answers that decided the same as the active policy.
    pub same: u64,
    /// Of a shadow: answers that decided something else.
    pub differs: u64,
    /// Of a shadow: questions that it was not asked, as it was busy.
    pub skipped: u64,
}

impl PolicyRow {
    pub(super) fn of(loaded: &Loaded) -> PolicyRow {
        let (stats, condition) = loaded.look();
        let hooks = stats.iter().map(|(hook, stats)| HookRow {
            hook: hook.name().to_owned(),
            calls: stats.calls,
            fuel: stats.fuel.0,
            fuel_max: stats.fuel.1,
            p50_us: stats.times.quantile_us(500),
            p99_us: stats.times.quantile_us(990),
            max_us: u64::try_from(stats.times.longest().as_micros()).unwrap_or(u64::MAX),
            fallbacks: stats.fallbacks.iter().map(|(why, n)| ((*why).to_owned(), *n)).collect(),
            same: stats.same,
            differs: stats.differs,
            skipped: stats.skipped,
        });
        PolicyRow {
            policy: loaded.name(),
            parameters: loaded.written_parameters(),
            condition: condition.to_owned(),
            calls: stats.calls(),
            memory_bytes: stats.memory_bytes as u64,
            hooks: hooks.collect(),
            last_fault: stats.last_fault.clone(),
        }
    }
}
