//! Checks of a manifest that came from outside. Nothing of it is used before this has passed.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::{ByteCount, Chunking, FileEntry, FileKind, MAX_CHUNK_SIZE, MIN_CHUNK_SIZE, Manifest};

/// Most entries of one content.
const MAX_FILES: usize = 1 << 20;
/// Longest path or link target in bytes.
const MAX_PATH: usize = 4096;

/// Why a manifest is refused. Nothing of the content was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Written by a newer version.
    #[error("the manifest has format version {found}; this version reads 1: update samara")]
    FormatVersion {
        /// The version found.
        found: u16,
    },
    /// The chunk size is no power of two in 16 KiB ..= 16 MiB.
    #[error("the chunk size {found} is not a power of two from 16 KiB to 16 MiB")]
    ChunkSize {
        /// The size found.
        found: u32,
    },
    /// The number of hashes does not fit the files' sizes.
    #[error("the manifest has {found} bytes of hashes where {chunks} chunks take {expected}")]
    HashCount {
        /// Bytes of hashes found.
        found: usize,
        /// Bytes expected.
        expected: u64,
        /// Chunks that the sizes give.
        chunks: u64,
    },
    /// Sizes that do not add up, or too many entries.
    #[error("the manifest is absurd: {files} entries with {total} in total")]
    TooLarge {
        /// Number of entries.
        files: usize,
        /// Sum of their sizes, saturated.
        total: ByteCount,
    },
    /// A path that could leave the destination or cannot exist.
    #[error("the path `{path}` is refused: {why}")]
    BadPath {
        /// The path, cut to 200 characters.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two entries with one path, also when only the case differs.
    #[error("the path `{path}` is there twice (perhaps in another case)")]
    DuplicatePath {
        /// The path, cut to 200 characters.
        path: String,
    },
    /// A link that points out of the root.
    #[error("the link `{path}` points outside the content, to `{target}`")]
    LinkLeavesRoot {
        /// The link's path.
        path: String,
        /// Where it points.
        target: String,
    },
}

/// Checks everything that a peer could have made up.
///
/// # Errors
/// The first thing that does not hold.
pub fn check_manifest(manifest: &Manifest) -> Result<(), ManifestError> {
    if manifest.format_version != 1 {
        return Err(ManifestError::FormatVersion { found: manifest.format_version });
    }
    let Chunking::Fixed { size } = manifest.chunking;
    if !size.is_power_of_two() || !(MIN_CHUNK_SIZE..=MAX_CHUNK_SIZE).contains(&size) {
        return Err(ManifestError::ChunkSize { found: size });
    }
    check_sizes(manifest, size)?;
    for entry in &manifest.files {
        check_path(&entry.path)?;
        check_kind(entry)?;
    }
    check_tree(&manifest.files)
}

fn check_sizes(manifest: &Manifest, chunk_size: u32) -> Result<(), ManifestError> {
    let total = manifest.total();
    let chunks = total.0.div_ceil(u64::from(chunk_size));
    if manifest.files.is_empty()
        || manifest.files.len() > MAX_FILES
        || chunks > u64::from(u32::MAX) / 32
        || total.0 > i64::MAX as u64
    {
        return Err(ManifestError::TooLarge { files: manifest.files.len(), total });
    }
    if manifest.hashes.len() as u64 != chunks * 32 {
        let found = manifest.hashes.len();
        return Err(ManifestError::HashCount { found, expected: chunks * 32, chunks });
    }
    Ok(())
}

fn check_path(path: &str) -> Result<(), ManifestError> {
    let why = if path.is_empty() {
        "it is empty"
    } else if path.len() > MAX_PATH {
        "it is longer than 4096 bytes"
    } else if path.starts_with('/') {
        "it is absolute"
    } else if path.contains(['\0', '\\']) {
        "it contains a NUL or a backslash"
    } else if path.split('/').any(|part| part == "..") {
        "it contains `..`"
    } else if path.split('/').any(|part| part.is_empty() || part == "." || part.len() > 255) {
        "a part of it is empty, `.`, or longer than 255 bytes"
    } else {
        return Ok(());
    };
    Err(ManifestError::BadPath { path: cut(path), why })
}

