//! The folder of a demo: temporary and removed, or asked for and kept.

use std::fs;
use std::path::{Path, PathBuf};

use samara_model::ByteCount;
use tempfile::TempDir;

use super::settings::Settings;
use crate::exit::Failure;

/// Room beside the copies: identities, manifests, logs.
const SPARE: u64 = 16 << 20;

/// Where a demo works.
pub struct Workplace {
    path: PathBuf,
    /// Removes the folder when it is dropped.
    temporary: Option<TempDir>,
}

impl Workplace {
    /// Creates the folder and makes sure that all copies fit.
    ///
    /// # Errors
    /// When it cannot be created, is not empty, or lacks room.
    pub fn create(keep: Option<&Path>, settings: &Settings) -> Result<Workplace, Failure> {
        let workplace = match keep {
            Some(path) => kept(path)?,
            None => temporary()?,
        };
        workplace.check_room(settings)?;
        Ok(workplace)
    }

    /// Creates the folder of each peer, so that starting the processes is all that is left.
    ///
    /// # Errors
    /// When one cannot be created.
    pub fn create_folders(&self, peers: u32) -> Result<(), Failure> {
        for peer in 0..peers as usize {
            let copy = self.copy(peer);
            let folder = copy.parent().unwrap_or(&self.path);
            fs::create_dir_all(folder).map_err(|why| {
                Failure::because(format!("could not create {}", folder.display()), &why)
            })?;
        }
        Ok(())
    }

    /// The random file.
    pub fn source(&self) -> PathBuf {
        self.path.join("origin").join("data.bin")
    }

    /// The copy of a peer.
    pub fn copy(&self, peer: usize) -> PathBuf {
        self.path.join(format!("peer-{:02}", peer + 1)).join("data.bin")
    }

    /// State of a process, beside its file.
    pub fn state(&self, file: &Path) -> PathBuf {
        file.with_file_name("state")
    }

    /// Log of a process, beside its file.
    pub fn log(&self, file: &Path) -> PathBuf {
        file.with_file_name("log.txt")
    }

    /// Where everything stays, if it does.
    pub fn kept(&self) -> Option<&Path> {
        self.temporary.is_none().then_some(&self.path)
    }

    fn check_room(&self, settings: &Settings) -> Result<(), Failure> {
        let needed = (u64::from(settings.peers) + 1).saturating_mul(settings.size.0);
        let Ok(found) = rustix::fs::statvfs(&self.path) else {
            return Ok(());
        };
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        if needed.saturating_add(SPARE) <= free {
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(&self.path).display();
        Err(Failure::new(
            format!("could not begin: the copies need {}", ByteCount(needed)),
            format!("{folder} has {} left", ByteCount(free)),
        )
        .next("choose fewer --peers, a smaller --size, or another folder with TMPDIR or --keep"))
    }
}

fn kept(path: &Path) -> Result<Workplace, Failure> {
    let doing = || format!("could not work in {}", path.display());
    fs::create_dir_all(path).map_err(|why| Failure::because(doing(), &why))?;
    let mut entries = fs::read_dir(path).map_err(|why| Failure::because(doing(), &why))?;
    if entries.next().is_some() {
        return Err(Failure::new(doing(), "it is not empty").next("choose a new folder for --keep"));
    }
    let path = path.canonicalize().map_err(|why| Failure::because(doing(), &why))?;
    Ok(Workplace { path, temporary: None })
}

fn temporary() -> Result<Workplace, Failure> {
    let folder = tempfile::Builder::new().prefix("samara-demo-").tempdir().map_err(|why| {
        Failure::because("could not create a temporary folder", &why)
            .next("choose another one with TMPDIR or --keep DIR")
    })?;
    Ok(Workplace { path: folder.path().to_owned(), temporary: Some(folder) })
}
