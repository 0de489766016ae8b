//! `samara policy`: the tutorial as it is printed, and every refusal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::{Ended, run};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// One of `policies/misbehaving/` as a component in `folder`.
fn misbehaving(folder: &Path, name: &str) -> String {
    let text = fs::read_to_string(root().join(format!("policies/misbehaving/{name}.wat")));
    let bytes = wat::parse_str(text.expect("a text")).expect("valid text");
    let (core, component) = (folder.join("core.wasm"), folder.join(format!("{name}.wasm")));
    let path = component.to_str().expect("a plain path").to_owned();
    if bytes.get(4) == Some(&1) {
        fs::write(&core, bytes).expect("write");
        let core = core.to_str().expect("a plain path");
        let ended = run(["policy", "build", core, "--output", &path]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    } else {
        fs::write(&component, bytes).expect("write");
    }
    path
}

fn policy(args: &[&str]) -> Ended {
    run([&["policy"], args].concat())
}

/// Exit code 1 and one sentence that names the file and has these words.
fn check_refused(args: &[&str], words: &str) {
    let ended = policy(args);
    assert_eq!(ended.code, Some(1), "{args:?}: {ended:?}");
    assert!(ended.stderr.contains(words), "{args:?}: {ended:?}");
    assert!(ended.stderr.starts_with(&format!("error: `{}`", args[1])), "{ended:?}");
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{ended:?}");
}

/// What stands between the fences of `sh` blocks.
fn commands(page: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join(page)).expect("a page");
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(|block| block.lines().map(str::to_owned)).collect()
}

#[test]
fn the_tutorial_works_word_for_word() {
    let place = tempfile::tempdir().expect("a directory");
    let program = Path::new(env!("CARGO_BIN_EXE_samara"));
    let own = program.parent().expect("a folder").to_path_buf();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([own].into_iter().chain(std::env::split_paths(&path)));
    let commands = commands("docs/policies/tutorial.md");
    assert!(commands.len() >= 8, "{commands:?}");
    let script = format!("set -ex\n{}\n", commands.join("\n"));
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(place.path())
        .env("PATH", path.expect("plain paths"))
        // Nothing is downloaded, and nothing of this build leaks into the policy's.
        .env("CARGO_NET_OFFLINE", "true")
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for wanted in [
        "made ./near",
        "1 passed",
        "near 0.1.0",
        "fresh and used instances answer alike",
        "ok      tests/cases/the-nearer-peer-is-served.case",
        "built-in ns",
    ] {
        assert!(said.contains(wanted), "{wanted} is missing from\n{said}");
    }
    assert!(!said.contains("FAILED") && !said.contains("warning"), "{said}");
}

