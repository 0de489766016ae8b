//! The page `dashboards/METRICS.md`, written from the declarations.

use std::fmt::Write;

use super::declared::{Kind, METRICS, Metric};

const INTRO: &str = "\
# Metrics

Written from [core/node/src/metrics/declared.rs](../core/node/src/metrics/declared.rs); do not edit it here. After
a change there: `cargo run --release -p samara-dashboards`.

**How to get at them.** `samara serve` and `samara fetch` with `--metrics ADDR`, and `samara node` with `listen` in
the section `[metrics]` of its configuration, answer `http://ADDR/metrics` in Prometheus's text format. `/healthz`
says whether the process is alive, `/readyz` whether it takes part; both give the reason when not. All three only
tell, so the address may be routable. A program that embeds a node calls `Node::metrics`.

Every node has its own figures, also where several run in one process. All series are there from the start. No label
is ever a peer, a path or a content, so their number is fixed. Counters count from the start of the process.
";

const RATIOS: &str = "
Useful ratios, also in [rules/recording.yml](rules/recording.yml):

- wasted share: `samara_wasted_bytes_total` over `samara_received_bytes_total`; below 1 % in a healthy swarm.
- origin's share: `samara_received_bytes_total{source=\"origin\"}` over all sources, summed over the fleet: about one
  copy of as many as there are receivers.
- `samara_sent_bytes_total` over `samara_received_bytes_total`, summed over the fleet, is about 1.
";

/// The page.
pub fn markdown() -> String {
    let series: usize = METRICS.iter().map(Metric::series).sum();
    let mut page = format!("{INTRO}\n{} metrics, {series} series per node.\n\n", METRICS.len());
    page.push_str("| metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n");
    for metric in METRICS {
        let Metric { name, unit, help, .. } = metric;
        // Writing to a string does not fail.
        let _ = writeln!(
            page,
            "| `{name}` | {} | {} | {unit} | {help} |",
            metric.kind.word(),
            labels(metric)
        );
    }
    page.push_str("\nBuckets of the histograms:\n\n");
    for metric in METRICS {
        if let Kind::Histogram(buckets) = metric.kind {
            let bounds: Vec<String> = buckets.iter().map(f64::to_string).collect();
            let _ = writeln!(page, "- `{}`: {}", metric.name, bounds.join(", "));
        }
    }
    page.push_str(RATIOS);
    page
}

fn labels(metric: &Metric) -> String {
    let label = |one: &super::declared::Label| {
        let values: Vec<String> = one.values.iter().map(|value| format!("`{value}`")).collect();
        format!("`{}`: {}", one.name, values.join(", "))
    };
    let all: Vec<String> = metric.labels.iter().map(label).collect();
    if all.is_empty() { "–".into() } else { all.join("; ") }
}
