//! Dashboards and rules on a real Prometheus that watches a real swarm with real faults.

mod fleet;
mod prometheus;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::http::get;
use crate::process::eventually;
use fleet::Fleet;
use prometheus::{Prometheus, Series};

pub use prometheus::free_address;

/// No panel draws more lines than a person can tell apart.
const MOST_SERIES: usize = 50;
/// Panels and rules that show nothing as long as nothing is wrong, and why nothing is wrong with it here.
const MAY_BE_EMPTY: [(&str, &str); 1] =
    [("Stalled or without a source", "nobody is without a source for long enough")];
/// What happened in the fleet makes these fire ...
const MUST_FIRE: [&str; 3] =
    ["SamaraTransferParked", "SamaraPolicyFallbackHigh", "SamaraMetricsMissing"];
/// ... and nothing that happened makes these.
const MUST_NOT_FIRE: [&str; 5] = [
    "SamaraActorRestarting",
    "SamaraCorruptChunks",
    "SamaraFetchesFailing",
    "SamaraNodeHangs",
    "SamaraVersionSkew",
];

/// A query as Grafana would send it, with everything chosen.
fn filled_in(query: &str) -> String {
    query
        .replace("$cluster", ".*")
        .replace("$job", ".+")
        .replace("$instance", ".+")
        .replace("$__rate_interval", "5s")
}

fn dashboards() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/grafana");
    let files = fs::read_dir(folder).expect("the dashboards");
    let read = |path| fs::read_to_string(path).expect("readable");
    files
        .map(|file| serde_json::from_str(&read(file.expect("readable").path())).expect("JSON"))
        .collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Title and query of everything that a dashboard asks.
fn questions(board: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for panel in list(board, "panels") {
        for target in list(panel, "targets") {
            all.push((text(&panel["title"]), text(&target["expr"])));
        }
    }
    for one in list(&board["annotations"], "list") {
        all.push((format!("annotation {}", text(&one["name"])), text(&one["expr"])));
    }
    all
}

fn is_empty(series: &[Series]) -> bool {
    series.iter().all(|one| one.values.is_empty())
}

#[test]
fn every_query_shows_something_while_a_swarm_meets_real_faults() {
    if Command::new("prometheus").arg("--version").output().is_err() {
        println!(
            "skipped: every_query_shows_something_while_a_swarm_meets_real_faults (needs prometheus)"
        );
        return;
    }
    let Some(mut fleet) = Fleet::start() else {
        println!(
            "skipped: every_query_shows_something_while_a_swarm_meets_real_faults (needs root)"
        );
        return;
    };
    let prometheus = Prometheus::watch(&fleet.targets);
    let all = fleet.targets.len();
    eventually("all peers are scraped", || prometheus.now("up == 1").len() == all - 1);
    check_page(&fleet.targets[0]);
    fleet.go_through_it();
    eventually("Prometheus saw the end", || {
        let done = prometheus.now("sum(samara_transfer_completed_total{outcome=\"complete\"})");
        done.iter().any(|one| one.values == [fleet.complete as f64])
            && !prometheus.now("ALERTS{alertname=\"SamaraMetricsMissing\"}").is_empty()
    });
    // The rules may have been evaluated a moment before that scrape, and an evaluation may be under way.
    for _ in 0..2 {
        let before = prometheus.evaluations();
        eventually("every rule is evaluated again", || {
            prometheus.evaluations().iter().zip(&before).all(|(now, then)| now != then)
        });
    }
    let age = fleet.began.elapsed().as_secs() + 5;
    check_dashboards(&prometheus, age, all);
    check_rules(&prometheus, age);
}

fn check_page(target: &str) {
    let (status, page) = get(target, "/metrics");
    assert_eq!(status, 200);
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool comes with prometheus");
    let mut stdin = promtool.stdin.take().expect("piped");
    stdin.write_all(page.as_bytes()).expect("it reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "promtool check metrics: {said}");
}

fn check_dashboards(prometheus: &Prometheus, seconds: u64, nodes: usize) {
    let mut wrong = Vec::new();
    let (mut asked, boards) = (0, dashboards());
    assert_eq!(boards.len(), 5);
    for board in &boards {
        for (title, query) in questions(board) {
            asked += 1;
            let series = prometheus.over(&filled_in(&query), seconds);
            let may_be_empty = MAY_BE_EMPTY.iter().any(|(name, _)| *name == title);
            if series.len() > MOST_SERIES || (is_empty(&series) && !may_be_empty) {
                let title = format!("{}, {title}", board["title"]);
                wrong.push(format!("{title}: {} series of {query}", series.len()));
            }
        }
        for variable in list(&board["templating"], "list").iter().skip(1) {
            let query = filled_in(variable["query"].as_str().expect("a query"));
            let inside = query.trim_start_matches("label_values(").trim_end_matches(')');
            let (matching, label) = inside.rsplit_once(", ").expect("a metric and a label");
            let values = prometheus.label_values(label, matching);
            let wanted = if label == "instance" { nodes } else { 1 };
            if values.len() != wanted {
                wrong.push(format!("{}, variable {label}: {values:?}", board["title"]));
            }
        }
    }
    assert!(asked > 80, "only {asked} queries");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn check_rules(prometheus: &Prometheus, seconds: u64) {
    for rule in prometheus.rules() {
        let name = rule["name"].as_str().expect("a name");
        assert_eq!(rule["health"], "ok", "{name}: {}", rule["lastError"]);
        if rule["type"] == "recording" {
            let series = prometheus.over(name, seconds);
            assert!(!is_empty(&series), "{name} was never recorded");
            assert!(series.len() <= MOST_SERIES, "{name}: {} series", series.len());
        }
    }
    let fired: BTreeSet<String> = prometheus
        .over("ALERTS{alertstate=\"firing\"}", seconds)
        .iter()
        .map(|one| one.labels["alertname"].as_str().expect("a name").to_owned())
        .collect();
    for alert in MUST_FIRE {
        assert!(fired.contains(alert), "{alert} did not fire, but {fired:?}");
    }
    for alert in MUST_NOT_FIRE {
        assert!(!fired.contains(alert), "{alert} fired");
    }
}
