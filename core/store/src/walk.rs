//! Listing a file or a tree: what is there, in the order of the manifest.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use samara_model::{FileEntry, FileKind};

use crate::stamp::FileStamp;

/// A file or a tree at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Walked {
    /// Sorted by path.
    pub entries: Vec<FileEntry>,
    /// One for each entry; zero for what is no regular file.
    pub stamps: Vec<FileStamp>,
}

/// What a listing stumbled over.
#[derive(Debug)]
pub(crate) enum WalkError {
    Io(PathBuf, io::Error),
    Special(PathBuf, &'static str),
    NotUtf8(PathBuf),
}

/// Lists what is below the directory `root`.
pub(crate) fn walk_tree(root: &Path) -> Result<Walked, WalkError> {
    let mut found = Vec::new();
    let mut pending = vec![(root.to_owned(), String::new())];
    while let Some((dir, prefix)) = pending.pop() {
        let io = |error| WalkError::Io(dir.clone(), error);
        for item in fs::read_dir(&dir).map_err(io)? {
            let path = item.map_err(io)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(name) = name else { return Err(WalkError::NotUtf8(path)) };
            let below = format!("{prefix}{name}");
            let (entry, stamp) = look_at(&path, below)?;
            if matches!(entry.kind, FileKind::Directory { .. }) {
                pending.push((path, format!("{}/", entry.path)));
            }
            found.push((entry, stamp));
        }
    }
    found.sort_unstable_by(|(a, _), (b, _)| a.path.cmp(&b.path));
    let (entries, stamps) = found.into_iter().unzip();
    Ok(Walked { entries, stamps })
}

/// One entry and its stamp.
pub(crate) fn look_at(path: &Path, below: String) -> Result<(FileEntry, FileStamp), WalkError> {
    let io = |error| WalkError::Io(path.to_owned(), error);
    let metadata = fs::symlink_metadata(path).map_err(io)?;
    let mode = metadata.permissions().mode() & 0o777;
    let kind = if metadata.is_file() {
        FileKind::Regular { size: metadata.len(), mode }
    } else if metadata.is_dir() {
        FileKind::Directory { mode }
    } else if metadata.is_symlink() {
        let target = fs::read_link(path).map_err(io)?.into_os_string().into_string();
        FileKind::Symlink { target: target.map_err(|_| WalkError::NotUtf8(path.to_owned()))? }
    } else {
        return Err(WalkError::Special(path.to_owned(), special_kind(&metadata)));
    };
    let stamp = if metadata.is_file() { FileStamp::of(&metadata) } else { FileStamp::default() };
    Ok((FileEntry { path: below, kind }, stamp))
}

fn special_kind(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "a fifo"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}
