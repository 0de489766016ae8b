//! `samara top` in a real terminal, which tmux draws.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;

use crate::daemon::{Daemon, folder, text};
use crate::process::{eventually, random_file, run, start};

/// A terminal of its own, ended when dropped.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn is_possible() -> bool {
        Command::new("tmux").arg("-V").output().is_ok()
    }

    /// Runs `command` in a terminal of this size.
    fn open(command: &str, width: u32, height: u32) -> Terminal {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let terminal = Terminal { socket: format!("samara-{}-{number}", std::process::id()) };
        let (width, height) = (width.to_string(), height.to_string());
        let session = ["new-session", "-d", "-s", "top", "-x", &width, "-y", &height, command];
        terminal.tmux(&[&["-f", "/dev/null"], &session[..]].concat());
        terminal
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.socket])
            .args(args)
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("tmux was there a moment ago");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "top"])
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", "-t", "top", key]);
    }

    fn until(&self, words: &[&str]) {
        let mut last = String::new();
        let shows = || {
            last = self.screen();
            words.iter().all(|word| last.contains(word))
        };
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(&format!("the terminal shows {words:?}"), shows);
        }));
        assert!(caught.is_ok(), "{words:?} are not all there:\n{last}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn a_transfer_is_watched_and_explained_in_a_terminal() {
    if !Terminal::is_possible() {
        println!("skipped: a_transfer_is_watched_and_explained_in_a_terminal (needs tmux)");
        return;
    }
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), 8 << 20, 5);
    let slow = ["--set", "limits.up=\"512KiB/s\""];
    let origin = Daemon::start(&path("origin"), &slow);
    origin.publish(&path("source"), "model");
    let peer = Daemon::start(&path("peer"), &["--join", &origin.address]);
    let output = path("copy");
    let fetch = start(peer.with(&["fetch", "model@1", "-o", text(&output), "--wait", "5m"]));
    let samara = env!("CARGO_BIN_EXE_samara");
    let top = format!("{samara} top --data {} --interval 200ms", text(&peer.data));
    let terminal = Terminal::open(&format!("{top}; echo left with $?; cat"), 110, 40);
    let words = ["samara", "CONTENT", "model@1", "transferring", "chunks", "copies", "PEER"];
    terminal.until(&words);
    terminal.until(&["neighbour", "balanced", "trusted", "##", "q quit"]);
    terminal.press("Down");
    terminal.press("j");
    terminal.press("x");
    terminal.tmux(&["resize-window", "-t", "top", "-x", "60", "-y", "14"]);
    eventually("it fits into the smaller terminal", || {
        let screen = terminal.screen();
        let lines: Vec<&str> = screen.lines().filter(|line| !line.trim().is_empty()).collect();
        lines.iter().all(|line| line.chars().count() <= 60)
            && lines.last().is_some_and(|line| line.contains("q quit"))
            && screen.contains("model@1")
    });
    terminal.tmux(&["resize-window", "-t", "top", "-x", "110", "-y", "40"]);
    // Nobody has the rest any more, and it says so.
    origin.process.signal(Signal::KILL);
    terminal.until(&["why: ", "model@1"]);
    terminal.press("Space");
    terminal.until(&["stopped"]);
    terminal.press("Space");
    peer.process.signal(Signal::KILL);
    terminal.until(&["the picture is old: ", "no node answers"]);
    terminal.press("q");
    terminal.until(&["left with 0"]);
    let flags =
        terminal.tmux(&["display-message", "-p", "-t", "top", "#{alternate_on} #{cursor_flag}"]);
    assert_eq!(flags.trim(), "0 1", "the terminal is as it was");
    drop(fetch);
}

#[test]
fn without_a_terminal_it_prints_one_picture_or_says_what_to_do() {
    let folder = folder();
    let node = Daemon::start(&folder.path().join("data"), &[]);
    let picture = node.fine(&["top", "--once"]);
    for words in ["samara ", "ready", "no contents", "policy   balanced"] {
        assert!(picture.contains(words), "{words}: {picture}");
    }
    assert!(!picture.contains('\x1b'), "plain text: {picture:?}");
    let ended = node.run(&["top"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("samara top --once"), "{ended:?}");
    let nobody = run(["top", "--once", "--data", text(&folder.path().join("nobody"))]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(nobody.stderr.contains("no node answers"), "{nobody:?}");
}
