//! The partial file or directory beside the destination: created, locked, sized, and open for writing.
//!
//! It lies in a directory that others may be able to write (`/tmp`), so nothing that is found there is
//! trusted: no links are followed, and what belongs to another user is refused.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use samara_model::{ByteCount, ContentId, FileKind, Manifest};

use crate::begin_fetch::BeginFetchError;
use crate::chunk_map::ChunkMap;
use crate::destination::{Destination, Layout};
use crate::file_lock::FileLock;
use crate::file_source::{Expect, FileSource};
use crate::finisher::directories;
use crate::stamp::FileStamp;
use crate::verified::Verified;

/// An unfinished content on disk.
pub(crate) struct Part {
    pub source: Arc<FileSource>,
    pub destination: Destination,
    /// None for a second copy, which is never resumed.
    pub verified: Option<Verified>,
    /// For each entry of the manifest: there were bytes in it before.
    pub had_data: Vec<bool>,
    /// Keeps other processes away from the same partial file. None where the file system has no locks.
    _lock: Option<FileLock>,
}

impl Part {
    /// Creates what is missing and locks it. Bytes that are there stay.
    pub fn prepare(
        content: ContentId,
        map: &Arc<ChunkMap>,
        destination: Destination,
    ) -> Result<Part, BeginFetchError> {
        let layout = Layout::new(destination.part.clone(), &map.manifest);
        let maker = Maker { content, destination: &destination, layout: &layout };
        let lock = maker.lock()?;
        if !layout.single {
            maker.make_directories(map)?;
        }
        let mut stamps = Vec::with_capacity(map.manifest.files.len());
        let mut had_data = Vec::with_capacity(map.manifest.files.len());
        for entry in &map.manifest.files {
            let (stamp, data) = match entry.kind {
                FileKind::Regular { size, .. } => maker.make_file(&layout.path_of(entry), size)?,
                FileKind::Directory { .. } | FileKind::Symlink { .. } => Default::default(),
            };
            stamps.push(stamp);
            had_data.push(data);
        }
        let source = FileSource::new(content, map.clone(), layout, stamps, Expect::SameFile);
        Ok(Part { source: Arc::new(source), destination, verified: None, had_data, _lock: lock })
    }
}

/// Bytes that an unfinished content takes on disk already.
pub(crate) fn allocated(destination: &Destination, manifest: &Manifest) -> u64 {
    let layout = Layout::new(destination.part.clone(), manifest);
    let files = manifest.files.iter();
    let sizes = files.map(|entry| match fs::symlink_metadata(layout.path_of(entry)) {
        Ok(metadata) if metadata.is_file() => (metadata.blocks() * 512).min(entry.size()),
        _ => 0,
    });
    sizes.sum()
}

/// Bytes that may still be written below `dir`; `None` when the file system does not tell.
pub(crate) fn free_space(dir: &Path) -> Option<ByteCount> {
    let space = rustix::fs::statvfs(dir).ok()?;
    (space.f_blocks > 0).then(|| ByteCount(space.f_bavail.saturating_mul(space.f_frsize)))
}

/// Removes the partial file or directory. A failure is logged: it is only garbage then.
pub(crate) fn remove(destination: &Destination) {
    let part = &destination.part;
    let removed = match fs::symlink_metadata(part) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(part),
        Ok(_) => fs::remove_file(part),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = removed {
        tracing::warn!(?part, %error, "could not remove a partial file; remove it by hand");
    }
}

struct Maker<'a> {
    content: ContentId,
    destination: &'a Destination,
    layout: &'a Layout,
}

