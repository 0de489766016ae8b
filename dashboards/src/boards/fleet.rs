use crate::board::{Board, row};
use crate::panel::Look::{Lines, Stack, Stat, Table};
use crate::panel::panel;

/// The first thing to look at.
pub fn board() -> Board {
    let healthy = vec![
        panel(Stat, "Nodes that are ready", "short", "Nodes that listen and are not going down.")
            .show("sum(samara_ready{$S})", "ready"),
        panel(
            Stat,
            "Alerts",
            "short",
            "Alerts of Samara that fire; the table in row 'why' names them.",
        )
        .show(
            r#"count(ALERTS{alertname=~"Samara.*",alertstate="firing",$S}) or vector(0)"#,
            "alerts",
        )
        .red_from(1.0),
        panel(Stat, "Stalled fetches", "short", "Fetches to which nothing has happened for 30 s.")
            .show("sum(samara_transfers_stalled{$S})", "stalled")
            .red_from(1.0),
        panel(Stat, "Parked fetches", "short", "Fetches that wait for room on the disk.")
            .show(r#"sum(samara_transfers{state="parked",$S})"#, "parked")
            .red_from(1.0),
        panel(Stat, "Fetches without a source", "short", "Nobody they know has what they lack.")
            .show("sum(samara_transfers_without_source{$S})", "without")
            .red_from(1.0),
        panel(
            Stat,
            "Nodes in quarantine",
            "short",
            "Nodes whose active policy is not asked any more.",
        )
        .show(r#"sum(samara_policy_state{policy="active",state="quarantined",$S})"#, "quarantined")
        .red_from(1.0),
    ];
    let far = vec![
        panel(Lines, "Progress", "percentunit", "Verified bytes over the size of all fetches under way.")
            .show(
                "sum(samara_transfer_done_bytes{$S}) / (sum(samara_transfer_size_bytes{$S}) > 0)",
                "fleet",
            ),
        panel(Stack, "Contents by state", "short", "What the nodes do with the contents they take part in.")
            .show("sum by (state) (samara_transfers{$S})", "{{state}}"),
        panel(Stack, "Received", "Bps", "What the fleet receives, by where it comes from: the less from the \
             origin, the better the peers pass on.")
            .show("sum by (source) (rate(samara_received_bytes_total{$S}[$__rate_interval]))", "{{source}}"),
        panel(Lines, "Fetches that ended", "short", "Fetches that ended since the last point, by outcome.")
            .show(
                "sum by (outcome) (increase(samara_transfer_completed_total{$S}[$__rate_interval]))",
                "{{outcome}}",
            ),
        panel(Lines, "Time over the limit", "none", "Time of a fetch over the theoretical limit: half and \
             nineteen of twenty fetches stay below the lines. 1 is the limit; a good swarm stays below 1.3.")
            .show(
                "histogram_quantile(0.5, sum by (le) (increase(samara_transfer_overhead_ratio_bucket{$S}[1h])))",
                "half",
            )
            .show(
                "histogram_quantile(0.95, sum by (le) (increase(samara_transfer_overhead_ratio_bucket{$S}[1h])))",
                "19 of 20",
            ),
        panel(Lines, "Duration of fetches", "s", "From the request to the file in its place.")
            .show(
                "histogram_quantile(0.5, sum by (le) (increase(samara_transfer_duration_seconds_bucket{$S}[1h])))",
                "half",
            )
            .show(
                "histogram_quantile(0.95, sum by (le) (increase(samara_transfer_duration_seconds_bucket{$S}[1h])))",
                "19 of 20",
            ),
    ];
    let slow = vec![
        panel(Table, "Least progress", "percentunit", "The ten nodes whose fetches are least far.")
            .show("bottomk(10, samara_transfer_done_bytes{$S} / (samara_transfer_size_bytes{$S} > 0))", ""),
        panel(Table, "Slowest receivers", "Bps", "The ten nodes with a fetch under way that receive least.")
            .show(
                "bottomk(10, sum by (cluster, job, instance) \
                 (rate(samara_received_bytes_total{$S}[$__rate_interval])) \
                 and on (cluster, job, instance) samara_transfer_size_bytes{$S} > 0)",
                "",
            ),
        panel(Table, "Stalled or without a source", "short", "Ten nodes with most such fetches, and those whose \
             name nobody knows.")
            .show(
                "topk(10, (samara_transfers_stalled{$S} + samara_transfers_without_source{$S} + samara_transfers_unresolved{$S}) > 0)",
                "",
            ),
    ];
    let why = vec![
        panel(Table, "Alerts that fire", "short", "Each has a runbook of its name.")
            .show(r#"topk(10, sum by (alertname, severity, instance) (ALERTS{alertname=~"Samara.*",alertstate="firing",$S}))"#, ""),
        panel(Lines, "Origin's share", "percentunit", "Share of the received bytes that came from an origin. \
             With N receivers about one of N; near 1 the peers do not pass on.")
            .show(
                r#"sum(rate(samara_received_bytes_total{source="origin",$S}[$__rate_interval])) / (sum(rate(samara_received_bytes_total{$S}[$__rate_interval])) > 0)"#,
                "origin",
            ),
        panel(Table, "Copies that origins sent", "none", "Bytes sent over size, of the content that each \
             origin sent most.")
            .show("topk(10, samara_origin_egress_copies{$S} > 0)", ""),
        panel(Stack, "Wasted", "Bps", "Bytes that came and were thrown away, by cause.")
            .show("sum by (cause) (rate(samara_wasted_bytes_total{$S}[$__rate_interval]))", "{{cause}}"),
        panel(Table, "Least room on the disk", "bytes", "Ten nodes with least free space where they write.")
            .show("bottomk(10, samara_store_free_bytes{$S})", ""),
        panel(Lines, "Members seen", "short", "Live members as the nodes see them: the lines lie together, \
             unless the fleet is split.")
            .show(r#"max(samara_peers{state="alive",$S})"#, "most")
            .show(r#"min(samara_peers{state="alive",$S})"#, "fewest"),
        panel(Lines, "Broken promises and bans", "short", "Reservations that expired, and peers that were \
             banned, since the last point.")
            .show("sum(increase(samara_reservations_expired_total{$S}[$__rate_interval]))", "expired")
            .show("sum(increase(samara_peers_banned_total{$S}[$__rate_interval]))", "banned"),
        panel(Lines, "Fallbacks of the policy", "percentunit", "Share of the questions that the built-in \
             policy answered for the active one.")
            .show(
                "sum(rate(samara_policy_fallbacks_total{$S}[$__rate_interval])) / (sum(rate(samara_policy_questions_total{$S}[$__rate_interval])) > 0)",
                "fallbacks",
            ),
    ];
    let changed = vec![
        panel(Lines, "Versions", "short", "Nodes by version of Samara.")
            .show("sum by (version) (samara_build_info{$S})", "{{version}}"),
        panel(
            Lines,
            "Changes of policies",
            "short",
            "Swaps, shadows and what the breaker did, since the \
             last point.",
        )
        .show(
            "sum by (change) (increase(samara_policy_changes_total{$S}[$__rate_interval]))",
            "{{change}}",
        ),
        panel(
            Lines,
            "Restarts",
            "short",
            "Nodes that started, and actors that panicked, since the last point.",
        )
        .show("sum(changes(process_start_time_seconds{$S}[$__rate_interval]))", "nodes")
        .show("sum(increase(samara_actor_restarts_total{$S}[$__rate_interval]))", "actors"),
    ];
    Board {
        uid: "samara-fleet",
        title: "Samara: fleet",
        description: "All nodes: whether they are healthy, how far the fetches are, who is slow, and why.",
        rows: vec![
            row("Is it healthy?", healthy),
            row("How far is it?", far),
            row("Who is slow?", slow),
            row("Why?", why),
            row("What changed?", changed),
        ],
    }
}
