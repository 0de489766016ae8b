//! A user who may not: each refusal names the place and what to do.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::daemon::{Daemon, text};
use crate::process::{Ended, Samara, start_command};

/// Whom nothing belongs to.
const NOBODY: u32 = 65534;

/// A folder that everybody may look into, with one that is closed to the user of this test's nodes.
struct Guest {
    folder: TempDir,
    program: PathBuf,
}

impl Guest {
    fn new() -> Guest {
        // The folders above `target` may be closed to others.
        let folder = tempfile::tempdir().expect("a folder");
        let guest = Guest { program: folder.path().join("samara"), folder };
        fs::copy(env!("CARGO_BIN_EXE_samara"), &guest.program).expect("copied");
        mode(guest.folder.path(), 0o755);
        for name in ["closed", "open"] {
            fs::create_dir(guest.path(name)).expect("created");
        }
        fs::write(guest.path("closed/file"), "bytes").expect("written");
        fs::write(guest.path("secret.toml"), "[limits]\n").expect("written");
        if geteuid().is_root() {
            chown(guest.path("open"), Some(NOBODY), None).expect("root may");
        }
        mode(&guest.path("secret.toml"), 0);
        mode(&guest.path("closed"), 0);
        guest
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, args: &[&str]) -> Samara {
        let mut command = Command::new(&self.program);
        command.args(args).env("TMPDIR", self.path("open")).env("HOME", self.path("open"));
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        start_command(&mut command)
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.start(args).end()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // So that the folder can be removed by whom it belongs to.
        mode(&self.path("closed"), 0o755);
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn check(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for words in words.iter().chain(&["Permission denied"]) {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

#[test]
fn what_a_user_may_not_do_is_refused_with_the_place_and_the_remedy() {
    let guest = Guest::new();
    let data = guest.path("open/data");
    let closed = guest.path("closed/data");
    let node = ["node", "--listen", "127.0.0.1:0", "--data"];
    let ended = guest.run(&[&node[..], &[text(&closed)]].concat());
    check(&ended, 1, &[text(&closed), "must be allowed to make and to write it", "--data"]);
    let secret = guest.path("secret.toml");
    let ended = guest.run(&[&node[..], &[text(&data), "--config", text(&secret)]].concat());
    check(&ended, 2, &["secret.toml", "check the path and its permissions"]);
    let socket = format!("admin.socket={}", guest.path("closed/socket").display());
    let ended = guest.run(&[&node[..], &[text(&data), "--set", &socket]].concat());
    check(&ended, 1, &["closed/socket", "let the node's user write there"]);

    // A node that runs, and what is closed to it.
    let running = guest.start(&[&node[..], &[text(&data), "--json"]].concat());
    let node = Daemon::of(running, &data);
    let source = guest.path("closed/file");
    let ended = node.run(&["publish", text(&source), "--name", "a", "--version", "1"]);
    check(&ended, 1, &["closed/file", "check the path and its permissions"]);
    // And who may not come near it.
    let ended = guest.run(&["status", "--data", text(&closed)]);
    check(&ended, 1, &["only the user that runs the node may do this", "use sudo"]);
    assert_eq!(node.stop().code, Some(0));
}
