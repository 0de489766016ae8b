//! Where a content lies, and the names of what is written beside it until it is complete.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf, absolute};

use samara_model::{ContentId, FileEntry, Manifest};

/// Turns entries of a manifest into paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The file itself for a single file, otherwise the directory above all entries.
    pub root: PathBuf,
    pub single: bool,
}

impl Layout {
    pub fn new(root: PathBuf, manifest: &Manifest) -> Self {
        Layout { root, single: manifest.is_single_file() }
    }

    pub fn path_of(&self, entry: &FileEntry) -> PathBuf {
        if self.single { self.root.clone() } else { self.root.join(&entry.path) }
    }
}

/// A destination and the partial file or directory beside it.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub output: PathBuf,
    pub part: PathBuf,
    pub parent: PathBuf,
}

/// A destination that cannot be.
pub(crate) enum BadDestination {
    NoName,
    Parent(PathBuf, io::Error),
}

impl Destination {
    /// Resolves everything but the last part of `output`, which need not exist.
    pub fn new(output: &Path, content: &ContentId) -> Result<Self, BadDestination> {
        let full = absolute(output).map_err(|_| BadDestination::NoName)?;
        let name = full.file_name().ok_or(BadDestination::NoName)?;
        let parent = full.parent().ok_or(BadDestination::NoName)?;
        let bad_parent = |source| BadDestination::Parent(parent.to_owned(), source);
        let parent = parent.canonicalize().map_err(bad_parent)?;
        if !parent.is_dir() {
            let source = io::ErrorKind::NotADirectory.into();
            return Err(BadDestination::Parent(parent, source));
        }
        Ok(Destination {
            output: parent.join(name),
            part: parent.join(part_name(name.to_owned(), content)),
            parent,
        })
    }
}

/// `.NAME.0123456789abcdef.part`. The name is shortened where the whole would not fit a directory.
fn part_name(name: OsString, content: &ContentId) -> OsString {
    const LONGEST: usize = 255 - ".".len() - ".0123456789abcdef.part".len();
    let mut part = OsString::from(".");
    match name.to_str() {
        Some(text) => part.push(&text[..text.floor_char_boundary(LONGEST)]),
        None if name.len() <= LONGEST => part.push(name),
        None => part.push("long"),
    }
    part.push(format!(".{}.part", &content.to_string()[..16]));
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partial_file_lies_beside_the_destination() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| match Destination::new(&dir.path().join(name), &ContentId([0xab; 32]))
        {
            Ok(destination) => destination.part.file_name().map(|name| name.to_owned()),
            Err(_) => None,
        };
        assert_eq!(at("model.bin"), Some(".model.bin.abababababababab.part".into()));
        assert_eq!(at(&"é".repeat(127)).map(|name| name.len()), Some(255));
        assert_eq!(at("missing/model.bin"), None);
        assert_eq!(at(".."), None);
    }
}
