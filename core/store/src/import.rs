//! Making a manifest of a file or a tree: list, hash on all cores, and make sure that nothing moved
//! meanwhile.

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use samara_model::{
    ByteCount, ChunkSet, Chunking, FileEntry, FileKind, Manifest, ManifestError, auto_chunk_size,
    check_manifest,
};

use crate::Progress;
use crate::chunk_map::ChunkMap;
use crate::destination::Layout;
use crate::hashing::{HashFailure, Hashing, Meter};
use crate::stamp::FileStamp;
use crate::walk::{WalkError, Walked, look_at, walk_tree};

/// A file system's clock ticks this coarsely (HZ = 100): within one tick an edit leaves no trace in the
/// modification time.
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// A source that was listed and hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What it consists of. Encode it, hash that, and hand both to [`crate::Store::publish`].
    pub manifest: Manifest,
    /// What the files looked like while they were hashed: one for each entry of the manifest, zero for
    /// directories and links.
    pub stamps: Vec<FileStamp>,
}

/// Why a source cannot be published. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is nothing at the path.
    #[error("there is no `{path}`: check the path")]
    NotFound {
        /// The source.
        path: PathBuf,
    },
    /// A file or directory may not be read, or the disk refused.
    #[error(
        "could not read `{path}` while hashing the source; nothing was published: make it readable, or leave it out"
    )]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It was there when listing and is not any more.
    #[error(
        "`{path}` vanished while the source was hashed; nothing was published: try again when nobody writes there"
    )]
    Vanished {
        /// The file or directory.
        path: PathBuf,
    },
    /// It changed between listing and the end of hashing.
    #[error(
        "`{path}` changed while the source was hashed; nothing was published: try again when nobody writes there"
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A fifo, socket or device.
    #[error(
        "`{path}` is {what}; only files, directories and links can be published: remove it from the tree"
    )]
    SpecialFile {
        /// The path.
        path: PathBuf,
        /// What it is, with its article.
        what: &'static str,
    },
    /// A name or a link's target is no UTF-8.
    #[error("the name or the target of `{path}` is not UTF-8; nothing was published: rename it")]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// A symbolic link that leads out of the tree, or is absolute.
    #[error(
        "the link `{path}` leads out of the tree, to `{target}`; nothing was published: make it relative and inside, or remove it"
    )]
    LinkLeavesRoot {
        /// The link.
        path: PathBuf,
        /// Its target.
        target: String,
    },
    /// A directory without any entry.
    #[error("the directory `{path}` is empty: there is nothing to publish")]
    Empty {
        /// The source.
        path: PathBuf,
    },
    /// No peer would accept its manifest: a bad chunk size, a name that some systems refuse, two names
    /// that differ only in case.
    #[error("`{path}` cannot be published: {source}")]
    Refused {
        /// The source.
        path: PathBuf,
        /// What is wrong.
        source: ManifestError,
    },
    /// The caller raised the stop flag.
    #[error("hashing `{path}` was stopped; nothing was published")]
    Stopped {
        /// The source.
        path: PathBuf,
    },
}

/// The whole way from a path to a manifest.
pub(crate) fn import(
    path: &Path,
    chunk_size: Option<u32>,
    progress: Progress<'_>,
    stop: &AtomicBool,
) -> Result<Imported, ImportError> {
    let root = path.canonicalize().map_err(|source| unreadable_root(path, source))?;
    let before = list_settled(path, &root)?;
    if before.entries.is_empty() {
        return Err(ImportError::Empty { path: path.to_owned() });
    }
    let map = unhashed(path, before.entries, chunk_size)?;
    let layout = Layout::new(single_root(&root, &map.manifest), &map.manifest);
    check_links(&root, &layout, &map.manifest)?;
    let hashes = hash_all(path, &map, &layout, progress, stop)?;
    check_stamps(&map.manifest.files, &before.stamps, &layout)?;
    Ok(Imported { manifest: Manifest { hashes, ..map.manifest }, stamps: before.stamps })
}

/// Where the only file of a single-file content lies, also when the source is a directory that holds
/// nothing else. (A manifest cannot tell the two apart.)
pub(crate) fn single_root(root: &Path, manifest: &Manifest) -> PathBuf {
    match manifest.files.as_slice() {
        [entry] if manifest.is_single_file() && root.is_dir() => root.join(&entry.path),
        _ => root.to_owned(),
    }
}

/// Lists the source; when it was written so recently that another write could hide in the same tick of
/// the clock, waits for the next tick and lists again. A time in the future, after the clock was set back, needs
/// no waiting: another write gets another time.
#[expect(
    clippy::disallowed_methods,
    reason = "file times are wall-clock times; waits one tick at most"
)]
fn list_settled(path: &Path, root: &Path) -> Result<Walked, ImportError> {
    let walked = list(path, root)?;
    let newest = walked.stamps.iter().map(|stamp| stamp.mtime_ns).max().unwrap_or(0);
    let newest = SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(newest).unwrap_or(0));
    match newest.elapsed() {
        Ok(age) if age < CLOCK_TICK => {
            std::thread::sleep(CLOCK_TICK - age);
            list(path, root)
        }
        _ => Ok(walked),
    }
}