#[test]
fn what_is_no_policy_is_refused_in_one_sentence() {
    let place = tempfile::tempdir().expect("a directory");
    let file = |name: &str, bytes: &[u8]| {
        let path = place.path().join(name);
        fs::write(&path, bytes).expect("write");
        path.to_str().expect("a plain path").to_owned()
    };
    let good = fs::read(misbehaving(place.path(), "trap")).expect("read");
    for command in ["check", "inspect", "test", "bench"] {
        check_refused(&[command, &file("garbage.wasm", b"hello")], "is not a WASM component");
        check_refused(&[command, &file("core.wasm", b"\0asm\x01\0\0\0")], "is a core WASM module");
        check_refused(
            &[command, &file("native.cwasm", b"\x7fELF\x02\x01\x01\0")],
            "is native code",
        );
        check_refused(&[command, &file("cut.wasm", &good[..good.len() / 2])], "is a damaged");
        check_refused(&[command, &file("big.wasm", &vec![0; 2 << 20])], "at most 1048576");
        for (name, words) in [
            ("imports-wasi", "imports `wasi:clocks/monotonic-clock@0.2.6`"),
            ("wrong-version", "speaks samara:policy/strategy@2.0.0"),
            ("wrong-types", "with other types"),
            ("no-export", "does not export samara:policy/strategy@1.0.0"),
        ] {
            check_refused(&[command, &misbehaving(place.path(), name)], words);
        }
    }
    let missing = policy(&["check", "/nonexistent/p.wasm"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("could not read `/nonexistent/p.wasm`"), "{missing:?}");
}

#[test]
fn wrong_parameters_are_refused() {
    let place = tempfile::tempdir().expect("a directory");
    let trap = misbehaving(place.path(), "trap");
    let refused = |param: &str, words: &str| {
        let ended = policy(&["check", &trap, "--param", param]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    };
    refused("speed=1", "`trap` has no parameter `speed`; it has none");
    refused("speed", "is not NAME=VALUE");
}

#[test]
fn check_tells_what_no_sandbox_sees() {
    let place = tempfile::tempdir().expect("a directory");
    let outcome = |name: &str, check: &str| {
        let ended = policy(&["check", &misbehaving(place.path(), name), "--json"]);
        let document: Value = serde_json::from_str(ended.stdout.trim()).expect("one document");
        let all = document["checks"].as_array().expect("checks").clone();
        let one = all.iter().find(|one| one["name"] == check).expect("the check");
        assert_eq!(document["passed"] == true, ended.code == Some(0), "{ended:?}");
        (one["outcome"].as_str().map(str::to_owned), one["detail"].to_string())
    };
    let is = |(outcome, detail): (Option<String>, String), wanted: &str, words: &str| {
        assert_eq!(outcome.as_deref(), Some(wanted), "{detail}");
        assert!(detail.contains(words), "{detail}");
    };
    is(outcome("keeps-state", "purity"), "failed", "differently when asked again");
    is(outcome("nonsense", "rows"), "failed", "the engine would drop it");
    is(outcome("always-empty", "decides"), "warning", "no view made");
    is(outcome("endless-loop", "limits"), "failed", "used up its");
    is(outcome("trap", "limits"), "failed", "trapped");
}

#[test]
fn cases_that_fail_say_what_is_and_what_should_be() {
    let place = tempfile::tempdir().expect("a directory");
    let module = misbehaving(place.path(), "always-empty");
    let case = place.path().join("one.case");
    let case_path = case.to_str().expect("a plain path");
    let test = |text: &str| {
        fs::write(&case, text).expect("write");
        policy(&["test", &module, case_path])
    };
    let passes = test("samara-case 1\nhook offers\npeers.id 1\nexpect.nothing\n");
    assert_eq!(passes.code, Some(0), "{passes:?}");
    let fails = test("samara-case 1\nhook offers\npeers.id 1\nexpect.peer 0\n");
    assert_eq!(fails.code, Some(1), "{fails:?}");
    assert!(fails.stdout.contains("`peer` is [] and should be [0]"), "{fails:?}");
    let wrong = test("samara-case 1\nhook offers\npeers.speed 1\n");
    assert!(wrong.stderr.contains("line 3: `peers.speed` is no column"), "{wrong:?}");
}

#[test]
fn a_name_that_cargo_would_not_take_is_refused() {
    for name in ["Near", "1st", "a b", "", "../x", "test", "-x"] {
        let ended = policy(&["new", "--", name]);
        assert_eq!(ended.code, Some(2), "{name}: {ended:?}");
    }
    let place = tempfile::tempdir().expect("a directory");
    let parent = place.path().to_str().expect("a plain path");
    assert_eq!(policy(&["new", "near", "--parent", parent]).code, Some(0));
    let again = policy(&["new", "near", "--parent", parent]);
    assert!(again.stderr.contains("it exists already"), "{again:?}");
}

#[test]
fn a_policy_in_c_is_made_built_checked_and_tested() {
    let place = tempfile::tempdir().expect("a directory");
    let parent = place.path().to_str().expect("a plain path");
    let made = policy(&["new", "by-chance", "--lang", "c", "--parent", parent]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let folder = place.path().join("by-chance");
    let built = policy(&["build", folder.to_str().expect("a plain path")]);
    if built.stderr.contains("needs clang and its linker") {
        eprintln!("skipped: {}", built.stderr);
        return;
    }
    assert_eq!(built.code, Some(0), "{built:?}");
    let module = folder.join("target/policies/by-chance.wasm");
    let module = module.to_str().expect("a plain path");
    let checked = policy(&["check", module]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let inspected = policy(&["inspect", module, "--json"]);
    assert!(inspected.stdout.contains("by-chance"), "{inspected:?}");
    let cases = folder.join("tests/cases");
    let tested = policy(&["test", module, cases.to_str().expect("a plain path")]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(tested.stdout.contains("a-peer-that-lacks-something"), "{tested:?}");
}

#[test]
fn every_error_code_has_a_remedy_in_the_documentation() {
    let page = fs::read_to_string(root().join("docs/policies/limits.md")).expect("the page");
    let (faults, files) =
        (samara_policy_host::Fault::LABELS, samara_policy_host::LoadError::LABELS);
    for code in faults.iter().chain(&files) {
        assert!(page.contains(&format!("| `{code}` |")), "limits.md lacks `{code}`");
    }
}
