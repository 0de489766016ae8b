//! What monitoring is told, over HTTP, by whole nodes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use samara_engine::gossip::{Gossip, GossipConfig, Member};
use samara_model::{ContentRef, PeerId};
use samara_node::monitoring::{METRICS, Metric};
use samara_node::{FetchRequest, Node, NodeConfig};

use crate::raw_peer::RawPeer;
use crate::support::{
    Notices, PATIENCE, Place, config, done, fetch, publish, publish_as, start, until,
};

const SIZE: usize = 2 << 20;

fn watched(join: &[SocketAddr]) -> NodeConfig {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    NodeConfig { metrics_listen: Some(any), ..config(join) }
}

/// The answer's head and body.
fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    (head.to_owned(), body.to_owned())
}

fn page(node: &Node) -> String {
    let (head, body) = ask(node.metrics_addr().expect("it listens"), "GET /metrics");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.to_lowercase().contains("content-type: text/plain; version=0.0.4"), "{head}");
    body
}

fn series(page: &str) -> usize {
    page.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count()
}

fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series}:\n{page}")).parse().expect("a number")
}

#[test]
fn a_transfer_is_told_by_source_and_state() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let origin = start(watched(&[]));
    let content = publish(&origin, &source);
    let peer = start(watched(&[origin.advertised()]));
    let fetched = done(&fetch(&peer, content, place.path("copy")));
    let (theirs, ours) = (page(&origin), page(&peer));
    let size = SIZE as f64;
    for (series, wanted) in [
        ("samara_received_bytes_total{source=\"origin\"}", size),
        ("samara_received_bytes_total{source=\"remote\"}", 0.0),
        ("samara_chunks_received_total{outcome=\"ok\"}", f64::from(fetched.progress.chunks)),
        ("samara_chunk_verify_duration_seconds_count", f64::from(fetched.progress.chunks)),
        ("samara_slots{direction=\"received\"}", 6.0),
        ("samara_slots{direction=\"sent\"}", 4.0),
        ("samara_policy_memory_bytes{policy=\"active\"}", 0.0),
        ("samara_transfer_completed_total{outcome=\"complete\"}", 1.0),
        ("samara_transfer_duration_seconds_count", 1.0),
        ("samara_time_to_first_chunk_seconds_count", 1.0),
        ("samara_transfers{state=\"complete\"}", 1.0),
        ("samara_transfers_stalled", 0.0),
        ("samara_store_used_bytes", size),
        ("samara_peer_connections{direction=\"outbound\"}", 1.0),
        ("samara_ready", 1.0),
    ] {
        assert_eq!(value(&ours, series), wanted, "{series}");
    }
    let writes = value(&ours, "samara_store_io_bytes_total{op=\"write\"}");
    assert!(writes >= size, "{writes}");
    assert!(value(&ours, "samara_store_free_bytes") > 0.0);
    assert!(value(&ours, "samara_policy_questions_total{hook=\"neighbours\"}") > 0.0);
    assert!(value(&ours, "samara_actor_message_duration_seconds_count") > 10.0);
    let calls = "samara_policy_call_duration_seconds_count{policy=\"active\"}";
    assert!(value(&ours, calls) > 0.0);
    assert_eq!(value(&theirs, "samara_store_used_bytes"), 0.0, "an origin's bytes are the user's");
    until("everything is acknowledged", || {
        let theirs = page(&origin);
        let sent = value(&theirs, "samara_sent_bytes_total{scope=\"remote\"}");
        sent == size && value(&theirs, "samara_origin_egress_copies") == 1.0
    });
}

#[test]
fn nodes_in_one_process_keep_their_figures_apart() {
    let (one, other) = (start(watched(&[])), start(watched(&[])));
    let raw = RawPeer::dial(one.advertised(), 9);
    let links = "samara_peer_connections{direction=\"inbound\"}";
    until("the link stands", || value(&page(&one), links) == 1.0);
    assert_eq!(value(&other.metrics(), links), 0.0);
    drop(raw);
}

