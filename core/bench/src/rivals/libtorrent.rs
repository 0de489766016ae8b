//! libtorrent-rasterbar by its Python binding, with settings for a LAN and a static list of peers.
//!
//! The interpreters are started before the clock, and begin on a line of input: what is compared is the
//! library, not Python's start.

use std::{path::PathBuf, process::Command, time::Duration};

use serde_json::json;

use crate::{
    contender::{Contender, News, Stage},
    crew::Role,
    failure::{Doing, Result},
    net::Node,
    samara::complete_event,
    torrent::{piece_length, write_torrent},
};

const SCRIPT: &str = include_str!("libtorrent_peer.py");
/// The system's interpreter first: the binding is a system package.
const INTERPRETERS: [&str; 2] = ["/usr/bin/python3", "python3"];
const FIRST_PORT: u16 = 6900;
const PATIENCE: Duration = Duration::from_secs(60);

/// One run.
#[derive(Default)]
pub struct Libtorrent {
    script: PathBuf,
    torrent: PathBuf,
    peers: Vec<usize>,
}

impl Libtorrent {
    fn command(&self, stage: &Stage, node: &Node) -> Command {
        let origin = node.index == 0;
        let folder = if origin {
            super::folder_of(stage.source).to_path_buf()
        } else {
            stage.folder_of(node)
        };
        // Each connects to those before it, so that every pair has one connection.
        let earlier = &stage.network.nodes()[..node.index];
        let description = json!({
            "torrent": self.torrent,
            "folder": folder,
            "address": node.address.to_string(),
            "port": port_of(node),
            "peers": earlier.iter().map(|peer| json!([peer.address.to_string(), port_of(peer)]))
                .collect::<Vec<_>>(),
            "origin": origin,
        });
        let mut python = Command::new(interpreter().unwrap_or(INTERPRETERS[0]));
        python.arg("-u").arg(&self.script).arg(description.to_string());
        python
    }
}

impl Contender for Libtorrent {
    fn prepare(&mut self, stage: &mut Stage) -> Result<()> {
        self.script = stage.folder.join("libtorrent_peer.py");
        std::fs::write(&self.script, SCRIPT).doing(|| "writing the libtorrent script".into())?;
        self.torrent = stage.folder.join("payload.torrent");
        write_torrent(stage.source, &self.torrent, None, piece_length(stage.size))?;
        let origin = stage.spawn_origin(self.command(stage, stage.network.origin()))?;
        self.peers = stage.spawn_peers(|stage, peer| self.command(stage, peer))?;
        for process in std::iter::once(origin).chain(self.peers.iter().copied()) {
            stage.crew.await_line(process, PATIENCE, |line| (line == "ready").then_some(()))?;
        }
        Ok(())
    }

    fn start(&mut self, stage: &mut Stage) -> Result<()> {
        self.peers.iter().try_for_each(|peer| stage.crew.tell(*peer, "go"))
    }

    fn hear(&self, role: Role, line: &str) -> Option<News> {
        if role == Role::Origin { None } else { complete_event(line) }
    }
}

/// The library's version, or what is missing.
pub fn version() -> std::result::Result<String, String> {
    let missing = "the Python binding of libtorrent is missing (package python3-libtorrent)";
    let interpreter = interpreter().ok_or(missing)?;
    let question = "import libtorrent; print('libtorrent', libtorrent.__version__)";
    let output = Command::new(interpreter).args(["-c", question]).output();
    let output = output.map_err(|error| format!("{interpreter} cannot be run: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

fn interpreter() -> Option<&'static str> {
    INTERPRETERS.into_iter().find(|interpreter| {
        let tried = Command::new(interpreter).args(["-c", "import libtorrent"]).output();
        tried.is_ok_and(|output| output.status.success())
    })
}

fn port_of(node: &Node) -> u16 {
    FIRST_PORT + u16::try_from(node.index).expect("far fewer nodes than ports")
}
