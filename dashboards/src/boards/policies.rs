use crate::board::{Board, row};
use crate::panel::Look::{Lines, Stack, Stat, Table};
use crate::panel::panel;

/// The active policies, and those that are tried beside them.
pub fn board() -> Board {
    let healthy = vec![
        panel(Stat, "Trusted", "short", "Nodes whose active policy is asked as usual.")
            .show(r#"sum(samara_policy_state{policy="active",state="trusted",$S})"#, "trusted"),
        panel(Stat, "Left alone or on trial", "short", "Nodes whose active policy failed and is tried again.")
            .show(r#"sum(samara_policy_state{policy="active",state=~"left-alone|on-trial",$S})"#, "nodes")
            .red_from(1.0),
        panel(Stat, "In quarantine", "short", "Nodes whose active policy is not asked any more.")
            .show(r#"sum(samara_policy_state{policy="active",state="quarantined",$S})"#, "nodes")
            .red_from(1.0),
        panel(Stat, "With a shadow", "short", "Nodes on which a policy is tried beside the active one.")
            .show(r#"sum(samara_policy_state{policy="shadow",state!="none",$S})"#, "nodes"),
        panel(Stat, "Fallbacks", "percentunit", "Share of the questions that the \
             built-in policy answered for the active one.")
            .show(
                "sum(rate(samara_policy_fallbacks_total{$S}[$__rate_interval])) / (sum(rate(samara_policy_questions_total{$S}[$__rate_interval])) > 0)",
                "share",
            )
            .red_from(0.1),
    ];
    let compare = vec![
        panel(Lines, "Time of a call", "s", "Active against shadow: half, and 99 of 100 calls, took no longer.")
            .show(
                "histogram_quantile(0.5, sum by (le, policy) (increase(samara_policy_call_duration_seconds_bucket{$S}[$__rate_interval])))",
                "{{policy}}, half",
            )
            .show(
                "histogram_quantile(0.99, sum by (le, policy) (increase(samara_policy_call_duration_seconds_bucket{$S}[$__rate_interval])))",
                "{{policy}}, 99 of 100",
            ),
        panel(Lines, "Fuel of a call", "none", "Mean fuel, about one unit an instruction. The built-in policy \
             uses none.")
            .show(
                "sum by (policy) (rate(samara_policy_fuel_total{$S}[$__rate_interval])) / (sum by (policy) (rate(samara_policy_call_duration_seconds_count{$S}[$__rate_interval])) > 0)",
                "{{policy}}",
            ),
        panel(Lines, "Memory of an instance", "bytes", "Most that an instance had after a call, on the worst node. Each \
             thread that asks has one; the built-in policy has none.")
            .show("max by (policy) (samara_policy_memory_bytes{$S})", "{{policy}}"),
        panel(Stack, "Shadow against active", "short", "Questions since the last point by what came of them in \
             the shadow.")
            .show("sum by (outcome) (increase(samara_policy_shadow_total{$S}[$__rate_interval]))", "{{outcome}}"),
    ];
    let slow = vec![
        panel(Table, "Most fallbacks", "percentunit", "The ten nodes with the largest share of fallbacks.")
            .show(
                "topk(10, sum by (cluster, job, instance) (rate(samara_policy_fallbacks_total{$S}[$__rate_interval])) / (sum by (cluster, job, instance) (rate(samara_policy_questions_total{$S}[$__rate_interval])) > 0))",
                "",
            ),
        panel(Table, "In which state", "short", "Nodes by what is thought of their policies.")
            .show("sum by (policy, state) (samara_policy_state{$S}) > 0", ""),
    ];
    let why = vec![
        panel(Stack, "Questions by hook", "short", "Questions for the active policy since the last point.")
            .show("sum by (hook) (increase(samara_policy_questions_total{$S}[$__rate_interval]))", "{{hook}}"),
        panel(Stack, "Fallbacks by reason", "short", "Questions that the built-in policy answered since the \
             last point.")
            .show("sum by (reason) (increase(samara_policy_fallbacks_total{$S}[$__rate_interval]))", "{{reason}}"),
        panel(Stack, "Failures by reason", "short", "Calls of the active policy without an answer in time, \
             since the last point.")
            .show("sum by (reason) (increase(samara_policy_failures_total{$S}[$__rate_interval]))", "{{reason}}"),
        panel(Stack, "Decisions that did not hold", "short", "Since the last point, by reason. `other_hook` \
             and `unknown_...` are errors of the policy.")
            .show(
                "sum by (reason) (increase(samara_policy_decisions_dropped_total{$S}[$__rate_interval]))",
                "{{reason}}",
            ),
    ];
    let changed = vec![
        panel(
            Lines,
            "Changes",
            "short",
            "Swaps, shadows and what the breaker did, since the last point.",
        )
        .show(
            "sum by (change) (increase(samara_policy_changes_total{$S}[$__rate_interval]))",
            "{{change}}",
        ),
        panel(
            Table,
            "Changed last",
            "s",
            "Time since the policies of a node last changed; the ten latest.",
        )
        .show("bottomk(10, time() - samara_policy_loaded_timestamp_seconds{$S})", ""),
        panel(
            Lines,
            "Generation",
            "short",
            "Changes of the active policy since the start: lines that lie apart \
             are nodes that missed one.",
        )
        .show("max(samara_policy_generation{$S})", "most")
        .show("min(samara_policy_generation{$S})", "fewest"),
    ];
    Board {
        uid: "samara-policies",
        title: "Samara: policies",
        description: "The active policies, those in shadow beside them, and when the built-in one answers.",
        rows: vec![
            row("Is it healthy?", healthy),
            row("Is the shadow as good as the active one?", compare),
            row("Who has trouble?", slow),
            row("Why?", why),
            row("What changed?", changed),
        ],
    }
}
