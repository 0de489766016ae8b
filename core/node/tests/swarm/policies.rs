//! Policies compiled to WASM on nodes that transfer: swapped, refused, in shadow, failing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use samara_node::{
    BreakerConfig, Node, NodeCaps, NodeConfig, Notice, PolicyConfig, PolicyLimits, PolicyMode,
    PolicyRequest, PolicyStatus,
};
use samara_policy_build::{BuildOptions, build, componentize};

use crate::support::{
    BOTH, Notices, Place, TRACKER, at_percent, config, done, fetch, found_by, publish_as,
    same_bytes, slow, start, until,
};

const CHUNK: Option<u32> = Some(64 << 10);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A policy of the checkout as a component, built once for all tests.
fn built(name: &'static str) -> PathBuf {
    static BUILT: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    // Below `target`: what is static is never dropped, and a temporary folder would stay.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policies");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(format!("{name}.wasm"));
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if built.insert(name) {
        let options = BuildOptions { output: Some(path.clone()), offline: true };
        if let Err(error) = build(&root().join("policies").join(name), &options) {
            panic!("{name}: {error}");
        }
    }
    path
}

/// One of `policies/misbehaving/`.
fn misbehaving(place: &Place, name: &str) -> PathBuf {
    let text = root().join("policies/misbehaving").join(format!("{name}.wat"));
    let text = std::fs::read_to_string(text).expect("a text");
    let bytes = wat::parse_str(&text).expect("valid text");
    let bytes = if text.contains("(component") {
        bytes
    } else {
        componentize(&bytes).expect("a component")
    };
    let path = place.path(&format!("{name}.wasm"));
    std::fs::write(&path, bytes).expect("written");
    path
}

fn request(file: &Path, mode: PolicyMode) -> PolicyRequest {
    PolicyRequest { file: file.to_path_buf(), mode, parameters: vec![] }
}

fn activate(node: &Node, file: &Path) -> PolicyStatus {
    node.activate_policy(&request(file, PolicyMode::Active)).expect("activated")
}

/// Of one series.
fn value(node: &Node, series: &str) -> f64 {
    let page = node.metrics();
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series}")).parse().expect("a number")
}

fn fallbacks(status: &PolicyStatus) -> u64 {
    status.active.hooks.iter().flat_map(|hook| hook.fallbacks.values()).sum()
}

#[test]
fn fifty_swaps_during_a_transfer_lose_nothing_and_each_policy_answers() {
    let place = Place::new();
    let source = place.file("source", 48 << 20);
    // Slow until all swaps are done, however long they take beside other work.
    let origin = start(slow(found_by(config(&[]), BOTH), 1 << 10));
    let content = publish_as(&origin, &source, "swaps", CHUNK);
    let peers: Vec<Node> =
        (0..2).map(|_| start(found_by(config(&[origin.advertised()]), BOTH))).collect();
    let files = [built("balanced"), built("rarest-first"), built("balanced")];
    let copies: Vec<PathBuf> = (0..2).map(|at| place.path(&format!("copy{at}"))).collect();
    let fetches: Vec<_> =
        peers.iter().zip(&copies).map(|(peer, copy)| fetch(peer, content, copy.clone())).collect();
    at_percent(&fetches[0], 1);
    let mut generations = vec![];
    for swap in 0..50usize {
        for node in [&origin, &peers[0]] {
            let status = match swap % 5 {
                4 => node.roll_back_policy().expect("there was one before"),
                n => activate(node, &files[n % 3]),
            };
            assert_eq!(status.generation, swap as u64 + 1);
        }
        // A complete node is not asked by `rarest-first`, which only pulls; one that fetches is asked by all.
        let before = peers[0].policy_status().active.calls;
        until("the new policy answers", || peers[0].policy_status().active.calls > before);
        generations.push(origin.policy_status().generation);
    }
    assert_eq!(generations.len(), 50);
    assert!(
        !fetches.iter().all(|fetch| fetch.progress().done == fetch.progress().total),
        "too late"
    );
    origin.set_limits(&NodeCaps::default());
    for (fetch, copy) in fetches.iter().zip(&copies) {
        done(fetch);
        same_bytes(&source, copy);
    }
    assert!(!origin.policy_status().quarantined);
}

