//! Every metric of a node, in one table: name, kind, unit, labels with all their values, and what it means.
//! The exporter, the page `dashboards/METRICS.md` and the tests of dashboards and rules all read it.
//!
//! No label is ever a peer, a path or a content: the number of series is fixed, and a test holds it below 300.

use super::labels;

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// As it is exported.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// When its value is taken.
    pub taken: Taken,
    /// What one of it is.
    pub unit: &'static str,
    /// Its labels; every combination of their values is there from the start.
    pub labels: &'static [Label],
    /// What it means, for a person.
    pub help: &'static str,
}

/// A label and all its values.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// The label.
    pub name: &'static str,
    /// Its values.
    pub values: &'static [&'static str],
}

/// What a metric is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Only grows, from the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations, counted in fixed buckets.
    Histogram(&'static [f64]),
}

/// When the value of a metric is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// As it happens.
    AtOnce,
    /// When somebody asks for the page.
    WhenAsked,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

impl Metric {
    /// Every combination of label values, the last label's fastest; one empty combination without labels.
    pub fn combinations(&self) -> Vec<Vec<(&'static str, &'static str)>> {
        let mut all = vec![Vec::new()];
        for label in self.labels {
            let longer = all.iter().flat_map(|one| {
                label.values.iter().map(move |value| [&one[..], &[(label.name, *value)]].concat())
            });
            all = longer.collect();
        }
        all
    }

    /// Names of its series on the page: three kinds of them for a histogram.
    pub fn series_names(&self) -> Vec<String> {
        match self.kind {
            Kind::Histogram(_) => {
                ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", self.name)).to_vec()
            }
            _ => vec![self.name.to_owned()],
        }
    }

    /// How many series it is.
    pub fn series(&self) -> usize {
        let each = match self.kind {
            // One more bucket for what is above all, the sum and the count.
            Kind::Histogram(buckets) => buckets.len() + 3,
            _ => 1,
        };
        each * self.combinations().len()
    }
}

/// A wrong line in the table does not compile.
const _: () = assert!(can_be_taken(METRICS), "a gauge is taken when asked, a histogram at once");

/// Whether each can be had as it says: a gauge that is counted at once would be exported as a counter, and a
/// histogram that is looked at would have no buckets.
const fn can_be_taken(metrics: &[Metric]) -> bool {
    let mut at = 0;
    while at < metrics.len() {
        let one = &metrics[at];
        match (one.kind, one.taken) {
            (Kind::Gauge, Taken::AtOnce) | (Kind::Histogram(_), Taken::WhenAsked) => return false,
            _ => at += 1,
        }
    }
    true
}

/// A chunk of 16 KiB in a data centre takes tens of microseconds, one of 16 MiB over a thin line a minute.
const CHUNK_SECONDS: &[f64] = &[0.0005, 0.002, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0];
/// From a file of a megabyte to a terabyte.
const TRANSFER_SECONDS: &[f64] =
    &[1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 14_400.0, 86_400.0];
/// 1 is the limit; the benchmark's swarms lie between 1.05 and 1.3.
const OVER_LIMIT: &[f64] = &[1.02, 1.05, 1.1, 1.2, 1.3, 1.5, 2.0, 3.0, 5.0, 10.0];
const FIRST_CHUNK_SECONDS: &[f64] = &[0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 120.0, 600.0];
/// At 1 to 6 GB/s, chunks of 16 KiB to 16 MiB.
const VERIFY_SECONDS: &[f64] = &[0.00001, 0.0001, 0.0005, 0.002, 0.01, 0.05];
/// The page cache takes a chunk in some ten microseconds, a busy spinning disk in a second.
const DISK_SECONDS: &[f64] = &[0.0001, 0.0005, 0.002, 0.01, 0.03, 0.1, 0.3, 1.0, 5.0];
/// A module has 10 ms for an answer unless it is configured otherwise; the built-in policy needs microseconds.
const CALL_SECONDS: &[f64] = &[0.00002, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0];
const MESSAGE_SECONDS: &[f64] = &[0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0];

const fn counter(
    name: &'static str,
    unit: &'static str,
    labels: &'static [Label],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Counter, taken: Taken::AtOnce, unit, labels, help }
}

/// A counter that is kept elsewhere, and read when somebody asks.
const fn total(
    name: &'static str,
    unit: &'static str,
    labels: &'static [Label],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Counter, taken: Taken::WhenAsked, unit, labels, help }
}

