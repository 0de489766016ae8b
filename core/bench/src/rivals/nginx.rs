//! One nginx at the origin, one curl at each peer: the founding comparison.

use super::{await_port, command, folder_of, write};
use crate::{
    contender::{Contender, FILE_NAME, Stage},
    failure::Result,
};

const PORT: u16 = 8080;

/// One run.
pub struct Nginx;

impl Contender for Nginx {
    fn prepare(&mut self, stage: &mut Stage) -> Result<()> {
        let origin = stage.network.origin().clone();
        let folder = stage.folder_of(&origin).display().to_string();
        let source_folder = folder_of(stage.source).display().to_string();
        // One path of temporary files per kind, else nginx wants its compiled-in ones.
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
            .concat();
        let configuration = format!(
            "user root;\ndaemon off;\nworker_processes auto;\npid {folder}/nginx.pid;\n\
             error_log stderr;\nevents {{}}\nhttp {{\n{temporary}access_log off;\nsendfile on;\n\
             tcp_nopush on;\nserver {{ listen {}:{PORT}; root {source_folder}; }}\n}}\n",
            origin.address
        );
        let path = write(stage, &origin, "nginx.conf", &configuration)?;
        let mut nginx = command("nginx");
        nginx.args(["-e", "stderr", "-p", &folder, "-c"]).arg(path);
        let process = stage.spawn_origin(nginx)?;
        await_port(stage, process, PORT)
    }

    fn start(&mut self, stage: &mut Stage) -> Result<()> {
        let url = format!("http://{}:{PORT}/{FILE_NAME}", stage.network.origin().address);
        stage.spawn_peers(|stage, peer| {
            let mut curl = command("curl");
            curl.args(["--silent", "--show-error", "--fail", "--output"]);
            curl.arg(stage.output_of(peer)).arg(&url);
            curl
        })?;
        Ok(())
    }

    fn completes_by_ending(&self) -> bool {
        true
    }

    /// Everything leaves through one link.
    fn patience(&self, peers: usize) -> f64 {
        1.5 * peers as f64 + 2.0
    }
}
