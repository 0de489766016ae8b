//! What needs a second process or another user: this test program starts itself again, with one of the
//! ignored tests below.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::{ImportError, OpenStoreError};

const DIR: &str = "SAMARA_STORE_TEST_DIR";

/// This program, running only `test`.
fn another(test: &str) -> Command {
    let program = std::env::current_exe().expect("it is running");
    let mut command = Command::new(program);
    let name = format!("tests::processes::{test}");
    command.args(["--exact", &name, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}

/// Killed and waited for, whatever the test does.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `test` in `dir` and waits for a line with `sign` from it.
fn start_until(test: &str, dir: &Path, sign: &str) -> Reaped {
    let child = another(test).env(DIR, dir).stdout(Stdio::piped()).spawn().expect("it can be run");
    let mut child = Reaped(child);
    let lines = BufReader::new(child.0.stdout.take().expect("it is piped")).lines();
    let seen = lines.map_while(Result::ok).any(|line| line.contains(sign));
    assert!(seen, "the other process did not come so far");
    child
}

fn dir() -> PathBuf {
    std::env::var_os(DIR).expect("set by the test that starts this one").into()
}

#[test]
fn a_data_directory_belongs_to_one_process_until_it_dies() {
    let world = World::new();
    let path = world.path("data");
    let child = start_until("holds_a_data_directory", &path, "opened");
    match Store::open(&path) {
        Err(OpenStoreError::InUse { pid, .. }) => assert_eq!(pid, Some(child.0.id())),
        other => panic!("{other:?}"),
    }
    drop(child);
    Store::open(&path).expect("the other process is dead");
}

#[test]
#[ignore = "started by another test"]
fn holds_a_data_directory() {
    let _store = Store::open(&dir()).expect("nobody else has it");
    println!("opened");
    wait_to_be_killed();
}

fn wait_to_be_killed() -> ! {
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_process_leaves_what_it_had_verified() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 50 * CHUNK_BYTES, 1));
    let dir = world.path("killed");
    std::fs::create_dir(&dir).expect("writable");
    std::fs::write(dir.join("source"), world.path("model.bin").to_str().expect("it is text"))
        .expect("writable");
    drop(start_until("fetches_until_it_is_killed", &dir, "stored 30"));
    let store = Store::open(&dir.join("data")).expect("the other process is dead");
    let resumed = begin(&store, &origin, &dir.join("copy")).expect("nothing is in the way");
    assert!(resumed.have().count() >= 30, "{} chunks were kept", resumed.have().count());
    transfer(&origin, &resumed);
    resumed.finish().expect("all chunks are there");
    let copy = std::fs::read(dir.join("copy")).expect("finished");
    assert!(copy == bytes(50 * CHUNK_BYTES, 1));
}

#[test]
#[ignore = "started by another test"]
fn fetches_until_it_is_killed() {
    let source = std::fs::read_to_string(dir().join("source")).expect("set by the other test");
    let store = Store::open(&dir().join("data")).expect("nobody else has it");
    let other = Store::open(&dir().join("other-data")).expect("nobody else has it");
    let origin = publish(&other, Path::new(&source));
    let fetched = begin(&store, &origin, &dir().join("copy")).expect("nothing is in the way");
    for chunk in 0..40 {
        send(&origin, &fetched, chunk);
        println!("stored {}", chunk + 1);
    }
    wait_to_be_killed();
}

#[test]
fn a_user_without_rights_is_told_what_to_do() {
    let inner = "sees_what_a_user_without_rights_sees";
    if !rustix::process::geteuid().is_root() {
        return sees_what_a_user_without_rights_sees();
    }
    const NOBODY: u32 = 65534;
    // The checkout may lie where only its owner gets: a copy lies where everybody does.
    let place = tempfile::tempdir().expect("a temporary folder");
    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path(), everybody.clone()).expect("it is ours");
    let program = place.path().join("tests");
    std::fs::copy(std::env::current_exe().expect("a path"), &program).expect("room for a copy");
    std::fs::set_permissions(&program, everybody).expect("it is ours");
    let arguments: Vec<_> = another(inner).get_args().map(ToOwned::to_owned).collect();
    let mut command = Command::new(&program);
    let output = command.args(arguments).current_dir("/").uid(NOBODY).gid(NOBODY).output();
    let output = output.expect("nobody may run the copy");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "started by another test"]
fn sees_what_a_user_without_rights_sees() {
    let world = World::new();
    // Unreadable sources.
    let file = world.file("tree/secret", 100, 1);
    world.file("tree/other", 100, 1);
    set_mode(&file, 0o000);
    let unreadable = Store::import(&world.path("tree"), None, &|_, _| {}, &go());
    match unreadable {
        Err(ImportError::Unreadable { path, .. }) => assert!(path.ends_with("secret")),
        other => panic!("{other:?}"),
    }
    set_mode(&file, 0o600);
    // A destination that may not be written.
    let origin = world.publish(&world.path("tree"));
    std::fs::create_dir(world.path("locked")).expect("writable");
    set_mode(&world.path("locked"), 0o555);
    let refused = world.begin(&origin, "locked/copy");
    assert!(matches!(refused, Err(BeginFetchError::NotWritable { .. })), "{refused:?}");
    let refused = Store::open(&world.path("locked/data"));
    assert!(matches!(refused, Err(OpenStoreError::Io { .. })), "{refused:?}");
    // Read-only files and directories of a tree are no obstacle, also in a second try.
    let origin = world.publish(&world.tree("full"));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    transfer(&origin, &fetched);
    std::fs::create_dir(world.path("copy")).expect("writable");
    fetched.finish().expect_err("the name is taken");
    std::fs::remove_dir(world.path("copy")).expect("empty");
    fetched.finish().expect("the name is free");
    assert_same_tree(&world.path("full"), &world.path("copy"));
    // So that the temporary directory can be removed.
    for dir in ["full/deep/er", "copy/deep/er", "locked"] {
        set_mode(&world.path(dir), 0o755);
    }
}