#[test]
fn a_fetch_whose_name_nobody_knows_is_seen_to_be_finding_it() {
    let place = Place::new();
    let source = place.file("source", 100_000);
    let (origin, peer) = (start(watched(&[])), watched(&[]));
    let peer = start(NodeConfig { join: vec![origin.advertised()], ..peer });
    let finding = "samara_transfers{state=\"finding\"}";
    let wanted = ContentRef::Release("late@1".parse().expect("a name"));
    let fetch =
        peer.fetch(FetchRequest { content: wanted, output: place.path("copy"), wait: PATIENCE });
    until("it is counted", || value(&page(&peer), finding) == 1.0);
    publish_as(&origin, &source, "late", None);
    done(&fetch);
    assert_eq!(value(&page(&peer), finding), 0.0);
    assert_eq!(value(&page(&peer), "samara_transfers{state=\"complete\"}"), 1.0);
}

#[test]
fn without_counting_only_what_can_be_looked_at_is_told() {
    let place = Place::new();
    let source = place.file("source", 100_000);
    let origin = start(NodeConfig { count_metrics: false, ..watched(&[]) });
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    done(&fetch(&peer, content, place.path("copy")));
    let page = page(&origin);
    assert!(page.contains("samara_ready 1"), "{page}");
    assert!(!page.contains("samara_sent_bytes_total"), "{page}");
}

#[test]
fn health_and_readiness_are_told_and_nothing_can_be_changed() {
    let node = start(watched(&[]));
    let address = node.metrics_addr().expect("it listens");
    for path in ["/healthz", "/readyz"] {
        let (head, body) = ask(address, &format!("GET {path}"));
        assert!(head.starts_with("HTTP/1.1 200") && body == "ok\n", "{head} {body}");
    }
    for (request, status) in [
        ("POST /metrics", "405"),
        ("DELETE /healthz", "405"),
        ("GET /", "404"),
        ("GET /v1/policy", "404"),
        ("GET /metrics/../../etc/passwd", "404"),
    ] {
        let (head, _) = ask(address, request);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {head}");
    }
    node.stop();
    assert!(TcpStream::connect(address).is_err(), "it went with the node");
}

#[test]
fn an_occupied_port_is_told_and_the_node_goes_on() {
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let place = Place::new();
    let source = place.file("source", 100_000);
    let origin = start(NodeConfig { metrics_listen: Some(address), ..config(&[]) });
    let mut notices = Notices::of(&origin);
    notices.until_warned(&format!("no metrics: cannot listen on {address}"));
    assert_eq!(origin.metrics_addr(), None);
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    done(&fetch(&peer, content, place.path("copy")));
}

/// More connections than there are places, and none of them says anything: whoever comes then waits, and the
/// node's own business goes on.
#[test]
fn silent_connections_do_not_stop_the_node() {
    let place = Place::new();
    let source = place.file("source", 100_000);
    let origin = start(watched(&[]));
    let address = origin.metrics_addr().expect("it listens");
    let silent: Vec<TcpStream> =
        (0..40).map(|_| TcpStream::connect(address).expect("it listens")).collect();
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    done(&fetch(&peer, content, place.path("copy")));
    drop(silent);
    assert!(page(&origin).contains("samara_ready 1"));
}

#[test]
fn two_hundred_contents_and_a_thousand_members_bring_no_series() {
    let declared: usize = METRICS.iter().map(Metric::series).sum();
    let node = start(watched(&[]));
    assert_eq!(series(&page(&node)), declared);
    assert!(declared <= 300, "{declared} at rest");
    let place = Place::new();
    for number in 0..200 {
        let source = place.file(&format!("source{number}"), 1000 + number);
        publish_as(&node, &source, &format!("content{number}"), None);
    }
    let mut raw = RawPeer::dial(node.advertised(), 9);
    for number in 0..1000u32 {
        let mut id = [7; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let address = SocketAddr::from(([127, 1, (number >> 8) as u8, number as u8], 9));
        let member = Member { peer: PeerId(id), instance: 1, address };
        let mut gossip = Gossip::new(GossipConfig::default(), member, u64::from(number));
        raw.send(&gossip.full_state(false));
    }
    let peers = |page: &str| {
        ["alive", "suspect", "down"]
            .map(|state| value(page, &format!("samara_peers{{state=\"{state}\"}}")))
            .iter()
            .sum::<f64>()
    };
    until("all members are known", || peers(&page(&node)) >= 1000.0);
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        page(&node);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let page = page(&node);
    eprintln!(
        "a scrape of {} series, connection included: median {:?}, longest of 200 {:?}",
        series(&page),
        times[100],
        times[199]
    );
    assert_eq!(value(&page, "samara_transfers{state=\"complete\"}"), 200.0);
    assert_eq!(series(&page), declared, "at most 600 under load");
}