#[test]
fn a_tracker_asks_its_policy_whom_to_hand_out() {
    let place = Place::new();
    let source = place.file("source", 2 << 20);
    let tracker = start(NodeConfig { be_tracker: true, ..found_by(config(&[]), TRACKER) });
    let known = vec![tracker.advertised()];
    let tracked = || NodeConfig { trackers: known.clone(), ..found_by(config(&[]), TRACKER) };
    activate(&tracker, &built("random"));
    let origin = start(tracked());
    let content = publish_as(&origin, &source, "tracked", CHUNK);
    let peer = start(tracked());
    done(&fetch(&peer, content, place.path("copy")));
    same_bytes(&source, &place.path("copy"));
    // It has no content, so that nobody but the registry asks.
    let asked = tracker.policy_status().active.hooks;
    let [row] = &asked[..] else { panic!("one hook is asked: {asked:?}") };
    assert!(row.hook == "neighbours" && row.calls > 0 && row.fallbacks.is_empty(), "{row:?}");
}

#[test]
fn what_is_no_policy_is_refused_in_one_sentence_and_the_active_one_goes_on() {
    let place = Place::new();
    let node = start(config(&[]));
    let good = built("balanced");
    activate(&node, &good);
    let bytes = std::fs::read(&good).expect("read");
    let refused = |name: &str, bytes: &[u8], words: &str| {
        let path = place.path(name);
        std::fs::write(&path, bytes).expect("written");
        let error = node.activate_policy(&request(&path, PolicyMode::Active)).expect_err("refused");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(words), "{text}");
        assert!(!text.contains('\n'));
    };
    refused("garbage.wasm", b"no module at all", "is not a WASM component");
    refused("cut.wasm", &bytes[..bytes.len() / 2], "damaged");
    refused("large.wasm", &vec![0; (1 << 20) + 1], "at most 1048576 are allowed");
    refused("native.cwasm", b"\x7fELF native code", "native code");
    let missing = place.path("missing.wasm");
    let error = node.activate_policy(&request(&missing, PolicyMode::Active)).expect_err("missing");
    assert!(error.to_string().contains("check the path"), "{error}");
    let with = |name: &str, value: &str| PolicyRequest {
        parameters: vec![(name.into(), value.into())],
        ..request(&good, PolicyMode::Active)
    };
    let error = node.activate_policy(&with("speed", "3")).expect_err("unknown").to_string();
    assert!(error.contains("has no parameter `speed`; it has `candidates`"), "{error}");
    let error = node.activate_policy(&with("candidates", "many")).expect_err("type").to_string();
    assert!(error.contains("`many` is no number"), "{error}");
    let status = node.policy_status();
    assert_eq!((status.generation, status.active.policy.name.as_str()), (1, "balanced"));
    assert_eq!(status.active.policy.file, good.display().to_string());
}

