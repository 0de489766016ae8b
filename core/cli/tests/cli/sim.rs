//! `samara sim` as a user meets it: figures, exit codes, and files that make no sense.

use std::path::PathBuf;

use serde_json::Value;

use crate::process::run;

const SMALL: &str = r#"name = "small"
about = "for this test"

[[content]]
size = "4 MiB"
chunk = "256 KiB"

[peers]
count = 6
rate = "100 Mbit/s"

[expect]
finished = "== 6"
"#;

/// A scenario in a folder of its own, which goes away with it.
struct ScenarioFile {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn file(text: &str) -> ScenarioFile {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = folder.path().join("scenario.toml");
    std::fs::write(&path, text).expect("written");
    ScenarioFile { _folder: folder, path }
}

/// `SMALL` with `from` replaced by `to` is refused: exit code 2, one sentence with file and line.
fn check_refused(from: &str, to: &str, place: &str, words: &str) {
    let file = file(&SMALL.replace(from, to));
    let ended = run([std::ffi::OsStr::new("sim"), "run".as_ref(), file.path.as_os_str()]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(&format!("scenario.toml, {place}: ")), "{ended:?}");
    assert!(ended.stderr.contains(words), "{ended:?}");
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
}

#[test]
fn a_run_prints_its_figures_and_repeats() {
    let file = file(SMALL);
    let path = file.path.to_str().expect("plain");
    let ended = run(["sim", "run", path, "--json", "--seed", "5"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).expect("one document");
    for key in [
        "last_over_limit",
        "p50_over_limit",
        "p99_over_limit",
        "origin_copies",
        "finished",
        "alive",
    ] {
        assert!(report[key].is_number(), "{key} in {report}");
    }
    assert_eq!(report["finished"], 6.0);
    assert!(
        report["last_over_limit"].as_f64() >= Some(1.0),
        "nothing is faster than the limit: {report}"
    );
    let again = run(["sim", "run", path, "--json", "--seed", "5"]);
    assert_eq!(again.stdout, ended.stdout);
    let text = run(["sim", "run", path, "--policy", "balanced"]);
    assert!(text.stdout.contains("x the limit of"), "{text:?}");
}

#[test]
fn an_expectation_that_does_not_hold_is_exit_code_1() {
    let file = file(&SMALL.replace("== 6", "== 7"));
    let ended = run(["sim", "run", file.path.to_str().expect("plain")]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("finished is 6.0000, expected == 7"), "{ended:?}");
    assert!(ended.stderr.contains("--seed 1"), "{ended:?}");
}

#[test]
fn scenarios_that_cannot_be_are_refused_with_file_and_line() {
    check_refused("100 Mbit/s", "0 Mbit/s", "line 10", "nothing ever arrives");
    check_refused(
        "[expect]",
        "[topology]\nracks = 7\n[expect]",
        "line 13",
        "7 racks cannot be filled by 6 peers",
    );
    check_refused("[expect]", "[policy]\nname = \"luck\"\n[expect]", "line 13", "no policy `luck`");
    check_refused("finished", "beauty", "line 13", "no figure `beauty`");
    check_refused("count = 6", "count = \"six\"", "line 9", "invalid type");
    check_refused("count = 6", "count 6", "line 9", "");
}

#[test]
fn a_missing_file_and_an_unknown_policy_are_wrong_usage() {
    let ended = run(["sim", "run", "/no/such/scenario.toml"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("cannot read the scenario /no/such/scenario.toml"), "{ended:?}");
    let file = file(SMALL);
    let ended = run(["sim", "run", file.path.to_str().expect("plain"), "--policy", "luck"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("there is no policy `luck`; there is balanced"), "{ended:?}");
}

#[test]
fn a_comparison_has_every_row_and_draws_it() {
    let file = file(SMALL);
    let plots = file.path.parent().expect("a folder").join("plots");
    let ended = run([
        "sim",
        "compare",
        file.path.to_str().expect("plain"),
        "--json",
        "--peers",
        "20",
        "--plots",
        plots.to_str().expect("plain"),
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let comparison: Value = serde_json::from_str(&ended.stdout).expect("one document");
    let rows = comparison["rows"].as_array().expect("rows");
    let last = |name: &str| {
        let row = rows.iter().find(|row| row["name"] == name);
        row.and_then(|row| row["last_seconds"].as_f64())
            .unwrap_or_else(|| panic!("{name} in {rows:?}"))
    };
    let copy = (4u64 << 20) as f64 / 12.5e6;
    for (name, copies) in
        [("one server", 20.0), ("ten replicas", 2.0), ("ten shards, one hot file", 20.0)]
    {
        assert!((last(name) / (copies * copy) - 1.0).abs() < 0.01, "{name}: {}", last(name));
    }
    assert!(last("swarm, found by a tracker") < last("one server") / 4.0);
    assert!(last("swarm, found by gossip") < last("one server") / 4.0);
    assert!(last("the limit") >= copy);
    for plot in ["completion.svg", "scaling.svg"] {
        let svg = std::fs::read_to_string(plots.join(plot)).expect("written");
        assert!(svg.contains("one server") && svg.ends_with("</svg>\n"), "{plot}");
    }
}

fn document(ended: &crate::process::Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(ended.stdout.trim()).expect("one document")
}

#[test]
fn the_wasm_build_of_the_built_in_policy_leaves_the_same_trace_as_the_native_one() {
    let file = file(SMALL);
    let path = file.path.to_str().expect("a plain path");
    let folder = file.path.parent().expect("its folder");
    let module = crate::policy_live::built(folder, "balanced");
    let traced = |policy: &str| {
        let report = document(&run(["sim", "run", path, "--policy", policy, "--json"]));
        assert_eq!(
            (&report["policy"], &report["policy_faults"]),
            (&"balanced".into(), &0.0.into())
        );
        report["trace_hash"].clone()
    };
    assert_eq!(traced(&module), traced("balanced"));

    let ended = run(["policy", "simulate", &module, "--scenario", path, "--seeds", "2", "--json"]);
    let comparison = document(&ended);
    assert_eq!((&comparison["baseline"], &comparison["seeds"]), (&"balanced".into(), &2.into()));
    let rows = comparison["rows"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row["figure"] == "last_over_limit"), "{comparison}");
    for row in rows {
        assert_eq!(row["policy"], row["baseline"], "the same policy: {row}");
    }
    let ended =
        run(["policy", "simulate", &module, "--scenario", path, "--baseline", "sequential"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("small: balanced against sequential, 5 runs each"), "{ended:?}");
}

#[test]
fn a_policy_that_is_not_known_is_refused_with_those_that_are() {
    let file = file(SMALL);
    let path = file.path.to_str().expect("a plain path");
    let refused = |policy: &str, code: i32, words: &str| {
        let ended = run(["sim", "run", path, "--policy", policy]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    };
    refused("fastest", 2, "there is no policy `fastest`; there is balanced, kraken");
    refused("/nonexistent/p.wasm", 1, "could not read `/nonexistent/p.wasm`");
}

#[test]
fn a_parameter_of_a_policy_can_be_tried_and_a_wrong_one_is_refused() {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/scenarios/racks.toml");
    let with = |params: &[&str]| {
        let params = params.iter().flat_map(|param| ["--param", param]);
        run(["sim", "run", scenario, "--json"].into_iter().chain(params))
    };
    let trace = |params: &[&str]| {
        let ended = with(params);
        let report: Value = serde_json::from_str(ended.stdout.trim()).expect("one document");
        report["trace_hash"].clone()
    };
    let default = trace(&[]);
    assert_eq!(trace(&["cross=25%"]), default, "that is the default");
    assert_ne!(trace(&["cross=100%"]), default);
    assert_ne!(trace(&["cross=25%", "candidates=1"]), default);
    for (param, words) in [
        ("cross", "--param cross is not NAME=VALUE"),
        ("across=5%", "`rack-local`"),
        ("cross=much", "cross"),
    ] {
        let ended = with(&[param]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
}
