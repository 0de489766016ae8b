//! Network namespaces: named after this process, removed when dropped, entered by short-lived threads.
//!
//! A name is `sb<pid>-<node>`, so that `samara-bench cleanup` can tell the leftovers of a dead run.

use std::{
    fs::File,
    io::Write,
    os::fd::AsFd,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::failure::{Doing, Failure, Result};

/// Every namespace of one network. Dropping it ends what still runs inside and deletes them.
pub struct NamespaceSet {
    names: Vec<String>,
}

/// A namespace that exists as long as its [`NamespaceSet`].
#[derive(Clone, Debug)]
pub struct Namespace(Arc<str>);

impl NamespaceSet {
    /// Creates one namespace per node name.
    pub fn create(nodes: &[String]) -> Result<Self> {
        let pid = std::process::id();
        let set = Self { names: nodes.iter().map(|node| format!("sb{pid}-{node}")).collect() };
        let script: String = set.names.iter().map(|name| format!("netns add {name}\n")).collect();
        batch("ip", &[], &script)?;
        Ok(set)
    }

    /// The namespace at the position its node had in [`NamespaceSet::create`].
    pub fn namespace(&self, index: usize) -> Namespace {
        Namespace(self.names[index].as_str().into())
    }
}

impl Drop for NamespaceSet {
    fn drop(&mut self) {
        remove(&self.names);
    }
}

impl Namespace {
    /// The name, as `ip netns` prints it.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Runs `work` on a thread inside this namespace. Sockets opened and processes started there
    /// belong to it for good; the caller's thread stays where it is.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let path = PathBuf::from("/run/netns").join(self.name());
        let file = File::open(&path).doing(|| format!("opening {}", path.display()))?;
        let inside = thread::scope(|scope| {
            let worker = scope.spawn(move || {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                    .map(|()| work())
            });
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        inside.doing(|| format!("entering the network namespace {}", self.name()))
    }

    /// Runs a list of `ip`, `tc` or `bridge` commands inside, one per line.
    pub fn batch(&self, tool: &str, script: &str) -> Result<()> {
        batch(tool, &["-n", self.name()], script)
    }

    /// Sets a kernel parameter inside; a parameter that this kernel lacks is left out.
    pub fn set_kernel_parameter(&self, path: &str, value: &str) -> Result<()> {
        let path = format!("/proc/sys/{path}");
        self.enter(|| match std::fs::write(&path, value) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other.doing(|| format!("writing {value} to {path}")),
        })?
    }
}

/// Ends the processes inside these namespaces, which are all ours, and deletes the namespaces.
/// Runs while unwinding, so it reports nothing and goes on after every error.
pub fn remove(names: &[String]) {
    for name in names {
        for pid in processes_in(name) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    let script: String = names.iter().map(|name| format!("netns del {name}\n")).collect();
    let _ = batch("ip", &["-force"], &script);
}

fn processes_in(name: &str) -> Vec<rustix::process::Pid> {
    let output = Command::new("ip").args(["netns", "pids", name]).stderr(Stdio::null()).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .split_whitespace()
        .filter_map(|pid| rustix::process::Pid::from_raw(pid.parse().ok()?))
        .collect()
}

fn batch(tool: &str, options: &[&str], script: &str) -> Result<()> {
    // Its own process group: a Ctrl-C on the terminal must not cut a half-built network short.
    let mut child = Command::new(tool)
        .args(options)
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .doing(|| format!("starting `{tool}`"))?;
    let mut input = child.stdin.take().expect("stdin was asked for as a pipe");
    let written = input.write_all(script.as_bytes());
    drop(input);
    let output = child.wait_with_output().doing(|| format!("waiting for `{tool}`"))?;
    if output.status.success() {
        return written.doing(|| format!("writing to `{tool}`"));
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
    Err(Failure::because(format!("`{tool} {}` failed: {said}", options.join(" "))))
}
