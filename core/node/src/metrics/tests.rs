use std::collections::BTreeSet;

use super::*;

fn page_of(metrics: &Metrics) -> String {
    let mut text = text::Text::new();
    metrics.recorder.write(&mut text);
    text.into_page()
}

#[test]
fn every_series_that_is_counted_is_there_before_anything_happened() {
    let page = page_of(&Metrics::new(true));
    for metric in METRICS.iter().filter(|one| one.taken == Taken::AtOnce) {
        let (name, kind) = (metric.name, metric.kind.word());
        assert!(page.contains(&format!("# TYPE {name} {kind}\n")), "{name} is no {kind}:\n{page}");
        assert!(page.contains(&format!("# HELP {name} ")), "{name} has no help");
        let of_it = |line: &&str| {
            let series = line.split(['{', ' ']).next().unwrap_or_default().to_owned();
            metric.series_names().contains(&series)
        };
        assert_eq!(page.lines().filter(of_it).count(), metric.series(), "series of {name}");
    }
    assert!(!page.contains(" summary"), "summaries cannot be added up over nodes");
}

#[test]
fn a_node_has_at_most_three_hundred_series() {
    let series: usize = METRICS.iter().map(Metric::series).sum();
    assert!(series <= 300, "{series}");
}

#[test]
fn names_follow_the_conventions() {
    let mut seen = BTreeSet::new();
    for Metric { name, kind, unit, labels, help, .. } in METRICS {
        assert!(seen.insert(name), "{name} twice");
        let ours = name.starts_with("samara_") || name.starts_with("process_");
        assert!(ours && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        assert_eq!(name.ends_with("_total"), matches!(kind, Kind::Counter), "{name}");
        let seconds = unit.starts_with("seconds");
        assert_eq!(seconds, name.contains("_seconds"), "{name} in {unit}");
        assert_eq!(*unit == "bytes", name.contains("_bytes"), "{name} in {unit}");
        assert_eq!(*unit == "ratio", name.ends_with("_ratio"), "{name} in {unit}");
        assert!(!help.contains(['\n', '|', '"']) && help.len() > 10, "{name}: {help}");
        assert!(labels.len() <= 2, "{name}");
        for label in *labels {
            assert!((1..=13).contains(&label.values.len()), "{name}: {}", label.name);
            for foreign in ["peer", "content", "chunk", "path", "hash", "id", "address"] {
                assert_ne!(label.name, foreign, "{name}: nothing that grows is a label");
            }
        }
        if let Kind::Histogram(buckets) = kind {
            assert!(buckets.is_sorted() && buckets.len() <= 12, "{name}");
        }
    }
}

#[test]
fn two_nodes_in_one_process_do_not_mix_their_figures() {
    let (one, other) = (Metrics::new(true), Metrics::new(true));
    one.peers_banned.add(0, 3);
    assert_eq!(one.of("samara_peers_banned_total"), Some(3));
    assert_eq!(other.of("samara_peers_banned_total"), Some(0));
}

#[test]
fn what_happens_to_a_chunk_is_counted_by_source_and_cause() {
    let metrics = Metrics::new(true);
    let origin = Source { scope: Scope::Rack, origin: true };
    let far = Source { scope: Scope::Remote, origin: false };
    metrics.chunk_stored(origin, 100, Duration::from_millis(5));
    metrics.chunk_stored(far, 10, Duration::from_millis(50));
    metrics.chunk_lost(far, Loss::Corrupt, 7);
    metrics.chunk_sent(Scope::Zone, 9);
    for (series, value) in [
        ("samara_received_bytes_total{source=\"origin\"}", 100),
        ("samara_received_bytes_total{source=\"remote\"}", 17),
        ("samara_received_bytes_total{source=\"zone\"}", 0),
        ("samara_chunks_received_total{outcome=\"ok\"}", 2),
        ("samara_chunks_received_total{outcome=\"corrupt\"}", 1),
        ("samara_wasted_bytes_total{cause=\"corrupt\"}", 7),
        ("samara_sent_bytes_total{scope=\"zone\"}", 9),
        ("samara_chunk_transfer_duration_seconds_count{scope=\"rack\"}", 1),
        ("samara_chunk_transfer_duration_seconds_bucket{scope=\"rack\",le=\"0.002\"}", 0),
        ("samara_chunk_transfer_duration_seconds_bucket{scope=\"rack\",le=\"0.01\"}", 1),
    ] {
        assert_eq!(metrics.of(series), Some(value), "{series}");
    }
}

#[test]
fn observations_are_told_by_bucket_with_their_sum() {
    let metrics = Metrics::new(true);
    for millis in [0, 1, 2, 30, 5000] {
        metrics.chunk_stored(
            Source { scope: Scope::Zone, origin: false },
            1,
            Duration::from_millis(millis),
        );
    }
    let page = page_of(&metrics);
    let name = "samara_chunk_transfer_duration_seconds";
    for line in [
        format!("{name}_bucket{{scope=\"zone\",le=\"0.0005\"}} 1"),
        format!("{name}_bucket{{scope=\"zone\",le=\"0.002\"}} 3"),
        format!("{name}_bucket{{scope=\"zone\",le=\"0.03\"}} 4"),
        format!("{name}_bucket{{scope=\"zone\",le=\"3\"}} 4"),
        format!("{name}_bucket{{scope=\"zone\",le=\"10\"}} 5"),
        format!("{name}_bucket{{scope=\"zone\",le=\"+Inf\"}} 5"),
        format!("{name}_sum{{scope=\"zone\"}} 5.033"),
        format!("{name}_count{{scope=\"zone\"}} 5"),
    ] {
        assert!(page.lines().any(|one| one == line), "{line}:\n{page}");
    }
}

#[test]
fn a_value_that_is_not_declared_is_not_counted() {
    let metrics = Metrics::new(true);
    let before = page_of(&metrics).len();
    metrics.policy_fault("sunspots");
    assert_eq!(page_of(&metrics).len(), before);
}

#[test]
fn nothing_is_counted_when_that_is_switched_off() {
    let metrics = Metrics::new(false);
    metrics.chunk_stored(Source { scope: Scope::Zone, origin: true }, 1, Duration::ZERO);
    metrics.policy_fault("fuel");
    metrics.upkeep();
    assert_eq!(page_of(&metrics), "");
}

#[test]
fn a_fault_of_a_policy_is_counted_under_one_of_six_reasons() {
    let metrics = Metrics::new(true);
    for fault in ["stack", "trap", "too-big", "start", "queue"] {
        metrics.policy_fault(fault);
    }
    for (reason, count) in [("trap", 2), ("output", 1), ("abi", 1), ("deadline", 1), ("fuel", 0)] {
        let series = format!("samara_policy_failures_total{{reason=\"{reason}\"}}");
        assert_eq!(metrics.of(&series), Some(count), "{reason}");
    }
}
