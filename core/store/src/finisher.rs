//! The steps that turn a partial file or tree into the finished one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use samara_model::{ContentId, FileKind, Manifest};

use crate::atomic_file::sync_dir;
use crate::destination::Layout;
use crate::finish::FinishError;
use crate::part::{Part, set_mode};
use crate::place::rename_to_free_name;
use crate::source::ReadChunkError;
use crate::stamp::FileStamp;

/// Mode of directories that the manifest does not list, and of the root of a tree.
const DIRECTORY_MODE: u32 = 0o755;
/// Above this many files one `syncfs` is cheaper than an `fsync` for each.
const MANY_FILES: usize = 64;

/// Every directory of the tree below its root with its mode, parents first.
pub(crate) fn directories(manifest: &Manifest) -> BTreeMap<&str, u32> {
    let mut found = BTreeMap::new();
    for entry in &manifest.files {
        for (at, _) in entry.path.match_indices('/') {
            found.entry(&entry.path[..at]).or_insert(DIRECTORY_MODE);
        }
        if let FileKind::Directory { mode } = entry.kind {
            found.insert(&entry.path, mode);
        }
    }
    found
}

/// A complete partial file or tree on its way to its output.
pub(crate) struct Finisher<'a> {
    pub content: ContentId,
    pub manifest: &'a Manifest,
    pub part: &'a Part,
}

impl Finisher<'_> {
    /// Everything but the rename; gives the stamps, which a rename does not change.
    pub fn make_ready(&self) -> Result<Vec<FileStamp>, FinishError> {
        self.check_output_is_free()?;
        self.make_links()?;
        let stamps = self.sync_files()?;
        self.set_modes()?;
        if !self.layout().single {
            self.sync_directories()?;
        }
        Ok(stamps)
    }

    fn check_output_is_free(&self) -> Result<(), FinishError> {
        let output = &self.part.destination.output;
        match fs::symlink_metadata(output) {
            Ok(_) => Err(self.output_appeared()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(self.io(output, source)),
        }
    }

    fn make_links(&self) -> Result<(), FinishError> {
        for entry in &self.manifest.files {
            let FileKind::Symlink { target } = &entry.kind else { continue };
            let path = self.layout().path_of(entry);
            match symlink(target, &path) {
                Ok(()) => {}
                // An earlier try.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let again = fs::remove_file(&path).and_then(|()| symlink(target, &path));
                    again.map_err(|source| self.io(&path, source))?;
                }
                Err(source) => return Err(self.io(&path, source)),
            }
        }
        Ok(())
    }

    fn sync_files(&self) -> Result<Vec<FileStamp>, FinishError> {
        let one_by_one = self.regular().count() <= MANY_FILES;
        let mut stamps = vec![FileStamp::default(); self.manifest.files.len()];
        for (count, index) in self.regular().enumerate() {
            let file = self.part.source.file(index).map_err(|error| self.no_file(error))?;
            let synced = match (one_by_one, count) {
                (true, _) => file.sync_all(),
                (false, 0) => rustix::fs::syncfs(&file).map_err(io::Error::from),
                (false, _) => Ok(()),
            };
            let path = || self.part.source.path(index);
            synced.map_err(|source| FinishError::NotDurable {
                content: self.content,
                path: path(),
                source,
            })?;
            let metadata = file.metadata().map_err(|source| self.io(&path(), source))?;
            stamps[index] = FileStamp::of(&metadata);
        }
        Ok(stamps)
    }

    /// Files first, then directories from the deepest up: one that may not be written takes no changes.
    fn set_modes(&self) -> Result<(), FinishError> {
        for entry in &self.manifest.files {
            if let FileKind::Regular { mode, .. } = entry.kind {
                self.set_mode(&self.layout().path_of(entry), mode)?;
            }
        }
        if self.layout().single {
            return Ok(());
        }
        for (path, mode) in directories(self.manifest).iter().rev() {
            self.set_mode(&self.layout().root.join(path), *mode)?;
        }
        self.set_mode(&self.layout().root, DIRECTORY_MODE)
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), FinishError> {
        set_mode(path, mode).map_err(|source| self.io(path, source))
    }

    fn sync_directories(&self) -> Result<(), FinishError> {
        let root = &self.layout().root;
        let below = directories(self.manifest);
        if below.len() > MANY_FILES {
            let synced = fs::File::open(root).and_then(|dir| Ok(rustix::fs::syncfs(dir)?));
            return synced.map_err(|source| self.io(root, source));
        }
        let below = below.keys().map(|path| root.join(path));
        for dir in below.chain([root.clone()]) {
            match sync_dir(&dir) {
                // Its mode says that we may not read it.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                synced => synced.map_err(|source| self.io(&dir, source))?,
            }
        }
        Ok(())
    }

    pub fn rename(&self) -> Result<(), FinishError> {
        let destination = &self.part.destination;
        rename_to_free_name(&destination.part, &destination.output).map_err(|source| {
            match source.kind() {
                io::ErrorKind::AlreadyExists => self.output_appeared(),
                _ => self.io(&destination.part, source),
            }
        })
    }

    /// After a failed try: open for us again, so that the next one can work. Best effort.
    pub fn loosen(&self) {
        let root = &self.layout().root;
        if !self.layout().single {
            let _ = set_mode(root, 0o700);
            for path in directories(self.manifest).keys() {
                let _ = set_mode(&root.join(path), 0o700);
            }
        }
        for index in self.regular() {
            let _ = set_mode(&self.part.source.path(index), 0o600);
        }
    }

    fn layout(&self) -> &Layout {
        self.part.source.layout()
    }

    fn regular(&self) -> impl Iterator<Item = usize> {
        let files = self.manifest.files.iter().enumerate();
        files
            .filter(|(_, entry)| matches!(entry.kind, FileKind::Regular { .. }))
            .map(|(index, _)| index)
    }

    fn output_appeared(&self) -> FinishError {
        let (output, part) = (self.part.destination.output.clone(), self.layout().root.clone());
        FinishError::OutputAppeared { content: self.content, output, part }
    }

    fn no_file(&self, error: ReadChunkError) -> FinishError {
        match error {
            ReadChunkError::SourceChanged { path, .. } => {
                FinishError::PartGone { content: self.content, path }
            }
            ReadChunkError::Io { path, source, .. } => self.io(&path, source),
            other => self.io(&self.layout().root, io::Error::other(other)),
        }
    }

    fn io(&self, path: &Path, source: io::Error) -> FinishError {
        FinishError::Io { content: self.content, path: path.to_owned(), source }
    }
}
