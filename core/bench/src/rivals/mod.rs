//! The programs that people would use instead, each called as its users would tune it for a LAN.

mod aria2;
pub mod iperf3;
mod libtorrent;
mod nginx;
mod rsync;
mod uftp;

use std::{
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{
    contender::{Contender, Stage},
    failure::{Failure, Result},
    interrupt,
    net::Node,
};

/// A program to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rival {
    /// libtorrent-rasterbar by its Python binding, tuned for a LAN.
    Libtorrent,
    /// aria2c as a BitTorrent client.
    Aria2,
    /// uftp: multicast by UDP.
    Uftp,
    /// One nginx, and curl at each peer.
    Nginx,
    /// One rsync daemon, and rsync at each peer.
    Rsync,
    /// Not a file transfer: what one TCP stream carries.
    Iperf3,
}

impl Rival {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Libtorrent => "libtorrent",
            Self::Aria2 => "aria2",
            Self::Uftp => "uftp",
            Self::Nginx => "nginx+curl",
            Self::Rsync => "rsync",
            Self::Iperf3 => "iperf3",
        }
    }

    /// A fresh run of it.
    pub fn contender(self) -> Box<dyn Contender> {
        match self {
            Self::Libtorrent => Box::new(libtorrent::Libtorrent::default()),
            Self::Aria2 => Box::new(aria2::Aria2::default()),
            Self::Uftp => Box::new(uftp::Uftp),
            Self::Nginx => Box::new(nginx::Nginx),
            Self::Rsync => Box::new(rsync::Rsync),
            Self::Iperf3 => Box::new(iperf3::Iperf3),
        }
    }

    /// Its version, or what has to be installed before it can be measured.
    pub fn version(self) -> std::result::Result<String, String> {
        match self {
            Self::Libtorrent => libtorrent::version(),
            Self::Aria2 => first_line("aria2c", &["--version"], "aria2"),
            Self::Uftp => first_line("uftpd", &["-?"], "uftp").map(|_| "uftp".to_string()),
            Self::Nginx => {
                let nginx = first_line("nginx", &["-v"], "nginx")?;
                first_line("curl", &["--version"], "curl").map(|_| nginx)
            }
            Self::Rsync => first_line("rsync", &["--version"], "rsync"),
            Self::Iperf3 => first_line("iperf3", &["--version"], "iperf3"),
        }
    }
}

/// The first line that a program says about itself, or which package is missing.
fn first_line(program: &str, flags: &[&str], package: &str) -> std::result::Result<String, String> {
    let path = find(program).ok_or(format!("`{program}` is missing (package {package})"))?;
    let output = Command::new(path).args(flags).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    let said = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_string())
}

/// Looks a program up where the shell and a system administrator would.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from);
    let mut folders = std::env::split_paths(&path).chain(system);
    folders.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_file()))
}

/// A command by its found path; the plain name where it is not found, for the error's sake.
fn command(program: &str) -> Command {
    Command::new(find(program).unwrap_or_else(|| program.into()))
}

/// Waits until the origin's process accepts connections; it fails as soon as the process has ended.
fn await_port(stage: &Stage, process: usize, port: u16) -> Result<()> {
    let origin = stage.network.origin();
    let address = SocketAddr::from((origin.address, port));
    let deadline = Instant::now() + Duration::from_secs(30);
    let timeout = Duration::from_millis(200);
    while origin.namespace().enter(|| TcpStream::connect_timeout(&address, timeout).is_err())? {
        interrupt::check()?;
        if Instant::now() > deadline || !stage.crew.is_running(process) {
            return Err(Failure::because(format!("nobody listens on {address}; see --keep-logs")));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Writes a configuration file into a node's folder.
fn write(stage: &Stage, node: &Node, name: &str, text: &str) -> Result<PathBuf> {
    use crate::failure::Doing;
    let path = stage.folder_of(node).join(name);
    std::fs::write(&path, text).doing(|| format!("writing {}", path.display()))?;
    Ok(path)
}

/// The folder that a file lies in.
fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let fault = first_line("no-such-program", &[], "some-package").unwrap_err();
        assert_eq!(fault, "`no-such-program` is missing (package some-package)");
        assert!(find("sh").is_some());
    }
}