impl Maker<'_> {
    /// Creates the partial file, or the directory, and locks it.
    fn lock(&self) -> Result<Option<FileLock>, BeginFetchError> {
        let part = &self.destination.part;
        let file = if self.layout.single {
            self.open_own(part)?
        } else {
            self.make_directory(part)?;
            let flags = (OFlags::NOFOLLOW | OFlags::DIRECTORY).bits() as i32;
            OpenOptions::new()
                .read(true)
                .custom_flags(flags)
                .open(part)
                .map_err(|source| self.io(part, source))?
        };
        let opened = file.metadata().map_err(|source| self.io(part, source))?;
        let lock = match FileLock::try_new(file) {
            Ok(Ok(lock)) => Some(lock),
            Ok(Err(_)) => return Err(self.in_use()),
            Err(error) => {
                // Some network file systems. Two processes at once then write the same bytes.
                tracing::warn!(?part, %error, "could not lock the partial file");
                None
            }
        };
        // Another process may have finished, and renamed, what was opened here.
        match fs::symlink_metadata(part) {
            Ok(now) if now.ino() == opened.ino() => Ok(lock),
            _ => Err(self.in_use()),
        }
    }

    /// All directories of the tree, parents first, open for us whatever their final mode will be.
    fn make_directories(&self, map: &ChunkMap) -> Result<(), BeginFetchError> {
        let below_root = directories(&map.manifest);
        below_root.keys().try_for_each(|path| self.make_directory(&self.layout.root.join(path)))
    }

    fn make_directory(&self, path: &Path) -> Result<(), BeginFetchError> {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(self.not_writable(path, error)),
        }
        let metadata = fs::symlink_metadata(path).map_err(|source| self.io(path, source))?;
        if !metadata.is_dir() {
            return Err(self.in_the_way(path, "it is not a directory"));
        }
        self.check_owner(path, &metadata)?;
        set_mode(path, 0o700).map_err(|source| self.io(path, source))
    }

    /// The file's stamp, and whether it had bytes before.
    fn make_file(&self, path: &Path, size: u64) -> Result<(FileStamp, bool), BeginFetchError> {
        let file = self.open_own(path)?;
        let io = |source| self.io(path, source);
        let before = file.metadata().map_err(io)?;
        if before.len() != size {
            file.set_len(size).map_err(io)?;
        }
        let after = file.metadata().map_err(io)?;
        Ok((FileStamp::of(&after), before.blocks() > 0))
    }

    fn open_own(&self, path: &Path) -> Result<File, BeginFetchError> {
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
                .open(path)
        };
        let opened = match open() {
            // An earlier run was stopped between setting the modes and the rename.
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied
                    && set_mode(path, 0o600).is_ok() =>
            {
                open()
            }
            other => other,
        };
        let file = opened.map_err(|error| match fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => self.in_the_way(path, "it is not a regular file"),
            _ => self.not_writable(path, error),
        })?;
        let metadata = file.metadata().map_err(|source| self.io(path, source))?;
        if !metadata.is_file() {
            return Err(self.in_the_way(path, "it is not a regular file"));
        }
        self.check_owner(path, &metadata)?;
        Ok(file)
    }

    fn check_owner(&self, path: &Path, metadata: &Metadata) -> Result<(), BeginFetchError> {
        if metadata.uid() == rustix::process::geteuid().as_raw() {
            return Ok(());
        }
        Err(self.in_the_way(path, "it belongs to another user"))
    }

    fn in_use(&self) -> BeginFetchError {
        let part = self.destination.part.clone();
        BeginFetchError::PartInUse { content: self.content, part }
    }

    fn in_the_way(&self, path: &Path, why: &'static str) -> BeginFetchError {
        BeginFetchError::PartInTheWay { content: self.content, part: path.to_owned(), why }
    }

    fn not_writable(&self, path: &Path, source: io::Error) -> BeginFetchError {
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                let path = path.parent().map_or_else(PathBuf::new, Path::to_owned);
                BeginFetchError::NotWritable { content: self.content, path, source }
            }
            _ => self.io(path, source),
        }
    }

    fn io(&self, path: &Path, source: io::Error) -> BeginFetchError {
        BeginFetchError::Io { content: self.content, path: path.to_owned(), source }
    }
}

/// Sets permission bits; `path` is known not to be a link.
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}
