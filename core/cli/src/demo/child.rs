//! One process of the swarm: started with its stdin held, its events read, its CPU time known.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, ChildStdout, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::json::Event;

/// Which process of the swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The one that serves.
    Origin,
    /// A fetching one, counted from zero.
    Peer(usize),
}

/// Something that a process said, and when it was heard.
#[derive(Debug)]
pub struct Message {
    /// Which process.
    pub who: Who,
    /// When it was read.
    pub at: Instant,
    /// What it said.
    pub news: News,
}

/// What a process said.
#[derive(Debug)]
pub enum News {
    /// A line of its `--json` output.
    Said(Event),
    /// Its stdout was closed: it has ended or is about to.
    Ended,
}

/// A running process. Dropping it kills it.
pub struct Child {
    process: process::Child,
    log: PathBuf,
    ended: bool,
}

impl Child {
    /// Starts this program again with `args`. It stops by itself when this process dies, because its stdin
    /// ends then; and it does not hear the terminal's Ctrl-C, because it has its own process group.
    ///
    /// # Errors
    /// When the log cannot be created or the process cannot be started.
    pub fn start(
        who: Who,
        args: &[OsString],
        log: PathBuf,
        events: Sender<Message>,
    ) -> io::Result<Child> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(args)
            .args(["--json", "--stop-with-stdin"].map(OsStr::new))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .process_group(0)
            .spawn()?;
        if let Some(stdout) = process.stdout.take() {
            thread::spawn(move || listen(who, stdout, &events));
        }
        Ok(Child { process, log, ended: false })
    }

    /// User and system time so far in seconds; `None` where there is no /proc, or after the end.
    pub fn cpu_seconds(&self) -> Option<f64> {
        if self.ended {
            return None;
        }
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        let ticks = cpu_ticks(&stat)?;
        Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Asks it to stop in order.
    pub fn ask_to_stop(&mut self) {
        self.send(Signal::TERM);
    }

    /// Kills it at once and waits for its end.
    pub fn kill(&mut self) {
        self.send(Signal::KILL);
        if !self.ended {
            self.ended = self.process.wait().is_ok();
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        if !self.ended {
            self.ended = matches!(self.process.try_wait(), Ok(Some(_)) | Err(_));
        }
        self.ended
    }

    /// The end of its log, for the report on a process that failed.
    pub fn last_words(&self) -> Option<String> {
        let log = std::fs::read(&self.log).ok()?;
        let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(600)..]);
        let lines: Vec<&str> =
            tail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        (!lines.is_empty()).then(|| lines[lines.len().saturating_sub(4)..].join("; "))
    }

    fn send(&mut self, signal: Signal) {
        // Once it was waited for, its id may belong to somebody else.
        if self.has_ended() {
            return;
        }
        if let Some(pid) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

fn listen(who: Who, stdout: ChildStdout, events: &Sender<Message>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { break };
        let Some(event) = Event::parse(&line) else { continue };
        let message = Message { who, at: Instant::now(), news: News::Said(event) };
        if events.send(message).is_err() {
            return;
        }
    }
    let _ = events.send(Message { who, at: Instant::now(), news: News::Ended });
}

/// User plus system ticks from a line of /proc/PID/stat: fields 14 and 15, counted after the command's
/// name, which stands in parentheses and may itself have spaces and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_with_parentheses() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 0 0 0 17 5 0 0 20 0 1 0 100 1 1";
        assert_eq!(cpu_ticks(stat), Some(22));
        assert_eq!(cpu_ticks("42 (a"), None);
    }
}