const fn gauge(
    name: &'static str,
    unit: &'static str,
    labels: &'static [Label],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Gauge, taken: Taken::WhenAsked, unit, labels, help }
}

const fn histogram(
    name: &'static str,
    unit: &'static str,
    labels: &'static [Label],
    buckets: &'static [f64],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Histogram(buckets), taken: Taken::AtOnce, unit, labels, help }
}

const fn label(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values }
}

/// All of them, in the order of the page.
pub const METRICS: &[Metric] = &[
    gauge(
        "samara_build_info",
        "1",
        &[
            label("version", &[env!("CARGO_PKG_VERSION")]),
            label("contract", &[samara_policy_host::CONTRACT]),
        ],
        "Always 1. The version of Samara, and of the contract with policies",
    ),
    gauge(
        "samara_ready",
        "0 or 1",
        &[],
        "1 while the node listens and is not going down, as /readyz says",
    ),
    gauge(
        "samara_transfers",
        "contents",
        &[label("state", labels::PHASES)],
        "Contents that this node takes part in, by state; `complete` ones are served. `finding`: its name is \
         not resolved, or nobody is found who has its manifest",
    ),
    gauge(
        "samara_transfers_stalled",
        "contents",
        &[],
        "Fetches to which nothing has happened for 30 s: no chunk came and the state did not change",
    ),
    gauge(
        "samara_transfers_without_source",
        "contents",
        &[],
        "Fetches under way of which no live neighbour has anything that is missing here",
    ),
    gauge(
        "samara_transfers_unresolved",
        "contents",
        &[],
        "Fetches whose name nobody has known for 30 s or longer; they are `finding` in \
         samara_transfers, too",
    ),
    gauge(
        "samara_transfer_size_bytes",
        "bytes",
        &[],
        "Size of all fetches under way together; those whose manifest is not here yet count nothing",
    ),
    gauge(
        "samara_transfer_done_bytes",
        "bytes",
        &[],
        "Of samara_transfer_size_bytes, what is verified and on disk",
    ),
    counter(
        "samara_transfer_completed_total",
        "fetches",
        &[label("outcome", labels::OUTCOMES)],
        "Fetches that ended, by outcome",
    ),
    histogram(
        "samara_transfer_duration_seconds",
        "seconds",
        &[],
        TRANSFER_SECONDS,
        "Time of a fetch from the request to the file in its place; what was there already is not counted",
    ),
    histogram(
        "samara_transfer_overhead_ratio",
        "ratio",
        &[],
        OVER_LIMIT,
        "Time of a fetch over the theoretical limit (1 + floor(log2 N) / M) * size / rate. N: members that are \
         up. Rate: the cap on receiving, or without one the fastest second of the fetch, so that fetches of \
         less than about a second are not counted",
    ),
    histogram(
        "samara_time_to_first_chunk_seconds",
        "seconds",
        &[],
        FIRST_CHUNK_SECONDS,
        "Time from the start of a fetch to its first verified chunk",
    ),
    counter(
        "samara_received_bytes_total",
        "bytes",
        &[label("source", labels::SOURCES)],
        "Bytes of chunks received from peers, wasted ones included, by where they came from: the origin of \
         the content, or else a peer in the same rack (or on the same host), in the same zone, or anywhere else",
    ),
    counter(
        "samara_sent_bytes_total",
        "bytes",
        &[label("scope", labels::SCOPES)],
        "Bytes of chunks sent whole and acknowledged, by where the receiver stands",
    ),
    counter(
        "samara_wasted_bytes_total",
        "bytes",
        &[label("cause", labels::LOSSES)],
        "Received bytes that were thrown away. `duplicate`: was here already. `corrupt`: wrong hash. `late`: \
         broken off, or not wanted any more. `unwritten`: the store could not keep it, the disk is full or failing",
    ),
    total(
        "samara_control_bytes_total",
        "bytes",
        &[label("direction", labels::DIRECTIONS)],
        "Bytes of messages and headers on all links, without the bodies of chunks",
    ),
    counter(
        "samara_chunks_received_total",
        "chunks",
        &[label("outcome", labels::CHUNK_OUTCOMES)],
        "Chunks that came from peers, whole or in part. `ok`: verified and written; the others as in \
         samara_wasted_bytes_total",
    ),
    histogram(
        "samara_chunk_transfer_duration_seconds",
        "seconds",
        &[label("scope", labels::SCOPES)],
        CHUNK_SECONDS,
        "Time from the first to the last byte of a chunk that was stored, by where the sender stands",
    ),
    histogram(
        "samara_chunk_verify_duration_seconds",
        "seconds",
        &[],
        VERIFY_SECONDS,
        "Time that the processor took to hash a chunk that arrived whole; it is hashed while it is received",
    ),
    counter(
        "samara_reservations_expired_total",
        "expiries",
        &[],
        "Peers that promised a chunk and sent nothing in time",
    ),
    counter(
        "samara_peers_banned_total",
        "bans",
        &[],
        "Peers banned from one content for breaking the rules",
    ),
    gauge(
        "samara_origin_egress_copies",
        "copies",
        &[],
        "Of the contents published here the one that was sent most: bytes sent over its size. Near 1 when the \
         peers pass on what they get; grows while new peers fetch from here alone",
    ),
    gauge(
        "samara_peer_connections",
        "links",
        &[label("direction", labels::WAYS)],
        "Live links to peers, by who dialled",
    ),
    gauge(
        "samara_outstanding_chunks",
        "chunks",
        &[label("direction", labels::DIRECTIONS)],
        "Chunks that are offered, reserved or on their way",
    ),
    gauge(
        "samara_slots",
        "neighbours",
        &[label("direction", labels::DIRECTIONS)],
        "Neighbours with which something may be under way at a time, over all contents",
    ),
    gauge(
        "samara_peers",
        "nodes",
        &[label("state", labels::MEMBER_STATES)],
        "Members of the cluster as gossip sees them from here, this node not included",
    ),
    gauge(
        "samara_gossip_view_age_seconds",
        "seconds",
        &[],
        "Time since this node last heard any gossip; 0 while it knows nobody",
    ),
    gauge(
        "samara_gossip_backlog",
        "updates",
        &[],
        "News that gossip has still to pass on; healthy below the number of members",
    ),
    counter(
        "samara_gossip_messages_total",
        "messages",
        &[label("kind", labels::GOSSIP_KINDS), label("direction", labels::DIRECTIONS)],
        "Gossip's datagrams, and its exchanges of everything known",
    ),
    counter(
        "samara_gossip_bytes_total",
        "bytes",
        &[label("direction", labels::DIRECTIONS)],
        "Bytes of gossip's datagrams",
    ),
    counter(
        "samara_datagrams_dropped_total",
        "datagrams",
        &[label("reason", labels::DATAGRAM_DROPS)],
        "Datagrams on the node's port that were not taken. `not_samara`: something else found the port. \
         `version`, `other_cluster`: a node that does not belong here. `too_large`: longer than any of ours. \
         `mailbox_full`: gossip does not keep up",
    ),
    counter(
        "samara_policy_questions_total",
        "questions",
        &[label("hook", labels::HOOKS)],
        "Questions for the active policy, by hook",
    ),
    histogram(
        "samara_policy_call_duration_seconds",
        "seconds",
        &[label("policy", labels::ROLES)],
        CALL_SECONDS,
        "Time of a call of a policy, waiting for its thread included",
    ),
    counter(
        "samara_policy_fuel_total",
        "units of fuel",
        &[label("policy", labels::ROLES)],
        "Fuel that modules used, about one unit an instruction; the built-in policy uses none",
    ),
    counter(
        "samara_policy_fallbacks_total",
        "questions",
        &[label("reason", labels::FALLBACKS)],
        "Questions that the built-in policy answered for the active one. `idle`: it decided nothing although \
         something could move. `left-alone`: it failed too often and is tried again soon. `quarantined`: it is \
         not asked any more. `not-wanted`: asked before a swap, for a hook that the new policy does not want",
    ),
    counter(
        "samara_policy_failures_total",
        "calls",
        &[label("reason", labels::FAILURES)],
        "Calls of the active policy that gave no answer, or one that came too late. `trap`: it gave up, or its stack \
         was full. `deadline`: it ran, or waited for a thread, for too long. `abi`: it could not be started. \
         `output`: its answer is malformed or too large",
    ),
    counter(
        "samara_policy_shadow_total",
        "questions",
        &[label("outcome", labels::SHADOW)],
        "What came of the questions to the policy in shadow, compared with the active one",
    ),
    counter(
        "samara_policy_decisions_dropped_total",
        "decisions",
        &[label("reason", labels::DROPS)],
        "Decisions of the policy that did not hold when they were carried out. Some `no_slot`, `peer_busy`, \
         `nothing_to_send` and `here_or_coming` are normal, as knowledge is always a little old; `other_hook` \
         and `unknown_...` are errors of the policy",
    ),
    counter(
        "samara_policy_changes_total",
        "changes",
        &[label("change", labels::CHANGES)],
        "What happened to the node's policies",
    ),
    gauge(
        "samara_policy_state",
        "0 or 1",
        &[label("policy", labels::ROLES), label("state", labels::CONDITIONS)],
        "1 for the state in which the policy is. `left-alone`: it failed and is tried again later. `on-trial`: \
         it is being tried. `quarantined`: it is not asked any more. `none`: there is none",
    ),
    gauge(
        "samara_policy_memory_bytes",
        "bytes",
        &[label("policy", labels::ROLES)],
        "Most memory that an instance of the policy had after a call; each thread that asks has one. 0 for the \
         built-in policy, or none",
    ),
    gauge(
        "samara_policy_generation",
        "changes",
        &[],
        "Counts up with each change of the active policy since the start of the node",
    ),
    gauge(
        "samara_policy_loaded_timestamp_seconds",
        "seconds since 1970",
        &[],
        "When the policies of this node last changed; its start, if never",
    ),
    gauge(
        "samara_actor_mailbox_depth",
        "messages",
        &[label("actor", labels::ACTOR_NAMES)],
        "Messages that wait for an actor, of 1,024 that may; for `swarm` the fullest of all contents",
    ),
    histogram(
        "samara_actor_message_duration_seconds",
        "seconds",
        &[],
        MESSAGE_SECONDS,
        "Time that an actor takes for a message",
    ),
    counter(
        "samara_actor_restarts_total",
        "restarts",
        &[label("actor", labels::ACTOR_NAMES)],
        "Actors that panicked and were restarted. Anything but 0 is a bug worth reporting; transfers go on",
    ),
    counter(
        "samara_actor_dropped_messages_total",
        "messages",
        &[label("actor", labels::ACTOR_NAMES)],
        "Messages that an actor did not take: its mailbox was full, or it was being restarted",
    ),
    gauge(
        "samara_actor_heartbeat_age_seconds",
        "seconds",
        &[],
        "Time since the actors' thread last showed that it runs, which it does every second",
    ),
    histogram(
        "samara_store_io_duration_seconds",
        "seconds",
        &[label("op", labels::DISK)],
        DISK_SECONDS,
        "Time to check and write a chunk, and to read bytes that the page cache does not have. Bytes that the \
         system sends straight from the page cache are not in it",
    ),
    counter(
        "samara_store_io_bytes_total",
        "bytes",
        &[label("op", labels::DISK)],
        "Bytes written and read, as in samara_store_io_duration_seconds",
    ),
    counter(
        "samara_store_evictions_total",
        "contents",
        &[label("reason", labels::EVICTIONS)],
        "Contents that the node removed by itself, by the key of `[storage]` that asked for it",
    ),
    gauge(
        "samara_store_used_bytes",
        "bytes",
        &[],
        "Bytes of contents that this node fetched or fetches, verified and on disk",
    ),
    gauge(
        "samara_store_free_bytes",
        "bytes",
        &[],
        "Free space of the fullest file system that this node writes to",
    ),
    gauge("samara_store_size_bytes", "bytes", &[], "Size of that file system"),
    total(
        "process_cpu_seconds_total",
        "seconds",
        &[],
        "Processor time of the process, user and system",
    ),
    gauge("process_resident_memory_bytes", "bytes", &[], "Memory in use"),
    gauge("process_virtual_memory_bytes", "bytes", &[], "Address space in use"),
    gauge("process_open_fds", "descriptors", &[], "Open file descriptors"),
    gauge("process_max_fds", "descriptors", &[], "Most file descriptors that may be open"),
    gauge("process_threads", "threads", &[], "Threads of the process"),
    gauge("process_start_time_seconds", "seconds since 1970", &[], "When the process started"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_that_is_counted_at_once_is_refused() {
        let fine = gauge("samara_ready", "0 or 1", &[], "is looked at");
        let counted = Metric { taken: Taken::AtOnce, ..fine };
        let observed = histogram("samara_seconds", "seconds", &[], DISK_SECONDS, "is observed");
        let looked_at = Metric { taken: Taken::WhenAsked, ..observed };
        assert!(can_be_taken(&[fine, observed]));
        assert!(!can_be_taken(&[fine, counted]));
        assert!(!can_be_taken(&[looked_at]));
    }
}
