//! One rsync daemon at the origin, one rsync at each peer, whole files.

use super::{await_port, command, folder_of, write};
use crate::{
    contender::{Contender, FILE_NAME, Stage},
    failure::Result,
};

const PORT: u16 = 8730;

/// One run.
pub struct Rsync;

impl Contender for Rsync {
    fn prepare(&mut self, stage: &mut Stage) -> Result<()> {
        let origin = stage.network.origin().clone();
        let configuration = format!(
            "address = {}\nport = {PORT}\nuse chroot = no\nuid = 0\ngid = 0\n\
             pid file = {}/rsyncd.pid\n[files]\npath = {}\nread only = yes\n",
            origin.address,
            stage.folder_of(&origin).display(),
            folder_of(stage.source).display(),
        );
        let path = write(stage, &origin, "rsyncd.conf", &configuration)?;
        let mut rsync = command("rsync");
        rsync.args(["--daemon", "--no-detach", "--config"]).arg(path);
        let process = stage.spawn_origin(rsync)?;
        await_port(stage, process, PORT)
    }

    fn start(&mut self, stage: &mut Stage) -> Result<()> {
        let url = format!("rsync://{}:{PORT}/files/{FILE_NAME}", stage.network.origin().address);
        stage.spawn_peers(|stage, peer| {
            let mut rsync = command("rsync");
            rsync.args(["--whole-file", "--no-compress"]).arg(&url).arg(stage.output_of(peer));
            rsync
        })?;
        Ok(())
    }

    fn completes_by_ending(&self) -> bool {
        true
    }

    fn patience(&self, peers: usize) -> f64 {
        1.5 * peers as f64 + 2.0
    }
}
