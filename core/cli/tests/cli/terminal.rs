//! A real terminal, which tmux draws. Also used by the unit tests of `samara top`.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A slow machine needs some of it, a broken program all.
const DEADLINE: Duration = Duration::from_secs(60);

/// A terminal of its own, ended when dropped.
pub struct Terminal {
    socket: String,
}

impl Terminal {
    /// Says by itself what is skipped, and why.
    pub fn is_possible(test: &str) -> bool {
        let is_there = Command::new("tmux").arg("-V").output().is_ok();
        if !is_there {
            println!("skipped: {test} (needs tmux)");
        }
        is_there
    }

    /// Runs a shell command in a terminal of this size, and says how it ended.
    pub fn open(command: &str, width: u32, height: u32) -> Terminal {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let terminal = Terminal { socket: format!("samara-{}-{number}", std::process::id()) };
        let (width, height) = (width.to_string(), height.to_string());
        let command = format!("{command}; echo left with $?; cat");
        let session = ["new-session", "-d", "-s", "top", "-x", &width, "-y", &height, &command];
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

    pub fn resize(&self, width: u32, height: u32) {
        let (width, height) = (width.to_string(), height.to_string());
        self.tmux(&["resize-window", "-t", "top", "-x", &width, "-y", &height]);
    }

    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "top"])
    }

    /// With the codes for colours and other looks.
    pub fn coloured_screen(&self) -> String {
        self.tmux(&["capture-pane", "-e", "-p", "-t", "top"])
    }

    pub fn press(&self, key: &str) {
        self.tmux(&["send-keys", "-t", "top", key]);
    }

    /// Waits until all of these words are on the screen.
    pub fn until(&self, words: &[&str]) {
        self.until_so(&format!("{words:?} are all there"), |screen| {
            words.iter().all(|word| screen.contains(word))
        });
    }

    /// Waits until the screen is like this.
    pub fn until_so(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let end = Instant::now() + DEADLINE;
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return;
            }
            assert!(Instant::now() < end, "still not so: {what}:\n{screen}");
            thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// The program has left it with this exit code, and it is as it was before.
    pub fn is_given_back(&self, code: i32) {
        self.until(&[&format!("left with {code}")]);
        let flags =
            self.tmux(&["display-message", "-p", "-t", "top", "#{alternate_on} #{cursor_flag}"]);
        assert_eq!(flags.trim(), "0 1", "the terminal has its screen and its cursor back");
        let tty = self.tmux(&["display-message", "-p", "-t", "top", "#{pane_tty}"]);
        let stty = Command::new("stty").args(["-a", "-F", tty.trim()]).output().expect("stty runs");
        let modes = String::from_utf8_lossy(&stty.stdout).into_owned();
        for mode in ["icanon", "echo", "isig", "opost"] {
            assert!(modes.split_whitespace().any(|one| one == mode), "no {mode}: {modes}");
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
