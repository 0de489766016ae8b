//! The processes of one run: started in their namespaces, listened to, and ended with the run.
//!
//! Each has its own process group, so that what it forks ends with it. None is waited for before the
//! run is over: until then /proc still tells what it used.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead, BufReader, PipeReader, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::{
    failure::{Doing, Failure, Result},
    interrupt,
    net::Node,
};

/// What a process is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has the file and gives it away.
    Origin,
    /// It gets the file; counted from 1, as the nodes are.
    Peer(usize),
}

/// Everything that was started in one run.
pub struct Crew {
    members: Vec<Member>,
    heard: Receiver<Heard>,
    ear: Sender<Heard>,
    postponed: VecDeque<Heard>,
    logs: PathBuf,
    last_command_at: Instant,
}

struct Member {
    role: Role,
    child: Child,
}

/// Something that a process did.
pub struct Heard {
    /// Which one, in starting order.
    pub member: usize,
    /// What it is there for.
    pub role: Role,
    /// When it was noticed.
    pub at: Instant,
    /// What it was.
    pub what: Happening,
}

/// What a process can do.
pub enum Happening {
    /// Wrote a line, to standard output or standard error.
    Line(String),
    /// Ended; whether with exit code 0.
    Ended(bool),
}

impl Crew {
    /// Nobody yet; what they will say is also written to files in `logs`.
    pub fn new(logs: PathBuf) -> Self {
        let (ear, heard) = channel();
        let last_command_at = Instant::now();
        Self { members: Vec::new(), heard, ear, postponed: VecDeque::new(), logs, last_command_at }
    }

    /// Starts `command` on `node` and returns its number.
    pub fn spawn(&mut self, node: &Node, role: Role, mut command: Command) -> Result<usize> {
        let program = command.get_program().to_string_lossy().into_owned();
        let doing = || format!("starting {program} on {}", node.name());
        let (reader, writer) = std::io::pipe().doing(doing)?;
        let second_writer = writer.try_clone().doing(doing)?;
        command.stdin(Stdio::piped()).stdout(writer).stderr(second_writer).process_group(0);
        let number = self.members.len();
        let log = self.log_file(node, number)?;
        self.last_command_at = Instant::now();
        let child = node.spawn(&mut command)?.doing(doing)?;
        let pid = pid_of(&child);
        let ear = self.ear.clone();
        thread::spawn(move || listen(reader, log, pid, number, role, &ear));
        self.members.push(Member { role, child });
        Ok(number)
    }

    /// Sends a line to a process's standard input.
    pub fn tell(&mut self, member: usize, line: &str) -> Result<()> {
        self.last_command_at = Instant::now();
        let input = self.members[member].child.stdin.as_mut().expect("stdin is always a pipe");
        writeln!(input, "{line}").doing(|| format!("telling process {member} to {line}"))
    }

    /// When the last process was started or told something.
    pub fn last_command_at(&self) -> Instant {
        self.last_command_at
    }

    /// The next thing that any process does, or `None` when `patience` is over.
    pub fn listen(&mut self, patience: Duration) -> Result<Option<Heard>> {
        interrupt::check()?;
        if let Some(heard) = self.postponed.pop_front() {
            return Ok(Some(heard));
        }
        match self.heard.recv_timeout(patience) {
            Ok(heard) => Ok(Some(heard)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => unreachable!("the crew holds a sender itself"),
        }
    }

    /// Waits until process `member` writes a line from which `wanted` gets something. What others do
    /// meanwhile is kept for [`Crew::listen`].
    pub fn await_line<T>(
        &mut self,
        member: usize,
        patience: Duration,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        let (mut said, mut others) = (Vec::new(), VecDeque::new());
        let outcome = loop {
            if Instant::now() > deadline {
                break Err("is not ready in time");
            }
            let Some(heard) = self.listen(Duration::from_millis(50))? else { continue };
            match heard.what {
                _ if heard.member != member => others.push_back(heard),
                Happening::Line(line) => match wanted(&line) {
                    Some(found) => break Ok(found),
                    None => said.push(line),
                },
                Happening::Ended(_) => break Err("ended before it was ready"),
            }
        };
        others.append(&mut self.postponed);
        self.postponed = others;
        outcome.map_err(|fault| {
            let last = said.split_off(said.len().saturating_sub(5)).join("\n  ");
            let role = self.members[member].role;
            Failure::because(format!("the {role:?} {fault}; it said:\n  {last}"))
        })
    }

    /// Whether a process has not ended yet.
    pub fn is_running(&self, member: usize) -> bool {
        let pid = pid_of(&self.members[member].child);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        waitid(WaitId::Pid(pid), options).is_ok_and(|status| status.is_none())
    }

    /// Ends the origin's processes at once. What they had already handed to the system is still sent.
    pub fn kill_origin(&self) {
        self.members.iter().filter(|member| member.role == Role::Origin).for_each(Member::kill);
    }

    /// The process ids of those whose role passes `which`.
    pub fn pids(&self, which: impl Fn(Role) -> bool) -> Vec<u32> {
        let members = self.members.iter().filter(|member| which(member.role));
        members.map(|member| member.child.id()).collect()
    }

    fn log_file(&self, node: &Node, number: usize) -> Result<File> {
        let path = self.logs.join(format!("{number:02}-{}.log", node.name()));
        File::create(&path).doing(|| format!("creating {}", path.display()))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.members.iter().for_each(Member::kill);
        for member in &mut self.members {
            let _ = member.child.wait();
        }
    }
}

impl Member {
    fn kill(&self) {
        // It may have ended by itself; then there is nobody to signal, which is what we want.
        let _ = kill_process_group(pid_of(&self.child), Signal::KILL);
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn listen(
    reader: PipeReader,
    mut log: File,
    pid: Pid,
    member: usize,
    role: Role,
    ear: &Sender<Heard>,
) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let at = Instant::now();
        let _ = log.write_all(&line);
        let text = String::from_utf8_lossy(&line).trim_end().to_string();
        line.clear();
        let _ = ear.send(Heard { member, role, at, what: Happening::Line(text) });
    }
    // NOWAIT leaves the zombie, so that its CPU time can still be read. Interrupted calls are repeated.
    let status = loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other.ok().flatten(),
        }
    };
    let success = status.is_some_and(|status| status.exit_status() == Some(0));
    let _ = ear.send(Heard { member, role, at: Instant::now(), what: Happening::Ended(success) });
}
