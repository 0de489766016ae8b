//! Names of metrics in dashboards and rules: each exists, and each metric is used or listed as not shown.

use std::collections::BTreeSet;
use std::path::Path;

use samara_node::monitoring::{Kind, METRICS};

use crate::check::{self, exported, words};
use crate::not_shown::NOT_SHOWN;
use crate::{boards, panel::CHOICE};

/// A file of this folder.
pub fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Every query of every dashboard, with the panel's title.
pub fn queries() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (_, board) in boards::all() {
        let written = board.write();
        for panel in written["panels"].as_array().expect("panels") {
            let title = format!("{}: {}", board.title, panel["title"].as_str().expect("a title"));
            for target in panel["targets"].as_array().into_iter().flatten() {
                all.push((title.clone(), target["expr"].as_str().expect("a query").to_owned()));
            }
        }
        for annotation in written["annotations"]["list"].as_array().expect("annotations") {
            let query = annotation["expr"].as_str().expect("a query").to_owned();
            all.push((format!("{}: annotation", board.title), query));
        }
    }
    all
}

/// Series that the rules record.
pub fn recorded() -> BTreeSet<String> {
    check::recorded(&read("rules/recording.yml"))
}

/// Without comments.
fn rules() -> String {
    let text = read("rules/recording.yml") + &read("rules/alerts.yml");
    text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_name_in_a_query_exists() {
    let known: BTreeSet<String> = exported().union(&recorded()).cloned().collect();
    let named = queries().into_iter().chain([("the rules".to_owned(), rules())]);
    for (place, text) in named {
        for word in words(&text) {
            assert!(known.contains(&word), "{place}: there is no {word}");
        }
    }
}

#[test]
fn every_metric_is_used_or_listed_as_not_shown() {
    let texts: Vec<String> =
        queries().into_iter().map(|(_, query)| query).chain([rules()]).collect();
    let used: BTreeSet<String> = texts.iter().flat_map(|text| words(text)).collect();
    for metric in METRICS {
        let is_used = metric.series_names().iter().any(|name| used.contains(name));
        let listed = NOT_SHOWN.iter().any(|(name, _)| *name == metric.name);
        assert!(is_used != listed, "{}: used {is_used}, listed as not shown {listed}", metric.name);
    }
}

#[test]
fn counters_are_never_shown_as_they_are() {
    for (place, query) in queries() {
        let bare = query.replace(CHOICE, "");
        for metric in METRICS.iter().filter(|one| matches!(one.kind, Kind::Counter)) {
            for (at, _) in bare.match_indices(metric.name) {
                let before = &bare[..at];
                let inside = before.ends_with("rate(") || before.ends_with("increase(");
                assert!(inside, "{place}: {} outside of rate and increase", metric.name);
            }
        }
    }
}
