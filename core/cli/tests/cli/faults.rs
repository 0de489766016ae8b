//! Bad input and bad luck: exit code 1, the reason, and what to do next.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use tempfile::tempdir;

use crate::process::{Ended, fetch_args, names_in, random_file, run, same_bytes, serve};

/// It failed with exit code 1, said all of `words`, and did not show its inside.
fn check_failed(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for words in [words, &["error: "]].concat() {
        assert!(ended.stderr.contains(words), "`{words}` is missing: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn an_unknown_content_is_given_up_after_the_wait() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    random_file(&source, 100_000, 30);
    let origin = serve(&source, "known", &[]);
    let into = folder.path().join("into");
    fs::create_dir(&into).expect("a new folder");
    for unknown in ["other@1", &"7".repeat(64)] {
        let output = into.join("copy");
        let ended = run(fetch_args(unknown, &output, &origin.address, &["--wait", "1s"]));
        check_failed(&ended, &[unknown, "nothing was changed"]);
        assert!(ended.event("failed")["error"].as_str().is_some_and(|why| why.contains(unknown)));
        assert_eq!(names_in(&into), Vec::<String>::new(), "nothing is left behind");
    }
}

#[test]
fn nobody_at_the_join_address_is_given_up_after_the_wait() {
    let folder = tempdir().expect("a temporary folder");
    let output = folder.path().join("copy");
    let ended = run(fetch_args("a@1", &output, "127.0.0.1:1", &["--wait", "1s"]));
    check_failed(&ended, &["a@1"]);
}

#[test]
fn a_missing_source_is_named() {
    let args = ["serve", "/nowhere/model.bin", "--name", "a", "--version", "1"];
    check_failed(&run(args), &["/nowhere/model.bin"]);
}

#[test]
fn an_output_that_is_something_else_is_left_alone() {
    let folder = tempdir().expect("a temporary folder");
    let (source, output) = (folder.path().join("source"), folder.path().join("precious"));
    random_file(&source, 300_000, 31);
    fs::write(&output, b"precious").expect("a new file");
    let origin = serve(&source, "a", &[]);
    let ended = run(fetch_args("a@1", &output, &origin.address, &[]));
    check_failed(&ended, &["precious"]);
    assert_eq!(fs::read(&output).expect("still there"), b"precious");
    assert_eq!(names_in(folder.path()), ["precious", "source"], "nothing is left behind");
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let folder = tempdir().expect("a temporary folder");
    let output = folder.path().join("missing").join("copy");
    check_failed(&run(fetch_args("a@1", &output, "127.0.0.1:1", &[])), &["missing", "create it"]);
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    random_file(&source, 1000, 32);
    let origin = serve(&source, "a", &[]);
    let path = source.to_str().expect("UTF-8");
    let args = ["serve", path, "--name", "b", "--version", "1", "--listen", &origin.address];
    check_failed(&run(args), &[&origin.address]);
}

#[test]
fn a_data_directory_in_use_is_named() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    random_file(&source, 1000, 33);
    let data = folder.path().join("state");
    let data = data.to_str().expect("UTF-8");
    let _origin = serve(&source, "a", &["--data", data]);
    let path = source.to_str().expect("UTF-8");
    let args = ["serve", path, "--name", "b", "--version", "1", "--data", data];
    check_failed(&run([&args[..], &["--listen", "127.0.0.1:0"]].concat()), &[data]);
}

#[test]
fn a_changed_source_is_withdrawn_and_named() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    random_file(&source, 4 << 20, 34);
    let original = folder.path().join("original");
    fs::copy(&source, &original).expect("room for a copy");
    let origin = serve(&source, "a", &[]);
    random_file(&source, 4 << 20, 35);
    let output = folder.path().join("copy");
    let fetched = run(fetch_args("a@1", &output, &origin.address, &["--wait", "2s"]));
    assert!(fetched.code == Some(1) || same_bytes(&original, &output), "{fetched:?}");
    let ended = origin.process.end();
    check_failed(&ended, &["source changed after it was published", "new version"]);
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    random_file(&source, 1000, 36);
    let mut command = Command::new(env!("CARGO_BIN_EXE_samara"));
    command.args(["serve", "--name", "a", "--version", "1", "--listen", "127.0.0.1:0", "--json"]);
    let command = command.arg(&source).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary was built");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut String::new()).expect("its first event");
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
    assert_eq!(child.wait().expect("it ended").code(), Some(1));
    assert_eq!(stderr, "");
}
