//! The data directory: one process at a time, one format.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::atomic_file::{read_small, replace_file};
use crate::file_lock::FileLock;

const FORMAT: &str = "samara data directory, format 1\n";
/// Most bytes of a state file of another crate.
const MAX_STATE: u64 = 64 << 20;

/// Why a data directory cannot be used. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// Another process, or another store in this one, has it open.
    #[error(
        "the data directory `{dir}` is in use{}: stop that process, or choose another directory with --data",
        by(*pid)
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The process that has it, where it could be read.
        pid: Option<u32>,
    },
    /// It was written by another version, or is no data directory.
    #[error(
        "the data directory `{dir}` has a format that this version does not know (`{found}`); \
         nothing was changed: use the version that wrote it, or choose another directory with --data"
    )]
    WrongFormat {
        /// The data directory.
        dir: PathBuf,
        /// The first characters of its `version` file.
        found: String,
    },
    /// It cannot be created or written.
    #[error(
        "could not open the data directory `{dir}`, at `{path}`: the user that runs the node must be allowed to make and to write it; or choose another with --data"
    )]
    Io {
        /// The data directory.
        dir: PathBuf,
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn by(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
}

/// An open data directory; closed (and free for others) when dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    dir: PathBuf,
    _lock: FileLock,
}

impl DataDir {
    pub fn open(dir: &Path) -> Result<Self, OpenStoreError> {
        let io = |path: &Path| {
            let (dir, path) = (dir.to_owned(), path.to_owned());
            move |source| OpenStoreError::Io { dir, path, source }
        };
        create_private(dir).map_err(io(dir))?;
        let dir = &dir.canonicalize().map_err(io(dir))?;
        let lock = lock(dir)?;
        check_format(dir)?;
        for part in ["contents", "state"] {
            let path = dir.join(part);
            create_private(&path).map_err(io(&path))?;
        }
        Ok(DataDir { dir: dir.clone(), _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }

    pub fn contents(&self) -> PathBuf {
        self.dir.join("contents")
    }

    pub fn read_state(&self, name: &str) -> Option<Vec<u8>> {
        read_small(&self.state_path(name).ok()?, MAX_STATE)
    }

    pub fn write_state(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        replace_file(&self.state_path(name)?, bytes)
    }

    fn state_path(&self, name: &str) -> io::Result<PathBuf> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(allowed) {
            let why =
                format!("`{name}` cannot name a state file: use letters, digits, `.`, `_`, `-`");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        Ok(self.dir.join("state").join(name))
    }
}

fn create_private(dir: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        other => other,
    }
}

fn lock(dir: &Path) -> Result<FileLock, OpenStoreError> {
    let path = dir.join("lock");
    let io = |source| OpenStoreError::Io { dir: dir.to_owned(), path: path.clone(), source };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(io)?;
    match FileLock::try_new(file).map_err(io)? {
        Ok(lock) => {
            let mut file = lock.file();
            let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
            written.map(|()| lock).map_err(io)
        }
        Err(mut file) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            Err(OpenStoreError::InUse { dir: dir.to_owned(), pid: text.trim().parse().ok() })
        }
    }
}

fn check_format(dir: &Path) -> Result<(), OpenStoreError> {
    let path = dir.join("version");
    let io = |source| OpenStoreError::Io { dir: dir.to_owned(), path: path.clone(), source };
    match fs::read(&path) {
        Ok(found) if found == FORMAT.as_bytes() => Ok(()),
        Ok(found) => {
            let found = String::from_utf8_lossy(&found).trim().chars().take(80).collect();
            Err(OpenStoreError::WrongFormat { dir: dir.to_owned(), found })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            replace_file(&path, FORMAT.as_bytes()).map_err(io)
        }
        Err(error) => Err(io(error)),
    }
}
