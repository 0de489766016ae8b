//! What every program that is measured has to tell the measuring code, ours and the rivals alike.

use std::{path::Path, process::Command};

use crate::{
    crew::{Crew, Role},
    failure::Result,
    net::{Network, Node},
};

/// A program that brings a file from one node to others. One value serves one run.
pub trait Contender {
    /// Does what may happen before the clock starts: servers, trackers, receivers that only wait.
    fn prepare(&mut self, stage: &mut Stage) -> Result<()>;

    /// Gives all peers the command to start, as fast as that can be done. The clock runs.
    fn start(&mut self, stage: &mut Stage) -> Result<()>;

    /// What a line of a process means, if it means anything.
    fn hear(&self, role: Role, line: &str) -> Option<News> {
        let _ = (role, line);
        None
    }

    /// Whether a peer is complete when its process ends well, instead of by a line.
    fn completes_by_ending(&self) -> bool {
        false
    }

    /// Whether each peer has a file afterwards, to be compared with the source.
    fn leaves_files(&self) -> bool {
        true
    }

    /// How many times the ideal duration is still worth waiting for.
    fn patience(&self, peers: usize) -> f64 {
        let _ = peers;
        4.0
    }

    /// The size of a chunk, where the program told it and has a part in the limit.
    fn chunk_size(&self) -> Option<u32> {
        None
    }
}

/// What a peer can announce.
#[derive(Debug, PartialEq)]
pub enum News {
    /// The peer has the whole file.
    Complete {
        /// Bytes that it received in vain, where the program counts them.
        wasted_bytes: Option<u64>,
    },
}

/// Where one run takes place: everything a contender may use.
pub struct Stage<'a> {
    /// The nodes and their addresses.
    pub network: &'a Network,
    /// The processes.
    pub crew: Crew,
    /// The file that the origin has.
    pub source: &'a Path,
    /// Its length in bytes.
    pub size: u64,
    /// A folder in memory, for everything else.
    pub folder: &'a Path,
}

/// The file's name, everywhere.
pub const FILE_NAME: &str = "payload.bin";

impl Stage<'_> {
    /// The folder of one node; exists.
    pub fn folder_of(&self, node: &Node) -> std::path::PathBuf {
        self.folder.join(node.name())
    }

    /// Where a peer's finished file has to be.
    pub fn output_of(&self, node: &Node) -> std::path::PathBuf {
        self.folder_of(node).join(FILE_NAME)
    }

    /// Starts the origin's program.
    pub fn spawn_origin(&mut self, command: Command) -> Result<usize> {
        self.crew.spawn(self.network.origin(), Role::Origin, command)
    }

    /// Starts a program on every peer, in a tight loop; the commands are made before.
    pub fn spawn_peers(
        &mut self,
        command: impl Fn(&Stage, &Node) -> Command,
    ) -> Result<Vec<usize>> {
        let peers = self.network.peers();
        let commands: Vec<Command> = peers.iter().map(|peer| command(self, peer)).collect();
        let started = peers.iter().zip(commands);
        started
            .map(|(peer, command)| self.crew.spawn(peer, Role::Peer(peer.index), command))
            .collect()
    }
}
