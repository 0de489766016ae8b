use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::openapi::describe;
use super::routes::operations;
use crate::api::{Discovery, NodeConfig};
use crate::node::Node;
use crate::schema_tests::fits;

struct Fixture {
    node: Node,
    dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().expect("a folder");
    let node = Node::start(NodeConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        data: Some(dir.path().join("data")),
        discovery: Discovery { tracker: false, gossip: true },
        remember: true,
        ..NodeConfig::default()
    });
    Fixture { node: node.expect("it starts"), dir }
}

impl Fixture {
    /// Sends bytes and reads to the end: the status and the body.
    fn raw(&self, request: &[u8]) -> (u16, String) {
        let mut stream = UnixStream::connect(self.node.admin_socket()).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
        // It may answer and close before it has read everything.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0);
        (status, body.to_owned())
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: samara\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, body) = self.raw(request.as_bytes());
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Asks until the answer is as it should be.
    fn until(&self, path: &str, fine: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..3000 {
            let (_, document) = self.ask("GET", path, "");
            if fine(&document) {
                return document;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("{path} was never as it should be: {}", self.ask("GET", path, "").1);
    }
}

#[test]
fn every_operation_is_described_and_answers_what_the_description_says() {
    let fixture = fixture();
    let source = fixture.dir.path().join("source");
    std::fs::write(&source, vec![7u8; 300_000]).expect("written");
    let order = json!({ "path": source, "name": "a/b", "version": "1" });
    let (status, _) = fixture.ask("POST", "/v1/publish", &order.to_string());
    assert_eq!(status, 200);
    fixture.until("/v1/contents/a%2Fb@1", |row| row["state"] == "complete");
    let (status, described) = fixture.ask("GET", "/v1/openapi.json", "");
    assert_eq!(status, 200);
    assert_eq!(described, describe(&operations()), "the document is not that of the routes");
    let paths = described["paths"].as_object().expect("paths");
    assert_eq!(
        paths.values().flat_map(|one| one.as_object()).flatten().count(),
        operations().len()
    );
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            let path = path.replace("{content}", "a%2Fb@1");
            // Without a body where one is wanted, and never what ends the content.
            let wanted = operation.get("requestBody").is_some();
            let removes = path.ends_with("@1") && method == "delete";
            if path == "/v1/events" || removes {
                continue;
            }
            let (status, answer) = fixture.ask(&method.to_uppercase(), &path, "");
            let codes: &[u16] = if wanted { &[400, 415] } else { &[200, 409] };
            assert!(codes.contains(&status), "{method} {path}: {status} {answer}");
            let name = if status == 200 { "200" } else { "4XX" };
            let schema = &operation["responses"][name]["content"]["application/json"]["schema"];
            fits(&described, schema, &answer, &path);
        }
    }
    let (status, _) = fixture.ask("DELETE", "/v1/contents/a%2Fb@1", "");
    assert_eq!(status, 200);
    assert!(source.exists(), "a user's file was removed");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_sentence() {
    let fixture = fixture();
    let long = "x".repeat(100 << 10);
    let publish =
        |path: &str, name: &str| json!({ "path": path, "name": name, "version": "1" }).to_string();
    let refusals: [(&str, &str, String, u16, &str); 14] = [
        ("POST", "/v1/fetch", "{".into(), 400, "the body is refused"),
        ("POST", "/v1/fetch", "[]".into(), 422, "the body is refused"),
        (
            "POST",
            "/v1/fetch",
            json!({ "content": "a@1", "speed": 3 }).to_string(),
            422,
            "unknown field",
        ),
        ("POST", "/v1/fetch", json!({ "content": "model" }).to_string(), 422, "has no version"),
        (
            "POST",
            "/v1/fetch",
            json!({ "content": "a@1", "output": "x" }).to_string(),
            422,
            "not absolute",
        ),
        (
            "POST",
            "/v1/fetch",
            json!({ "content": "a@1", "priority": 0 }).to_string(),
            422,
            "1 to 100",
        ),
        ("POST", "/v1/fetch", json!({ "content": long }).to_string(), 413, "the body is refused"),
        (
            "POST",
            "/v1/publish",
            publish("/nowhere/x", "a"),
            422,
            "could not publish /nowhere/x as a@1",
        ),
        ("POST", "/v1/publish", publish("/", "a b"), 422, "cannot be a name"),
        ("GET", "/v1/contents/a@1", String::new(), 404, "takes part in no content"),
        ("POST", "/v1/contents/abcdef/cancel", String::new(), 404, "takes part in no content"),
        ("GET", "/v1/nothing", String::new(), 404, "/v1/openapi.json lists"),
        ("PATCH", "/v1/status", String::new(), 405, "does not take this method"),
        ("POST", "/v1/reload", String::new(), 409, "not started from a configuration"),
    ];
    for (method, path, body, code, words) in refusals {
        let (status, answer) = fixture.ask(method, path, &body);
        let told = answer["error"].as_str().unwrap_or_default();
        assert!(status == code && told.contains(words), "{method} {path}: {status} {answer}");
    }
    let no_type = "POST /v1/fetch HTTP/1.1\r\nHost: samara\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(fixture.raw(no_type.as_bytes()).0, 415);
    for head in ["Host: evil.example", "Host: samara\r\nOrigin: http://evil.example"] {
        let request = format!("GET /v1/status HTTP/1.1\r\n{head}\r\nConnection: close\r\n\r\n");
        let (status, body) = fixture.raw(request.as_bytes());
        assert!(status == 403 && body.contains("are refused"), "{head}: {status} {body}");
    }
    for nonsense in ["\0\0\0", "GET\r\n\r\n", "GET / HTTP/9\r\n\r\n"] {
        let _ = fixture.raw(nonsense.as_bytes());
    }
    assert_eq!(fixture.ask("GET", "/v1/status", "").0, 200, "it still answers");
}

#[test]
fn a_name_that_nobody_knows_for_long_is_told_in_the_status_and_among_the_metrics() {
    let fixture = fixture();
    let shared = &fixture.node.shared;
    let since = Instant::now().checked_sub(Duration::from_secs(95)).expect("it is up for longer");
    let asked = shared.resolving.enter(&"late@1".parse().expect("a release"), since);
    let (_, status) = fixture.ask("GET", "/v1/status", "");
    assert_eq!(status["waiting_count"], 1, "{status}");
    let waiting = &status["waiting"][0];
    assert_eq!((&waiting["content"], &waiting["code"]), (&json!("late@1"), &json!("unknown-name")));
    assert!(waiting["seconds"].as_f64() >= Some(95.0), "{waiting}");
    let page = crate::metrics::page(shared);
    for line in ["samara_transfers_unresolved 1\n", "samara_transfers{state=\"finding\"} 1\n"] {
        assert!(page.contains(line), "{line}{page}");
    }
    drop(asked);
    let (_, status) = fixture.ask("GET", "/v1/status", "");
    assert_eq!(status["waiting"], json!([]));
    assert!(crate::metrics::page(shared).contains("samara_transfers_unresolved 0\n"));
}

#[test]
fn events_tell_the_status_at_once() {
    let fixture = fixture();
    let mut stream = UnixStream::connect(fixture.node.admin_socket()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: samara\r\n\r\n").expect("sent");
    let mut seen = Vec::new();
    let mut piece = [0u8; 4096];
    while !String::from_utf8_lossy(&seen).contains("event: contents") {
        let count = stream.read(&mut piece).expect("it tells");
        assert!(count > 0, "it ended: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..count]);
    }
    let text = String::from_utf8_lossy(&seen);
    assert!(text.contains("text/event-stream") && text.contains("event: status"), "{text}");
}