fn list(path: &Path, root: &Path) -> Result<Walked, ImportError> {
    let walked = if root.is_dir() {
        walk_tree(root)
    } else {
        let name = path.file_name().or(root.file_name()).unwrap_or_default();
        let name = name.to_str().ok_or_else(|| ImportError::NotUtf8 { path: path.to_owned() })?;
        look_at(root, name.to_owned())
            .map(|(entry, stamp)| Walked { entries: vec![entry], stamps: vec![stamp] })
    };
    walked.map_err(|error| match error {
        WalkError::Io(path, source) => unreadable(path, source),
        WalkError::Special(path, what) => ImportError::SpecialFile { path, what },
        WalkError::NotUtf8(path) => ImportError::NotUtf8 { path },
    })
}

/// The manifest with zeros for hashes, after the checks that a peer would make.
fn unhashed(
    path: &Path,
    files: Vec<FileEntry>,
    chunk_size: Option<u32>,
) -> Result<ChunkMap, ImportError> {
    let total = files.iter().fold(0u64, |sum, file| sum.saturating_add(file.size()));
    let size = chunk_size.unwrap_or_else(|| auto_chunk_size(ByteCount(total)));
    let chunks = total.div_ceil(u64::from(size.max(1))).min(u64::from(u32::MAX) / 32);
    let hashes = vec![0; chunks as usize * 32];
    let manifest =
        Manifest { format_version: 1, chunking: Chunking::Fixed { size }, files, hashes };
    check_manifest(&manifest).map_err(|error| match error {
        ManifestError::LinkLeavesRoot { path: link, target } => {
            ImportError::LinkLeavesRoot { path: path.join(link), target }
        }
        source => ImportError::Refused { path: path.to_owned(), source },
    })?;
    Ok(ChunkMap::new(manifest))
}

/// The manifest's check goes by the text of each link; this one follows links through links.
fn check_links(root: &Path, layout: &Layout, manifest: &Manifest) -> Result<(), ImportError> {
    for entry in &manifest.files {
        let FileKind::Symlink { target } = &entry.kind else { continue };
        let path = layout.path_of(entry);
        if path.canonicalize().is_ok_and(|real| !real.starts_with(root)) {
            return Err(ImportError::LinkLeavesRoot { path, target: target.clone() });
        }
    }
    Ok(())
}

fn hash_all(
    path: &Path,
    map: &ChunkMap,
    layout: &Layout,
    progress: Progress<'_>,
    stop: &AtomicBool,
) -> Result<Vec<u8>, ImportError> {
    let at = |index: usize| layout.path_of(&map.manifest.files[index]);
    let open = |index: usize| File::open(at(index));
    let meter = Meter::new(map.total(), progress);
    let hashes = Mutex::new(map.manifest.hashes.clone());
    let job = Hashing { map, open: &open, meter: &meter, stop };
    let hashed = job.run(&ChunkSet::full(map.chunk_count()), &|chunk, digest| {
        let start = chunk as usize * 32;
        let mut hashes = hashes.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        hashes[start..start + 32].copy_from_slice(&digest);
        ControlFlow::Continue(())
    });
    hashed.map_err(|failure| match failure {
        HashFailure::Stopped => ImportError::Stopped { path: path.to_owned() },
        HashFailure::File(index, error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            ImportError::Changed { path: at(index) }
        }
        HashFailure::File(index, error) => unreadable(at(index), error),
    })?;
    Ok(hashes.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

fn check_stamps(
    files: &[FileEntry],
    before: &[FileStamp],
    layout: &Layout,
) -> Result<(), ImportError> {
    for (entry, stamp) in files.iter().zip(before) {
        if !matches!(entry.kind, FileKind::Regular { .. }) {
            continue;
        }
        let path = layout.path_of(entry);
        match fs::symlink_metadata(&path) {
            Ok(now) if FileStamp::of(&now) == *stamp => {}
            Ok(_) => return Err(ImportError::Changed { path }),
            Err(error) => return Err(unreadable(path, error)),
        }
    }
    Ok(())
}

fn unreadable_root(path: &Path, source: io::Error) -> ImportError {
    match source.kind() {
        io::ErrorKind::NotFound => ImportError::NotFound { path: path.to_owned() },
        _ => ImportError::Unreadable { path: path.to_owned(), source },
    }
}

fn unreadable(path: PathBuf, source: io::Error) -> ImportError {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ImportError::Vanished { path },
        _ => ImportError::Unreadable { path, source },
    }
}
