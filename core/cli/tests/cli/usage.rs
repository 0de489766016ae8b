//! Wrong usage: exit code 2 and a sentence that helps.

use crate::process::run;

/// `args` are refused with exit code 2 and `words`.
fn check_refused(args: &[&str], words: &str) {
    let ended = run(args);
    assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
    assert!(ended.stderr.contains(words), "{args:?}: {ended:?}");
    assert!(ended.stdout.is_empty(), "{args:?}: {ended:?}");
}

#[test]
fn a_name_without_a_version_is_refused() {
    check_refused(&["fetch", "llama", "-o", "x", "--join", "127.0.0.1:1"], "write NAME@VERSION");
}

#[test]
fn addresses_need_a_host_and_a_port() {
    check_refused(&["fetch", "a@1", "-o", "x", "--join", "127.0.0.1"], "write HOST:PORT");
    check_refused(&["fetch", "a@1", "-o", "x", "--join", "h:1", "--listen", "nowhere"], "--listen");
    let serve = ["serve", "/tmp", "--name", "a", "--version", "1", "--metrics"];
    for wrong in ["nonsense", "7302", "localhost:7302"] {
        check_refused(
            &[&serve[..], &[wrong]].concat(),
            "write IP:PORT, for example `0.0.0.0:7302`",
        );
    }
}

#[test]
fn a_fetch_needs_somebody_to_ask() {
    check_refused(&["fetch", "a@1", "-o", "/tmp/x"], "--join HOST:PORT");
}

#[test]
fn an_output_must_have_a_name() {
    check_refused(&["fetch", "a@1", "-o", "/", "--join", "127.0.0.1:1"], "cannot be an output");
    check_refused(&["fetch", "a@1", "b@1", "-o", "x", "--join", "127.0.0.1:1"], "-o x/");
}

#[test]
fn durations_rates_and_sizes_need_units() {
    let fetch = ["fetch", "a@1", "-o", "x", "--join", "127.0.0.1:1"];
    check_refused(&[&fetch[..], &["--wait", "30"]].concat(), "for example `30s`");
    check_refused(&[&fetch[..], &["--wait", "long"]].concat(), "or `forever`");
    check_refused(&[&fetch[..], &["--linger", "long"]].concat(), "`forever`");
    check_refused(&[&fetch[..], &["--limit-up", "100"]].concat(), "`100 Mbit/s`");
    check_refused(&[&fetch[..], &["--limit-down", "0 MB/s"]].concat(), "nothing through");
}

#[test]
fn a_release_has_plain_names() {
    let serve = ["serve", "/tmp", "--version", "1", "--name"];
    check_refused(&[&serve[..], &["a b"]].concat(), "cannot be a name");
    check_refused(&[&serve[..], &["a", "--chunk-size", "100KiB"]].concat(), "power of two");
}

#[test]
fn a_demo_refuses_what_would_show_nothing() {
    check_refused(&["demo", "--peers", "0"], "1 to 256 peers");
    check_refused(&["demo", "--size", "0"], "without bytes");
    check_refused(&["demo", "--rate", "8 bit/s"], "too slow");
    check_refused(&["demo", "--kill-origin-after", "0.5"], "at least 1");
    check_refused(&["demo", "--discovery", "luck"], "gossip");
}

#[test]
fn help_and_version_go_to_stdout() {
    for args in [&["--help"][..], &["serve", "--help"], &["fetch", "--help"], &["demo", "-h"]] {
        let ended = run(args);
        assert_eq!(ended.code, Some(0), "{args:?}");
        assert!(ended.stdout.contains("Usage: samara"), "{args:?}: {ended:?}");
    }
    assert!(run(["--version"]).stdout.starts_with("samara "));
}

#[test]
fn serve_plays_the_tracker_and_fetch_names_one() {
    check_refused(
        &["serve", "/tmp", "--name", "a", "--version", "1", "--tracker"],
        "--play-tracker",
    );
    check_refused(&["fetch", "a@1", "-o", "x", "--tracker", "127.0.0.1"], "write HOST:PORT");
}
