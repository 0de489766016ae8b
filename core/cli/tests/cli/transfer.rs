//! The main road: serve here, fetch there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::process::Signal;
use tempfile::tempdir;

use crate::process::{fetch_args, names_in, random_file, run, same_bytes, serve, start};

#[test]
fn a_file_is_fetched_by_id_and_by_name() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("model.bin");
    random_file(&source, 3_000_001, 1);
    fs::set_permissions(&source, fs::Permissions::from_mode(0o640)).expect("own file");
    let origin = serve(&source, "model", &[]);
    for (content, name) in [(origin.content.as_str(), "by-id"), ("model@1", "by-name")] {
        let into = folder.path().join(name);
        fs::create_dir(&into).expect("a new folder");
        let output = into.join("copy.bin");
        let ended = run(fetch_args(content, &output, &origin.address, &[]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(same_bytes(&source, &output));
        assert_eq!(mode(&output), 0o640);
        let complete = ended.event("complete");
        assert_eq!(complete["size_bytes"], 3_000_001);
        assert_eq!(complete["content"], origin.content.as_str());
        assert_eq!(complete["was_there"], false);
        assert_eq!(names_in(&into), ["copy.bin"], "nothing is left behind");
    }
}

#[test]
fn a_tree_arrives_with_modes_links_and_empty_folders() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("tree");
    fs::create_dir_all(source.join("a/b")).expect("a new folder");
    fs::create_dir(source.join("empty")).expect("a new folder");
    random_file(&source.join("a/b/one"), 700_000, 2);
    random_file(&source.join("a/two"), 100, 3);
    fs::write(source.join("nothing"), b"").expect("a new file");
    fs::set_permissions(source.join("a/two"), fs::Permissions::from_mode(0o755)).expect("own file");
    symlink("b/one", source.join("a/link")).expect("a new link");
    let origin = serve(&source, "tree", &[]);
    let output = folder.path().join("copy");
    let ended = run(fetch_args("tree@1", &output, &origin.address, &[]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for file in ["a/b/one", "a/two", "nothing", "a/link"] {
        assert!(same_bytes(&source.join(file), &output.join(file)), "{file}");
    }
    assert_eq!(mode(&output.join("a/two")), 0o755);
    assert_eq!(fs::read_link(output.join("a/link")).expect("a link"), Path::new("b/one"));
    assert!(output.join("empty").is_dir());
}

#[test]
fn an_empty_file_is_a_content_too() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("nothing");
    fs::write(&source, b"").expect("a new file");
    let origin = serve(&source, "nothing", &[]);
    let output = folder.path().join("copy");
    let ended = run(fetch_args("nothing@1", &output, &origin.address, &[]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(fs::metadata(&output).expect("it is there").len(), 0);
}

#[test]
fn a_second_fetch_to_the_same_place_is_instant() {
    let folder = tempdir().expect("a temporary folder");
    let (source, output) = (folder.path().join("source"), folder.path().join("copy"));
    random_file(&source, 1_000_000, 4);
    let origin = serve(&source, "twice", &[]);
    let first = run(fetch_args("twice@1", &output, &origin.address, &[]));
    assert_eq!(first.code, Some(0), "{first:?}");
    let second = run(fetch_args("twice@1", &output, &origin.address, &[]));
    assert_eq!(second.code, Some(0), "{second:?}");
    let complete = second.event("complete");
    assert_eq!(complete["was_there"], true, "{complete}");
    assert_eq!(complete["received_bytes"], 0, "{complete}");
}

#[test]
fn several_contents_go_into_one_folder() {
    let folder = tempdir().expect("a temporary folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    random_file(&one, 500_000, 5);
    random_file(&two, 600_000, 6);
    let first = serve(&one, "one", &[]);
    let _second = serve(&two, "two", &["--join", &first.address]);
    let into = format!("{}/all/", folder.path().display());
    let args = ["fetch", "one@1", "two@1", "-o", &into, "--join", &first.address, "--json"];
    let ended = run(args);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(names_in(Path::new(&into)), ["one@1", "two@1"]);
    assert!(same_bytes(&one, &Path::new(&into).join("one@1")));
    assert!(same_bytes(&two, &Path::new(&into).join("two@1")));
}

#[test]
fn a_lingering_peer_serves_others_until_it_is_told_to_stop() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    random_file(&source, 1_000_000, 7);
    let mut origin = serve(&source, "relay", &[]);
    let first = folder.path().join("first");
    let address = free_address();
    let more = ["--linger", "forever", "--listen", &address];
    let args = fetch_args("relay@1", &first, &origin.address, &[]);
    // The helper's own --listen is replaced: this peer has to be found again.
    let args: Vec<&str> =
        args.iter().copied().filter(|arg| !["--listen", "127.0.0.1:0"].contains(arg)).collect();
    let mut lingering = start(args.iter().chain(&more));
    lingering.event("complete");
    origin.process.signal(Signal::INT);
    origin.process.event("stopped");
    let second = folder.path().join("second");
    let ended = run(fetch_args("relay@1", &second, &address, &[]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(same_bytes(&source, &second));
    lingering.signal(Signal::TERM);
    let ended = lingering.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.event("stopped")["sent_bytes"].as_u64() >= Some(1_000_000), "{ended:?}");
}

#[test]
fn a_person_reads_one_ready_line_and_how_to_fetch() {
    let folder = tempdir().expect("a temporary folder");
    let source = folder.path().join("model.bin");
    random_file(&source, 100_000, 8);
    let path = source.to_str().expect("test paths are UTF-8");
    let args = ["serve", path, "--name", "llama", "--version", "2.1", "--listen", "127.0.0.1:0"];
    let mut process = start(args);
    let hint = process.stderr_line("samara fetch ");
    assert!(hint.contains(" -o model.bin --join 127.0.0.1:"), "{hint}");
    process.signal(Signal::INT);
    let ended = process.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// A free port; nobody else takes it in the moment until it is used, since ports are given out in turn.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    listener.local_addr().expect("bound").to_string()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}
