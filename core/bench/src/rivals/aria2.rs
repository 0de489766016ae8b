//! aria2 as a BitTorrent client, with a tracker of our own in the hub and nothing else to find peers by.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use super::{await_port, command, folder_of, write};
use crate::{
    contender::{Contender, News, Stage},
    crew::Role,
    failure::{Doing, Result},
    net::{HUB_ADDRESS, Node},
    torrent::{piece_length, write_torrent},
    tracker::Tracker,
};

const FIRST_PORT: u16 = 6881;
const TRACKER_PORT: u16 = 6969;

/// One run.
#[derive(Default)]
pub struct Aria2 {
    tracker: Option<Tracker>,
    torrent: PathBuf,
    on_complete: PathBuf,
}

/// aria2 writes nothing when a torrent is complete and it goes on seeding, but it can run a program.
const ON_COMPLETE: &str = "#!/bin/sh\necho torrent complete\n";

impl Aria2 {
    fn command(&self, node: &Node, folder: &Path) -> Command {
        let mut aria2 = command("aria2c");
        aria2.args(["--no-conf", "--enable-dht=false", "--enable-dht6=false"]);
        aria2.args(["--bt-enable-lpd=false", "--enable-peer-exchange=true", "--disable-ipv6"]);
        aria2.args(["--file-allocation=none", "--seed-ratio=0.0", "--bt-max-peers=0"]);
        aria2.args(["--bt-request-peer-speed-limit=1024M", "--bt-tracker-interval=2"]);
        aria2.args(["--disk-cache=64M", "--summary-interval=0", "--show-console-readout=false"]);
        aria2.args(["--enable-color=false", "--console-log-level=notice"]);
        aria2.arg(format!("--interface={}", node.address));
        aria2.arg(format!("--bt-external-ip={}", node.address));
        aria2.arg(format!("--listen-port={}", port_of(node)));
        aria2.arg(format!("--dir={}", folder.display()));
        aria2
    }
}

impl Contender for Aria2 {
    fn prepare(&mut self, stage: &mut Stage) -> Result<()> {
        self.tracker =
            Some(Tracker::start(stage.network.hub(), (HUB_ADDRESS, TRACKER_PORT).into())?);
        self.torrent = stage.folder.join("payload.torrent");
        let announce = format!("http://{HUB_ADDRESS}:{TRACKER_PORT}/announce");
        write_torrent(stage.source, &self.torrent, Some(&announce), piece_length(stage.size))?;
        let origin = stage.network.origin().clone();
        self.on_complete = write(stage, &origin, "on-complete", ON_COMPLETE)?;
        make_executable(&self.on_complete)?;
        let mut aria2 = self.command(&origin, folder_of(stage.source));
        aria2.args(["--bt-seed-unverified=true"]).arg(&self.torrent);
        let process = stage.spawn_origin(aria2)?;
        await_port(stage, process, port_of(&origin))?;
        self.tracker.as_ref().expect("just started").await_peers(1)
    }

    fn start(&mut self, stage: &mut Stage) -> Result<()> {
        stage.spawn_peers(|stage, peer| {
            let mut aria2 = self.command(peer, &stage.folder_of(peer));
            aria2.arg(format!("--on-bt-download-complete={}", self.on_complete.display()));
            aria2.arg(&self.torrent);
            aria2
        })?;
        Ok(())
    }

    fn hear(&self, role: Role, line: &str) -> Option<News> {
        let complete = line == "torrent complete" && role != Role::Origin;
        complete.then_some(News::Complete { wasted_bytes: None })
    }
}

fn make_executable(path: &Path) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .doing(|| format!("making {} executable", path.display()))
}

/// Several nodes share one namespace where nothing is shaped, so each has its own port.
fn port_of(node: &Node) -> u16 {
    FIRST_PORT + u16::try_from(node.index).expect("far fewer nodes than ports")
}
