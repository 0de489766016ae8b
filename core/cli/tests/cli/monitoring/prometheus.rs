//! A real Prometheus that watches a swarm of the tests, with our rules.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::http::{escaped, get, try_get};
use crate::process::eventually;

/// Running; dropping it kills it.
pub struct Prometheus {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

/// A series of an answer: its labels, and the values that are numbers.
pub struct Series {
    pub labels: Value,
    pub values: Vec<f64>,
}

/// Our files of rules.
pub fn rules() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/rules");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("the rules");
    vec![read("recording.yml"), read("alerts.yml")]
}

impl Prometheus {
    /// Scrapes these every second. Alerts fire at once: nobody waits for minutes in a test.
    pub fn watch(targets: &[String]) -> Prometheus {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let write = |name: &str, text: String| {
            fs::write(folder.path().join(name), text).expect("the test folder is writable");
        };
        for (at, rules) in rules().iter().enumerate() {
            let soon: Vec<&str> =
                rules.lines().filter(|line| !line.trim().starts_with("for:")).collect();
            write(&format!("rules{at}.yml"), soon.join("\n"));
        }
        let targets: Vec<String> = targets.iter().map(|target| format!("'{target}'")).collect();
        write(
            "prometheus.yml",
            format!(
                "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\n\
                 rule_files: [rules0.yml, rules1.yml]\n\
                 scrape_configs:\n\
                 - job_name: samara\n  static_configs:\n  - targets: [{}]\n    labels: {{ cluster: test }}\n",
                targets.join(", ")
            ),
        );
        let address = free_address();
        let child = Command::new("prometheus")
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={address}"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).expect("created"))
            .spawn()
            .expect("prometheus was there a moment ago");
        let log = folder.path().join("log");
        let prometheus = Prometheus { child, address, _folder: folder };
        let ready =
            || try_get(&prometheus.address, "/-/ready").is_some_and(|(status, _)| status == 200);
        eventually(&format!("Prometheus is ready; see {}", log.display()), ready);
        prometheus
    }

    fn api(&self, path: &str) -> Value {
        let (status, body) = get(&self.address, path);
        assert_eq!(status, 200, "{path}: {body}");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        answer["data"].clone()
    }

    /// A query as it is now.
    pub fn now(&self, query: &str) -> Vec<Series> {
        let data = self.api(&format!("/api/v1/query?query={}", escaped(query)));
        series(&data, |one| vec![one["value"].clone()])
    }

    /// A query over the last `seconds`, a value a second.
    pub fn over(&self, query: &str, seconds: u64) -> Vec<Series> {
        let now = self.now("time()")[0].values[0];
        let start = now - seconds as f64;
        let query = escaped(query);
        let path = format!("/api/v1/query_range?query={query}&start={start}&end={now}&step=1");
        series(&self.api(&path), |one| one["values"].as_array().cloned().unwrap_or_default())
    }

    /// Values of a label of the series that match.
    pub fn label_values(&self, label: &str, matching: &str) -> Vec<String> {
        let path = format!("/api/v1/label/{label}/values?match[]={}", escaped(matching));
        let values = self.api(&path);
        let values = values.as_array().expect("a list").iter();
        values.map(|value| value.as_str().expect("a text").to_owned()).collect()
    }

    fn groups(&self) -> Vec<Value> {
        self.api("/api/v1/rules")["groups"].as_array().expect("groups").clone()
    }

    /// When each group of rules was evaluated last, in the same order each time.
    pub fn evaluations(&self) -> Vec<String> {
        let groups = self.groups();
        groups.iter().map(|group| group["lastEvaluation"].to_string()).collect()
    }

    /// The rules as Prometheus reads them.
    pub fn rules(&self) -> Vec<Value> {
        let groups = self.groups();
        groups.iter().flat_map(|group| group["rules"].as_array().expect("rules").clone()).collect()
    }
}

fn series(data: &Value, values: impl Fn(&Value) -> Vec<Value>) -> Vec<Series> {
    if data["resultType"] == "scalar" {
        let value = data["result"][1].as_str().and_then(|text| text.parse().ok());
        return vec![Series { labels: Value::Null, values: value.into_iter().collect() }];
    }
    let all = data["result"].as_array().expect("a list").iter();
    all.map(|one| {
        let numbers = values(one).into_iter().filter_map(|pair| pair[1].as_str()?.parse().ok());
        let numbers = numbers.filter(|number: &f64| !number.is_nan()).collect();
        Series { labels: one["metric"].clone(), values: numbers }
    })
    .collect()
}

/// An address that is free now, for those who must be told one.
pub fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").to_string()
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
