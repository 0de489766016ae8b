//! Checks files of others against what this version exports: dashboards that a team keeps for itself, rules, and a
//! Prometheus that should know the metrics.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use samara_node::monitoring::METRICS;
use serde_json::Value;

/// A Prometheus that takes longer than this is not asked by people either.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer that is read: ten thousand names.
const MAX_ANSWER: u64 = 4 << 20;

/// What could be a metric or a recorded series in a text.
pub fn words(text: &str) -> BTreeSet<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let all = text.split(|c| !part(c)).map(|word| word.trim_matches(':').to_owned());
    let ours = |word: &String| {
        ["samara_", "process_", "instance:samara_", "job:samara_"]
            .iter()
            .any(|start| word.starts_with(start))
    };
    all.filter(ours).collect()
}

/// Names of everything that a node exports.
pub fn exported() -> BTreeSet<String> {
    METRICS.iter().flat_map(|metric| metric.series_names()).collect()
}

/// Series that rules record.
pub fn recorded(rules: &str) -> BTreeSet<String> {
    let names = rules.lines().filter_map(|line| line.trim().strip_prefix("- record: "));
    names.map(str::to_owned).collect()
}

/// What is wrong with a file, a sentence each; `known` are the names that may be asked for.
///
/// # Errors
/// When it cannot be read as what its name says.
pub fn check_file(path: &Path, known: &BTreeSet<String>) -> Result<Vec<String>, String> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|why| format!("could not read {shown}: {why}"))?;
    let queries = if path.extension().is_some_and(|end| end == "json") {
        let board: Value = serde_json::from_str(&text)
            .map_err(|why| format!("{shown} is no dashboard: it is not JSON ({why})"))?;
        let mut queries = Vec::new();
        collect("", &board, &mut queries);
        queries
    } else {
        let lines = text.lines().enumerate();
        let asked = lines.filter(|(_, line)| !line.trim_start().starts_with('#'));
        asked.map(|(at, line)| (format!("line {}", at + 1), line.to_owned())).collect()
    };
    let mut wrong = Vec::new();
    for (place, query) in queries {
        for word in words(&query).difference(known) {
            let near = nearest(word, known);
            let near = near.map_or(String::new(), |near| format!("; do you mean `{near}`?"));
            wrong.push(format!("{shown}, {place}: no node exports `{word}`{near}"));
        }
    }
    Ok(wrong)
}

/// Every query below a value, with the title that is nearest above it.
fn collect(title: &str, value: &Value, queries: &mut Vec<(String, String)>) {
    match value {
        Value::Object(keys) => {
            let own = ["title", "name"].iter().find_map(|key| keys.get(*key)?.as_str());
            let title = own.filter(|own| !own.is_empty()).unwrap_or(title);
            for (key, below) in keys {
                match below {
                    Value::String(query) if ["expr", "query", "definition"].contains(&&**key) => {
                        queries.push((format!("\"{title}\""), query.clone()));
                    }
                    _ => collect(title, below, queries),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|below| collect(title, below, queries)),
        _ => {}
    }
}

/// The known name that differs least, when it is near enough to be meant.
fn nearest<'a>(word: &str, known: &'a BTreeSet<String>) -> Option<&'a String> {
    let distance = |name: &String| strsim::damerau_levenshtein(word, name);
    known.iter().min_by_key(|name| distance(name)).filter(|name| distance(name) <= word.len() / 3)
}

/// Which of our metrics a Prometheus does not have.
///
/// # Errors
/// When it does not answer, or has none at all: in one sentence.
pub fn check_prometheus(address: &str) -> Result<Vec<String>, String> {
    let place = address.trim_start_matches("http://").trim_end_matches('/');
    let body = ask(place, "/api/v1/label/__name__/values").map_err(|why| {
        format!("could not ask Prometheus at {address}: {why}. Nodes go on without it; check the address, and that it runs")
    })?;
    let answer: Value = serde_json::from_str(&body).unwrap_or_default();
    let names = answer["data"].as_array().ok_or_else(|| {
        format!("what answers at {address} is no Prometheus: check the address, and a proxy in front of it")
    })?;
    let there: BTreeSet<&str> = names.iter().filter_map(Value::as_str).collect();
    let exported = exported();
    let missing = exported.iter().filter(|name| !there.contains(name.as_str()));
    let missing: Vec<String> = missing.cloned().collect();
    if missing.len() == exported.len() {
        return Err(format!(
            "Prometheus at {address} has no metric of Samara: its configuration needs a job with the nodes' \
             metrics addresses, see provisioning/prometheus.yml"
        ));
    }
    Ok(missing)
}

