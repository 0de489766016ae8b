use crate::board::{Board, row};
use crate::panel::Look::{Lines, Stack, Stat};
use crate::panel::panel;

/// The inside of one node; of several, their sum or the worst of them.
pub fn board() -> Board {
    let healthy = vec![
        panel(Stat, "Ready", "short", "Chosen nodes that listen and are not going down.")
            .show("sum(samara_ready{$S})", "ready"),
        panel(Stat, "Up for", "s", "Time since the last start of a chosen node.")
            .show("min(time() - process_start_time_seconds{$S})", "up"),
        panel(
            Stat,
            "Heartbeat",
            "s",
            "Time since the actors' thread last showed that it runs; the worst node.",
        )
        .show("max(samara_actor_heartbeat_age_seconds{$S})", "age")
        .red_from(10.0),
        panel(
            Stat,
            "Fullest mailbox",
            "short",
            "Messages that wait for an actor, of 1,024 that may.",
        )
        .show("max(samara_actor_mailbox_depth{$S})", "messages")
        .red_from(900.0),
        panel(Stat, "Free on the disk", "bytes", "On the fullest file system that is written to.")
            .show("min(samara_store_free_bytes{$S})", "free"),
        panel(Stat, "Restarts of actors", "short", "In the last hour.")
            .show("sum(increase(samara_actor_restarts_total{$S}[1h]))", "restarts")
            .red_from(1.0),
    ];
    let far = vec![
        panel(Stack, "Contents by state", "short", "What is fetched and served here.")
            .show("sum by (state) (samara_transfers{$S})", "{{state}}"),
        panel(Lines, "Chunks in and out", "Bps", "Bytes of chunks received and sent.")
            .show("sum(rate(samara_received_bytes_total{$S}[$__rate_interval]))", "received")
            .show("sum(rate(samara_sent_bytes_total{$S}[$__rate_interval]))", "sent"),
        panel(Lines, "Links", "short", "Live links to peers, by who dialled.")
            .show("sum by (direction) (samara_peer_connections{$S})", "{{direction}}"),
    ];
    let machine = vec![
        panel(Lines, "Processor time", "percentunit", "Of one core.")
            .show("sum(rate(process_cpu_seconds_total{$S}[$__rate_interval]))", "cores"),
        panel(Lines, "Memory", "bytes", "In use, and address space.")
            .show("sum(process_resident_memory_bytes{$S})", "in use")
            .show("sum(process_virtual_memory_bytes{$S})", "address space"),
        panel(Lines, "Descriptors and threads", "short", "Open files and sockets, how many may be open, threads.")
            .show("sum(process_open_fds{$S})", "open")
            .show("min(process_max_fds{$S})", "may be open")
            .show("sum(process_threads{$S})", "threads"),
        panel(Lines, "Time of disk operations", "s", "Nineteen of twenty took no longer.")
            .show(
                "histogram_quantile(0.95, sum by (le, op) (increase(samara_store_io_duration_seconds_bucket{$S}[$__rate_interval])))",
                "{{op}}",
            ),
        panel(Lines, "Time to verify a chunk", "s", "Processor time for the hash of a chunk: half, and 99 of 100, took no longer.")
            .show(
                "histogram_quantile(0.5, sum by (le) (increase(samara_chunk_verify_duration_seconds_bucket{$S}[$__rate_interval])))",
                "half",
            )
            .show(
                "histogram_quantile(0.99, sum by (le) (increase(samara_chunk_verify_duration_seconds_bucket{$S}[$__rate_interval])))",
                "99 of 100",
            ),
        panel(Lines, "Evictions", "short", "Contents that the nodes removed by themselves since the last point, by the \
             key of [storage] that asked for it.")
            .show("sum by (reason) (increase(samara_store_evictions_total{$S}[$__rate_interval]))", "{{reason}}"),
        panel(Lines, "Disk", "Bps", "Bytes written, and read because the page cache did not have them.")
            .show("sum by (op) (rate(samara_store_io_bytes_total{$S}[$__rate_interval]))", "{{op}}"),
        panel(Lines, "Room on the disk", "bytes", "Ours, free, and in all, of the fullest file system.")
            .show("sum(samara_store_used_bytes{$S})", "ours")
            .show("min(samara_store_free_bytes{$S})", "free")
            .show("min(samara_store_size_bytes{$S})", "in all"),
    ];
    let inside = vec![
        panel(Lines, "Mailboxes", "short", "Messages that wait, by actor; the fullest chosen node.")
            .show("max by (actor) (samara_actor_mailbox_depth{$S})", "{{actor}}"),
        panel(Lines, "Time of a message", "s", "How long actors take for a message: 99 of 100, and 19 of 20.")
            .show(
                "histogram_quantile(0.99, sum by (le) (increase(samara_actor_message_duration_seconds_bucket{$S}[$__rate_interval])))",
                "99 of 100",
            )
            .show(
                "histogram_quantile(0.95, sum by (le) (increase(samara_actor_message_duration_seconds_bucket{$S}[$__rate_interval])))",
                "19 of 20",
            ),
        panel(Lines, "Messages not taken", "short", "Since the last point: the mailbox was full, or the actor down.")
            .show(
                "sum by (actor) (increase(samara_actor_dropped_messages_total{$S}[$__rate_interval]))",
                "{{actor}}",
            ),
        panel(Lines, "Restarts by actor", "short", "Since the last point.")
            .show("sum by (actor) (increase(samara_actor_restarts_total{$S}[$__rate_interval]))", "{{actor}}"),
    ];
    let gossip = vec![
        panel(Lines, "Members", "short", "As gossip sees them; the mean of the chosen nodes.")
            .show("avg by (state) (samara_peers{$S})", "{{state}}"),
        panel(Lines, "Age of the view", "s", "Time since gossip was last heard; the worst node.")
            .show("max(samara_gossip_view_age_seconds{$S})", "age"),
        panel(Lines, "Backlog", "short", "News that gossip has still to pass on.")
            .show("max(samara_gossip_backlog{$S})", "backlog"),
        panel(Lines, "Gossip's messages", "short", "Datagrams and exchanges since the last point.")
            .show(
                "sum by (kind, direction) (increase(samara_gossip_messages_total{$S}[$__rate_interval]))",
                "{{kind}} {{direction}}",
            ),
        panel(Lines, "Gossip's bytes", "Bps", "Bytes of datagrams.")
            .show("sum by (direction) (rate(samara_gossip_bytes_total{$S}[$__rate_interval]))", "{{direction}}"),
        panel(Lines, "Datagrams not taken", "short", "Since the last point, by reason.")
            .show("sum by (reason) (increase(samara_datagrams_dropped_total{$S}[$__rate_interval]))", "{{reason}}"),
    ];
    Board {
        uid: "samara-node",
        title: "Samara: one node",
        description: "The inside of one node. Choose it above; of several chosen ones the panels show the \
                      sum, or the worst where that says more.",
        rows: vec![
            row("Is it healthy?", healthy),
            row("How far is it?", far),
            row("Why: machine and disk?", machine),
            row("Why: the actors?", inside),
            row("Why: does it see the others?", gossip),
        ],
    }
}
