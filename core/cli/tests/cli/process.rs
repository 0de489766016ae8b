//! Starts `samara`, reads what it says, and never leaves it behind.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// No single wait of a test takes longer, even on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A running `samara`; dropping it kills it.
pub struct Samara {
    child: Child,
    lines: Receiver<Line>,
    seen: Vec<String>,
    readers: Vec<JoinHandle<()>>,
}

enum Line {
    Out(String),
    Err(String),
}

/// How a process ended, and everything it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Starts `samara` with `args`.
pub fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Samara {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samara"));
    // What a killed process cannot remove lies below `target`.
    let tmp = env!("CARGO_TARGET_TMPDIR");
    command.args(args).env("TMPDIR", tmp).env("XDG_CACHE_HOME", tmp);
    start_command(&mut command)
}

/// Starts a prepared command of `samara`.
pub fn start_command(command: &mut Command) -> Samara {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary was built");
    let (sender, lines) = mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let out = sender.clone();
    let readers = vec![
        read_lines(stdout.expect("piped"), move |line| out.send(Line::Out(line)).is_ok()),
        read_lines(stderr.expect("piped"), move |line| sender.send(Line::Err(line)).is_ok()),
    ];
    Samara { child, lines, seen: Vec::new(), readers }
}

/// Runs `samara` to its end.
pub fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ended {
    start(args).end()
}

fn read_lines(
    stream: impl Read + Send + 'static,
    take: impl Fn(String) -> bool + Send + 'static,
) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if !take(line) {
                return;
            }
        }
    })
}

impl Samara {
    /// The next `--json` event of this name that also fulfils `wanted`.
    pub fn event_where(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = self.search(|line| match line {
            Line::Out(text) => serde_json::from_str(text)
                .ok()
                .filter(|event: &Value| event["event"] == name && wanted(event)),
            Line::Err(_) => None,
        });
        found
            .unwrap_or_else(|| panic!("no `{name}` event came; it said:\n{}", self.seen.join("\n")))
    }

    /// The next `--json` event of this name.
    pub fn event(&mut self, name: &str) -> Value {
        self.event_where(name, |_| true)
    }

    /// The next line on stderr that contains `words`.
    pub fn stderr_line(&mut self, words: &str) -> String {
        let found = self.search(|line| match line {
            Line::Err(text) => text.contains(words).then(|| text.clone()),
            Line::Out(_) => None,
        });
        found.unwrap_or_else(|| panic!("it never said `{words}`, but:\n{}", self.seen.join("\n")))
    }

    fn search<T>(&mut self, find: impl Fn(&Line) -> Option<T>) -> Option<T> {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.checked_duration_since(Instant::now())?;
            let line = self.lines.recv_timeout(left).ok()?;
            let (Line::Out(text) | Line::Err(text)) = &line;
            self.seen.push(text.clone());
            if let Some(found) = find(&line) {
                return Some(found);
            }
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let mut ended = Ended { code: None, stdout: String::new(), stderr: String::new() };
        let end = Instant::now() + DEADLINE;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let (text, line) = match self.lines.recv_timeout(left) {
                Ok(Line::Out(line)) => (&mut ended.stdout, line),
                Ok(Line::Err(line)) => (&mut ended.stderr, line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it did not end: {ended:?}"),
            };
            text.push_str(&line);
            text.push('\n');
        }
        eventually("it ends", || match self.child.try_wait() {
            Ok(Some(status)) => {
                ended.code = status.code();
                true
            }
            _ => false,
        });
        ended
    }
}

impl Drop for Samara {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.readers.drain(..).for_each(|reader| drop(reader.join()));
    }
}

impl Ended {
    /// Its only document on stdout.
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }

    /// Its last event of this name.
    pub fn event(&self, name: &str) -> Value {
        let mut events =
            self.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.find(|event| event["event"] == name).unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// A serving process with its content and address.
pub struct Origin {
    pub process: Samara,
    pub content: String,
    pub address: String,
}

/// Serves `path` as `NAME@1` on a free port of loopback, with `more` arguments.
pub fn serve(path: &Path, name: &str, more: &[&str]) -> Origin {
    let path = path.to_str().expect("test paths are UTF-8");
    let args =
        ["serve", path, "--name", name, "--version", "1", "--listen", "127.0.0.1:0", "--json"];
    let mut process = start(args.iter().chain(more));
    let ready = process.event("ready");
    let text = |key: &str| ready[key].as_str().expect("a string").to_owned();
    Origin { content: text("content"), address: text("listen"), process }
}

/// Arguments of a fetch over loopback with `more`.
pub fn fetch_args<'a>(
    content: &'a str,
    output: &'a Path,
    join: &'a str,
    more: &[&'a str],
) -> Vec<&'a str> {
    let output = output.to_str().expect("test paths are UTF-8");
    let args =
        ["fetch", content, "-o", output, "--join", join, "--listen", "127.0.0.1:0", "--json"];
    args.iter().chain(more).copied().collect()
}

/// Asks again and again until it holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "still not so: {what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

/// A file of `size` bytes that no compression shrinks and no other seed repeats.
pub fn random_file(path: &Path, size: usize, seed: u64) {
    let mut bytes = vec![0u8; size];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    std::fs::write(path, bytes).expect("the test folder is writable");
}

/// Whether two files have the same bytes.
pub fn same_bytes(one: &Path, other: &Path) -> bool {
    let read = |path: &Path| std::fs::read(path).unwrap_or_else(|why| panic!("{path:?}: {why}"));
    read(one) == read(other)
}

/// Names in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder exists");
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string());
    let mut names: Vec<_> = names.map(|name| name.expect("test names are UTF-8")).collect();
    names.sort();
    names
}

/// Processes with `words` in their command line.
pub fn processes_with(words: &str) -> Vec<u32> {
    let ids = std::fs::read_dir("/proc")
        .expect("Linux")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let path = PathBuf::from(format!("/proc/{id}/cmdline"));
        std::fs::read(path).is_ok_and(|line| String::from_utf8_lossy(&line).contains(words))
    })
    .collect()
}
