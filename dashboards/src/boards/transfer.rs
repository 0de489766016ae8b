use crate::board::{Board, row};
use crate::panel::Look::{Heatmap, Lines, Stack, Stat, Table};
use crate::panel::panel;

/// What to watch while something is distributed.
pub fn board() -> Board {
    let healthy = vec![
        panel(Stat, "Nodes that fetch", "short", "Nodes with a fetch whose manifest is known.")
            .show("count(samara_transfer_size_bytes{$S} > 0) or vector(0)", "fetching"),
        panel(
            Stat,
            "Done",
            "percentunit",
            "Verified bytes over the size of all fetches under way.",
        )
        .show(
            "sum(samara_transfer_done_bytes{$S}) / (sum(samara_transfer_size_bytes{$S}) > 0)",
            "done",
        ),
        panel(Stat, "Stalled", "short", "Fetches to which nothing has happened for 30 s.")
            .show("sum(samara_transfers_stalled{$S})", "stalled")
            .red_from(1.0),
        panel(Stat, "Without a source", "short", "Nobody they know has what they lack.")
            .show("sum(samara_transfers_without_source{$S})", "without")
            .red_from(1.0),
        panel(Stat, "Unknown names", "short", "Fetches whose name nobody has known for 30 s.")
            .show("sum(samara_transfers_unresolved{$S})", "unknown")
            .red_from(1.0),
        panel(
            Stat,
            "Copies of the origin",
            "none",
            "Bytes sent by the busiest origin over the size of the \
             content: near 1 when the peers pass on what they get.",
        )
        .show("max(samara_origin_egress_copies{$S})", "copies")
        .red_from(5.0),
    ];
    let far = vec![
        panel(Lines, "Progress", "percentunit", "The nodes that are furthest and least far, and the middle.")
            .show("max(samara_transfer_done_bytes{$S} / (samara_transfer_size_bytes{$S} > 0))", "first")
            .show(
                "quantile(0.5, samara_transfer_done_bytes{$S} / (samara_transfer_size_bytes{$S} > 0))",
                "middle",
            )
            .show("min(samara_transfer_done_bytes{$S} / (samara_transfer_size_bytes{$S} > 0))", "last"),
        panel(Stack, "Received by source", "Bps", "Bytes of chunks, by where they come from.")
            .show("sum by (source) (rate(samara_received_bytes_total{$S}[$__rate_interval]))", "{{source}}"),
        panel(Stack, "Sent by scope", "Bps", "Bytes of chunks that were acknowledged, by where they go.")
            .show("sum by (scope) (rate(samara_sent_bytes_total{$S}[$__rate_interval]))", "{{scope}}"),
        panel(Lines, "Time to the first chunk", "s", "From the start of a fetch to its first verified chunk.")
            .show(
                "histogram_quantile(0.5, sum by (le) (increase(samara_time_to_first_chunk_seconds_bucket{$S}[1h])))",
                "half",
            )
            .show(
                "histogram_quantile(0.95, sum by (le) (increase(samara_time_to_first_chunk_seconds_bucket{$S}[1h])))",
                "19 of 20",
            ),
    ];
    let slow = vec![
        panel(Table, "Least progress", "percentunit", "The ten nodes whose fetches are least far.")
            .show("bottomk(10, samara_transfer_done_bytes{$S} / (samara_transfer_size_bytes{$S} > 0))", ""),
        panel(Table, "Fewest links", "short", "The ten nodes with fewest links to peers: one to the origin \
             only is not enough.")
            .show(
                "bottomk(10, sum by (cluster, job, instance) (samara_peer_connections{$S}))",
                "",
            ),
        panel(Heatmap, "Time of a chunk", "short", "How long chunks took from their first to their last byte.")
            .show(
                "sum by (le) (increase(samara_chunk_transfer_duration_seconds_bucket{$S}[$__rate_interval]))",
                "{{le}}",
            ),
    ];
    let why = vec![
        panel(Lines, "Time of a chunk by scope", "s", "Nineteen of twenty chunks took no longer, by where \
             the sender stands.")
            .show(
                "histogram_quantile(0.95, sum by (le, scope) (increase(samara_chunk_transfer_duration_seconds_bucket{$S}[$__rate_interval])))",
                "{{scope}}",
            ),
        panel(Lines, "Chunks under way", "short", "Chunks that are offered, reserved or on their way.")
            .show("sum by (direction) (samara_outstanding_chunks{$S})", "{{direction}}"),
        panel(Lines, "Chunks under way for each slot", "none", "Below 1 the slots are idle: nobody has what is \
             missing, or the policy decides nothing.")
            .show(
                "sum by (direction) (samara_outstanding_chunks{$S}) / (sum by (direction) (samara_slots{$S}) > 0)",
                "{{direction}}",
            ),
        panel(Stack, "Chunks by outcome", "short", "Chunks that came since the last point.")
            .show("sum by (outcome) (increase(samara_chunks_received_total{$S}[$__rate_interval]))", "{{outcome}}"),
        panel(Lines, "Wasted share", "percentunit", "Bytes thrown away over bytes received; below 1 % in a \
             healthy swarm.")
            .show(
                "sum(rate(samara_wasted_bytes_total{$S}[$__rate_interval])) / (sum(rate(samara_received_bytes_total{$S}[$__rate_interval])) > 0)",
                "wasted",
            ),
        panel(Lines, "Messages beside the chunks", "Bps", "Bytes of messages and headers on all links.")
            .show("sum by (direction) (rate(samara_control_bytes_total{$S}[$__rate_interval]))", "{{direction}}"),
    ];
    Board {
        uid: "samara-transfer",
        title: "Samara: a transfer",
        description: "What to watch while something is distributed. Which content it is does not matter to \
                      the metrics; `samara status` tells one from the other.",
        rows: vec![
            row("Is it healthy?", healthy),
            row("How far is it?", far),
            row("Who is slow?", slow),
            row("Why?", why),
        ],
    }
}