fn check_kind(entry: &FileEntry) -> Result<(), ManifestError> {
    match &entry.kind {
        FileKind::Regular { mode, .. } | FileKind::Directory { mode } if *mode > 0o777 => {
            Err(ManifestError::BadPath {
                path: cut(&entry.path),
                why: "its mode has bits beyond rwxrwxrwx",
            })
        }
        FileKind::Symlink { target } if link_leaves_root(&entry.path, target) => {
            Err(ManifestError::LinkLeavesRoot { path: cut(&entry.path), target: cut(target) })
        }
        _ => Ok(()),
    }
}

/// Walks the target from the link's folder by its text alone; a step above the root leaves it.
fn link_leaves_root(path: &str, target: &str) -> bool {
    if target.is_empty()
        || target.len() > MAX_PATH
        || target.starts_with('/')
        || target.contains('\0')
    {
        return true;
    }
    let mut depth = path.split('/').count() as i64 - 1;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

/// Whether a target passes through another link on its way. What `..` then means cannot be told from the
/// text: `up/..` is not where the link is when `up` points elsewhere.
fn goes_through_link(path: &str, target: &str, is_link: impl Fn(&str) -> bool) -> bool {
    let mut at: Vec<String> = path.split('/').map(folded).collect();
    at.pop();
    let parts: Vec<&str> = target.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    for (index, part) in parts.iter().enumerate() {
        match *part {
            ".." => {
                at.pop();
            }
            name => at.push(folded(name)),
        }
        if index + 1 < parts.len() && is_link(&at.join("/")) {
            return true;
        }
    }
    false
}

/// No path twice (in any case), and nothing below a path that is not a directory: a file below a link
/// would be written through the link.
fn check_tree(files: &[FileEntry]) -> Result<(), ManifestError> {
    let mut sorted: Vec<(String, &FileEntry)> =
        files.iter().map(|entry| (folded(&entry.path), entry)).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, entry) in &sorted {
        let named = |wanted: &str| sorted.binary_search_by(|(other, _)| other.as_str().cmp(wanted));
        let twins = sorted.partition_point(|(other, _)| other <= path)
            - sorted.partition_point(|(other, _)| other < path);
        if twins > 1 {
            return Err(ManifestError::DuplicatePath { path: cut(&entry.path) });
        }
        for (at, _) in path.match_indices('/') {
            if let Ok(found) = named(&path[..at])
                && !matches!(sorted[found].1.kind, FileKind::Directory { .. })
            {
                return Err(ManifestError::BadPath {
                    path: cut(&entry.path),
                    why: "it lies below a file or a link",
                });
            }
        }
        if let FileKind::Symlink { target } = &entry.kind
            && goes_through_link(&entry.path, target, |path| {
                named(path).is_ok_and(|at| matches!(sorted[at].1.kind, FileKind::Symlink { .. }))
            })
        {
            let (path, target) = (cut(&entry.path), cut(target));
            return Err(ManifestError::LinkLeavesRoot { path, target });
        }
    }
    Ok(())
}

fn folded(path: &str) -> String {
    path.chars().flat_map(char::to_lowercase).collect()
}

