//! Our own program: `samara serve` at the origin, `samara fetch` at each peer.

use std::{path::PathBuf, process::Command, time::Duration};

use serde_json::Value;

use crate::{
    contender::{Contender, News, Stage},
    crew::Role,
    failure::Result,
    net::Node,
};

/// The port in every namespace.
const PORT: u16 = 7300;
/// Hashing 2 GiB on a slow machine takes a few seconds; this is for the case that something is wrong.
const SERVE_PATIENCE: Duration = Duration::from_secs(120);

/// How to call the program.
#[derive(Clone, Debug)]
pub struct Calling {
    /// The executable.
    pub program: PathBuf,
    /// Variables for its environment.
    pub variables: Vec<(String, String)>,
    /// More flags, for `serve` and `fetch` alike.
    pub flags: Vec<String>,
}

/// One run of it.
pub struct Samara {
    calling: Calling,
    ready: Ready,
}

/// What `serve` says when it can be fetched from.
#[derive(Debug, Default, PartialEq)]
struct Ready {
    content: String,
    chunk_size: Option<u32>,
}

impl Samara {
    /// A run that calls the program so.
    pub fn new(calling: Calling) -> Self {
        Self { calling, ready: Ready::default() }
    }

    fn command(&self, stage: &Stage, node: &Node, subcommand: &str) -> Command {
        let mut command = Command::new(&self.calling.program);
        command.arg(subcommand);
        command.args(["--listen", &address(node), "--json", "--data"]);
        command.arg(stage.folder_of(node).join("data"));
        command.args(&self.calling.flags);
        // The origin compiles a policy before the peers start: what is measured is the transfer.
        let cache = stage.folder_of(stage.network.origin()).join("cache");
        command.env("XDG_CACHE_HOME", cache);
        command.envs(self.calling.variables.iter().map(|(key, value)| (key, value)));
        command
    }
}

impl Contender for Samara {
    fn prepare(&mut self, stage: &mut Stage) -> Result<()> {
        let mut serve = self.command(stage, stage.network.origin(), "serve");
        serve.arg(stage.source).args(["--name", "bench", "--version", "1"]);
        let origin = stage.spawn_origin(serve)?;
        self.ready = stage.crew.await_line(origin, SERVE_PATIENCE, Ready::parse)?;
        Ok(())
    }

    fn start(&mut self, stage: &mut Stage) -> Result<()> {
        let join = address(stage.network.origin());
        stage.spawn_peers(|stage, peer| {
            let mut fetch = self.command(stage, peer, "fetch");
            fetch.arg(&self.ready.content).arg("-o").arg(stage.output_of(peer));
            fetch.args(["--join", &join, "--linger", "forever"]);
            fetch
        })?;
        Ok(())
    }

    fn hear(&self, role: Role, line: &str) -> Option<News> {
        if role == Role::Origin { None } else { complete_event(line) }
    }

    /// With another policy it is to be seen how slow that is; the worst that is possible is one server for all.
    fn patience(&self, peers: usize) -> f64 {
        let own_policy = self.calling.flags.iter().any(|flag| flag.starts_with("--policy"));
        if own_policy { 1.5 * peers as f64 + 2.0 } else { 4.0 }
    }

    fn chunk_size(&self) -> Option<u32> {
        self.ready.chunk_size
    }
}

impl Ready {
    fn parse(line: &str) -> Option<Self> {
        let event: Value = serde_json::from_str(line).ok()?;
        if event["event"] != "ready" {
            return None;
        }
        let chunk_size = event["chunk_size"].as_u64().and_then(|size| size.try_into().ok());
        Some(Self { content: event["content"].as_str()?.to_string(), chunk_size })
    }
}

/// The line `{"event":"complete", "wasted_bytes":…}`; the embedded libtorrent script writes it too.
pub fn complete_event(line: &str) -> Option<News> {
    let event: Value = serde_json::from_str(line).ok()?;
    let complete = event["event"] == "complete";
    complete.then(|| News::Complete { wasted_bytes: event["wasted_bytes"].as_u64() })
}

fn address(node: &Node) -> String {
    format!("{}:{PORT}", node.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_tells_the_content() {
        let ready = Ready::parse(r#"{"event":"ready","content":"ab","chunk_size":65536,"x":1}"#);
        assert_eq!(ready, Some(Ready { content: "ab".into(), chunk_size: Some(65536) }));
        assert_eq!(Ready::parse(r#"{"event":"hashing","content":"ab"}"#), None);
    }

    #[test]
    fn only_the_complete_event_completes() {
        let line = r#"{"event":"complete","seconds":1.5,"wasted_bytes":12}"#;
        assert_eq!(complete_event(line), Some(News::Complete { wasted_bytes: Some(12) }));
        assert_eq!(complete_event(r#"{"event":"progress","done":5}"#), None);
        assert_eq!(complete_event("warning: complete"), None);
    }
}