#[test]
fn a_shadow_is_compared_and_changes_nothing() {
    let place = Place::new();
    let source = place.file("source", 8 << 20);
    let origin = start(slow(found_by(config(&[]), BOTH), 8 << 10));
    let content = publish_as(&origin, &source, "shadow", CHUNK);
    // The built-in policy in two forms agrees with itself; another one does not.
    let twin = request(&built("balanced"), PolicyMode::Shadow);
    origin.activate_policy(&twin).expect("in shadow");
    let peer = start(found_by(config(&[origin.advertised()]), BOTH));
    let copy = place.path("copy");
    done(&fetch(&peer, content, copy.clone()));
    same_bytes(&source, &copy);
    until("the last comparison", || {
        let hooks = origin.policy_status().shadow.expect("a shadow").hooks;
        hooks.iter().map(|hook| hook.same + hook.differs).sum::<u64>() >= 20
    });
    let status = origin.policy_status();
    let shadow = status.shadow.expect("a shadow");
    assert!(shadow.hooks.iter().all(|hook| hook.differs == 0), "{shadow:?}");
    assert_eq!(status.active.policy.id, "built-in");
    assert_eq!(status.active.memory_bytes, 0, "the built-in one has none of its own");
    assert!((64 << 10..=16 << 20).contains(&shadow.memory_bytes), "{shadow:?}");
    let memory = "samara_policy_memory_bytes{policy=\"shadow\"}";
    assert_eq!(value(&origin, memory), shadow.memory_bytes as f64);
    let other = request(&built("random"), PolicyMode::Shadow);
    origin.activate_policy(&other).expect("in shadow");
    let again = start(found_by(config(&[origin.advertised()]), BOTH));
    done(&fetch(&again, content, place.path("copy2")));
    until("a difference", || {
        let hooks = origin.policy_status().shadow.expect("a shadow").hooks;
        hooks.iter().any(|hook| hook.differs > 0)
    });
    origin.end_shadow_policy().expect("there is one");
    assert!(origin.end_shadow_policy().is_err());
}

#[test]
fn a_policy_that_traps_is_left_alone_and_then_quarantined_while_the_transfer_goes_on() {
    let place = Place::new();
    let source = place.file("source", 6 << 20);
    let quick = BreakerConfig {
        consecutive: 2,
        pause: std::time::Duration::from_millis(1),
        strikes: 2,
        ..BreakerConfig::default()
    };
    let policy = PolicyConfig { breaker: quick, ..PolicyConfig::default() };
    let origin = start(slow(NodeConfig { policy, ..found_by(config(&[]), BOTH) }, 8 << 10));
    let mut notices = Notices::of(&origin);
    let content = publish_as(&origin, &source, "trap", CHUNK);
    let trap = misbehaving(&place, "trap");
    activate(&origin, &trap);
    let peer = start(found_by(config(&[origin.advertised()]), BOTH));
    let copy = place.path("copy");
    let handle = fetch(&peer, content, copy.clone());
    let said = |words: &'static str| move |notice: &Notice| matches!(notice, Notice::Policy(text) if text.contains(words));
    notices.until("it is left alone", said("is left alone"));
    notices.until("it is quarantined", said("is not asked any more"));
    done(&handle);
    same_bytes(&source, &copy);
    let status = origin.policy_status();
    assert!(status.quarantined, "{status:?}");
    assert!(fallbacks(&status) > 0, "the fault did not fire");
    assert!(status.active.last_fault.is_some());
    assert!(value(&origin, "samara_policy_failures_total{reason=\"trap\"}") >= 2.0);
    let status = origin.roll_back_policy().expect("the built-in one was before");
    assert_eq!((status.active.policy.id.as_str(), status.quarantined), ("built-in", false));
}

#[test]
fn a_policy_slower_than_its_deadline_stalls_nothing() {
    let place = Place::new();
    let source = place.file("source", 4 << 20);
    let limits = PolicyLimits { fuel: 1 << 40, ..PolicyLimits::default() };
    let policy = PolicyConfig { limits, ..PolicyConfig::default() };
    let origin = start(NodeConfig { policy, ..found_by(config(&[]), BOTH) });
    let content = publish_as(&origin, &source, "slow", CHUNK);
    activate(&origin, &misbehaving(&place, "endless-loop"));
    let peer = start(found_by(config(&[origin.advertised()]), BOTH));
    let copy = place.path("copy");
    done(&fetch(&peer, content, copy.clone()));
    same_bytes(&source, &copy);
    let status = origin.policy_status();
    let hooks = &status.active.hooks;
    assert!(hooks.iter().any(|hook| hook.fallbacks.contains_key("deadline")), "{status:?}");
}