fn cut(path: &str) -> String {
    match path.char_indices().nth(200) {
        Some((end, _)) => path[..end].to_string(),
        None => path.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn file(path: &str) -> FileEntry {
        FileEntry { path: path.into(), kind: FileKind::Regular { size: 10, mode: 0o644 } }
    }

    fn link(path: &str, target: &str) -> FileEntry {
        FileEntry { path: path.into(), kind: FileKind::Symlink { target: target.into() } }
    }

    fn with(files: Vec<FileEntry>) -> Manifest {
        let total: u64 = files.iter().map(FileEntry::size).sum();
        let chunks = total.div_ceil(u64::from(MIN_CHUNK_SIZE)) as usize;
        let chunking = Chunking::Fixed { size: MIN_CHUNK_SIZE };
        Manifest { format_version: 1, chunking, files, hashes: vec![0; chunks * 32] }
    }

    #[test]
    fn an_honest_tree_passes() {
        let files = vec![file("a"), file("d/b"), link("d/c", "../a"), link("e", "d")];
        assert_eq!(check_manifest(&with(files)), Ok(()));
    }

    #[test]
    fn paths_that_could_leave_the_destination_are_refused() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a\\b", "a\0b"] {
            let verdict = check_manifest(&with(vec![file(path)]));
            assert!(matches!(verdict, Err(ManifestError::BadPath { .. })), "{path:?}: {verdict:?}");
        }
    }

    #[test]
    fn links_out_of_the_root_are_refused() {
        for target in ["/etc", "..", "x/../..", "../..", ""] {
            let verdict = check_manifest(&with(vec![link("l", target)]));
            assert!(matches!(verdict, Err(ManifestError::LinkLeavesRoot { .. })), "{target:?}");
        }
    }

    #[test]
    fn a_link_that_leaves_the_root_through_another_link_is_refused() {
        let up = link("x/y/up", "../..");
        for target in ["up/..", "./UP/../z", "../y/up/.."] {
            let verdict = check_manifest(&with(vec![up.clone(), link("x/y/out", target)]));
            assert!(matches!(verdict, Err(ManifestError::LinkLeavesRoot { .. })), "{target}");
        }
        assert_eq!(check_manifest(&with(vec![up, link("x/y/same", "up")])), Ok(()));
    }

    #[test]
    fn a_file_below_a_link_is_refused() {
        let verdict = check_manifest(&with(vec![link("l", "d"), file("L/x")]));
        assert!(matches!(verdict, Err(ManifestError::BadPath { .. })), "{verdict:?}");
    }

    #[test]
    fn duplicates_are_refused_whatever_their_case() {
        for second in ["a", "A"] {
            let verdict = check_manifest(&with(vec![file("a"), file(second)]));
            assert!(matches!(verdict, Err(ManifestError::DuplicatePath { .. })), "{second}");
        }
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let mut huge = with(vec![file("a")]);
        huge.files[0].kind = FileKind::Regular { size: u64::MAX, mode: 0o644 };
        assert!(matches!(check_manifest(&huge), Err(ManifestError::TooLarge { .. })));
        let mut short = with(vec![file("a")]);
        short.hashes.clear();
        assert!(matches!(check_manifest(&short), Err(ManifestError::HashCount { .. })));
        let mut odd = with(vec![file("a")]);
        odd.chunking = Chunking::Fixed { size: 3 };
        assert!(matches!(check_manifest(&odd), Err(ManifestError::ChunkSize { .. })));
        assert!(matches!(check_manifest(&with(vec![])), Err(ManifestError::TooLarge { .. })));
        let mut setuid = with(vec![file("a")]);
        setuid.files[0].kind = FileKind::Regular { size: 10, mode: 0o4755 };
        assert!(matches!(check_manifest(&setuid), Err(ManifestError::BadPath { .. })));
    }

    proptest! {
        #[test]
        fn no_accepted_path_leaves_the_root(path in "[a./\\\\]{0,12}", target in "[a./]{0,12}") {
            if check_manifest(&with(vec![file(&path)])).is_ok() {
                prop_assert!(!path.starts_with('/') && path.split('/').all(|part| part != ".."));
            }
            if check_manifest(&with(vec![link("d/l", &target)])).is_ok() {
                let ups = target.split('/').take_while(|part| *part == "..").count();
                prop_assert!(ups <= 1 && !target.starts_with('/'));
            }
        }
    }
}