/// `HOST:PORT/PATH-PREFIX`, by HTTP/1.0: the body ends with the connection.
fn ask(place: &str, path: &str) -> Result<String, String> {
    let (host, prefix) = place
        .split_once('/')
        .map_or((place, String::new()), |(host, rest)| (host, format!("/{rest}")));
    let said = |why: std::io::Error| why.to_string();
    let mut found =
        host.to_socket_addrs().map_err(|_| "it is no HOST:PORT that is known".to_owned())?;
    let address = found.next().ok_or("it has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(said)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(said)?;
    write!(stream, "GET {prefix}{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").map_err(said)?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).map_err(said)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer is not HTTP")?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        status => Err(format!("it answers with status {}", status.unwrap_or("?"))),
    }
}

/// Says what is wrong with the files and the Prometheus; true when nothing is.
pub fn check(files: &[PathBuf], prometheus: Option<&str>, rules: &str) -> bool {
    let known: BTreeSet<String> = exported().union(&recorded(rules)).cloned().collect();
    let mut wrong = Vec::new();
    for file in files {
        wrong.extend(check_file(file, &known).unwrap_or_else(|why| vec![why]));
    }
    match prometheus.map(check_prometheus) {
        Some(Ok(missing)) if !missing.is_empty() => wrong.push(format!(
            "Prometheus has no {}: do older nodes report to it?",
            missing.join(", ")
        )),
        Some(Err(why)) => wrong.push(why),
        _ => {}
    }
    wrong.iter().for_each(|what| eprintln!("error: {what}"));
    wrong.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn known() -> BTreeSet<String> {
        exported()
    }

    fn wrong(name: &str, text: &str) -> Vec<String> {
        let folder =
            std::env::temp_dir().join(format!("samara-check-{}-{name}", std::process::id()));
        std::fs::write(&folder, text).expect("written");
        let wrong = check_file(&folder, &known()).unwrap_or_else(|why| vec![why]);
        std::fs::remove_file(&folder).expect("removed");
        wrong
    }

    #[test]
    fn a_dashboard_with_an_unknown_metric_is_told_with_the_panel_and_the_nearest_one() {
        let board = |query: &str| {
            let panel = serde_json::json!({ "title": "Links", "targets": [{ "expr": query }] });
            serde_json::json!({ "title": "Mine", "panels": [panel] }).to_string()
        };
        assert_eq!(wrong("fine.json", &board("sum(samara_peer_connections)")), [""; 0]);
        let told = wrong("wrong.json", &board("sum(samara_peer_conections) / up"));
        assert_eq!(told.len(), 1, "{told:?}");
        let words = "\"Links\": no node exports `samara_peer_conections`; do you mean `samara_peer_connections`?";
        assert!(told[0].ends_with(words), "{told:?}");
        let told = wrong("no.json", "groups:");
        assert!(told[0].contains("is no dashboard: it is not JSON"), "{told:?}");
    }

    #[test]
    fn rules_are_told_by_their_line_and_comments_are_not() {
        let told =
            wrong("mine.yml", "# samara_x\n- expr: samara_ready == 0\n- expr: samara_x > 1\n");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("line 3: no node exports `samara_x`"), "{told:?}");
    }

    #[test]
    fn our_own_files_are_right() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let boards = std::fs::read_dir(own.join("grafana")).expect("the dashboards");
        let boards = boards.map(|file| file.expect("readable").path());
        let rules = ["rules/recording.yml", "rules/alerts.yml"].map(|name| own.join(name));
        let files: Vec<PathBuf> = boards.chain(rules).collect();
        let recording = std::fs::read_to_string(own.join("rules/recording.yml")).expect("rules");
        assert!(files.len() > 5 && check(&files, None, &recording));
    }

    #[test]
    fn a_prometheus_that_is_not_there_is_one_sentence() {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("free");
        let why = check_prometheus(&format!("http://{free}/")).expect_err("nobody is there");
        assert!(why.starts_with("could not ask Prometheus at http://127.0.0.1:"), "{why}");
        assert!(why.contains("refused") && why.contains("Nodes go on without it"), "{why}");
        let why = check_prometheus("nowhere").expect_err("it has no port");
        assert!(why.contains("it is no HOST:PORT that is known"), "{why}");
    }
}
