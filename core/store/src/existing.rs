//! Whether what lies at the output already is the content: the same tree, sizes, links and bytes. Modes
//! are the user's business.

use std::collections::HashMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use samara_model::{ChunkIndex, ChunkSet, FileEntry, FileKind};

use crate::Progress;
use crate::chunk_map::ChunkMap;
use crate::destination::Layout;
use crate::finisher::directories;
use crate::hashing::{HashFailure, Hashing, Meter};
use crate::stamp::FileStamp;
use crate::walk::{WalkError, Walked, look_at, walk_tree};

/// The outcome of a comparison. Nothing was changed.
pub(crate) enum Comparison {
    /// It is the content; with the stamps of its files, one for each entry of the manifest.
    Same(Vec<FileStamp>),
    /// It is something else; the first difference, for people.
    Different(String),
    Stopped,
}

pub(crate) fn compare(
    output: &Path,
    map: &ChunkMap,
    progress: Progress<'_>,
    stop: &AtomicBool,
) -> Comparison {
    let layout = Layout::new(output.to_owned(), &map.manifest);
    let before = match stamps(&layout, map) {
        Ok(stamps) => stamps,
        Err(difference) => return Comparison::Different(difference),
    };
    match first_wrong_chunk(&layout, map, progress, stop) {
        Ok(None) => {}
        Ok(Some(chunk)) => {
            let path = map.extents(chunk).first().map(|at| &map.manifest.files[at.file].path);
            let path = path.map_or("", String::as_str);
            return Comparison::Different(format!("other bytes in `{path}`"));
        }
        Err(HashFailure::Stopped) => return Comparison::Stopped,
        Err(HashFailure::File(index, error)) => {
            let path = &map.manifest.files[index].path;
            return Comparison::Different(format!("`{path}` cannot be read ({error})"));
        }
    }
    match stamps(&layout, map) {
        Ok(after) if after == before => Comparison::Same(after),
        Ok(_) => Comparison::Different("it changed while it was compared".to_owned()),
        Err(difference) => Comparison::Different(difference),
    }
}

/// The stamps in the order of the manifest, when tree, kinds, sizes and links are right.
fn stamps(layout: &Layout, map: &ChunkMap) -> Result<Vec<FileStamp>, String> {
    let files = &map.manifest.files;
    let walked = list(layout, files).map_err(describe)?;
    let implied = directories(&map.manifest);
    let places: HashMap<&str, usize> =
        files.iter().enumerate().map(|(index, entry)| (entry.path.as_str(), index)).collect();
    let mut stamps = vec![None; files.len()];
    for (found, stamp) in walked.entries.iter().zip(&walked.stamps) {
        let path = found.path.as_str();
        match places.get(path) {
            Some(index) => {
                compare_entry(&files[*index], found)?;
                stamps[*index] = Some(*stamp);
            }
            None if matches!(found.kind, FileKind::Directory { .. })
                && implied.contains_key(path) => {}
            None => return Err(format!("`{path}` is there in addition")),
        }
    }
    let missing = |index: usize| format!("`{}` is missing", files[index].path);
    stamps
        .into_iter()
        .enumerate()
        .map(|(index, stamp)| stamp.ok_or_else(|| missing(index)))
        .collect()
}

fn list(layout: &Layout, files: &[FileEntry]) -> Result<Walked, WalkError> {
    match files {
        [only] if layout.single => look_at(&layout.root, only.path.clone())
            .map(|(entry, stamp)| Walked { entries: vec![entry], stamps: vec![stamp] }),
        _ if !layout.root.is_dir() || layout.root.is_symlink() => {
            Err(WalkError::Special(layout.root.clone(), "no directory"))
        }
        _ => walk_tree(&layout.root),
    }
}

fn describe(error: WalkError) -> String {
    match error {
        WalkError::Io(path, error) => format!("`{}` cannot be read ({error})", path.display()),
        WalkError::Special(path, what) => format!("`{}` is {what}", path.display()),
        WalkError::NotUtf8(path) => format!("the name `{}` is not UTF-8", path.display()),
    }
}

fn compare_entry(wanted: &FileEntry, found: &FileEntry) -> Result<(), String> {
    use FileKind::{Directory, Regular, Symlink};
    let path = &wanted.path;
    match (&wanted.kind, &found.kind) {
        (Regular { size: wanted, .. }, Regular { size, .. }) if size != wanted => {
            Err(format!("`{path}` has {size} bytes instead of {wanted}"))
        }
        (Symlink { target: wanted }, Symlink { target }) if target != wanted => {
            Err(format!("the link `{path}` leads to `{target}` instead of `{wanted}`"))
        }
        (Regular { .. }, Regular { .. })
        | (Symlink { .. }, Symlink { .. })
        | (Directory { .. }, Directory { .. }) => Ok(()),
        _ => Err(format!("`{path}` is of another kind (file, directory, link)")),
    }
}

fn first_wrong_chunk(
    layout: &Layout,
    map: &ChunkMap,
    progress: Progress<'_>,
    stop: &AtomicBool,
) -> Result<Option<ChunkIndex>, HashFailure> {
    let wrong = Mutex::new(None);
    let open = |index: usize| File::open(layout.path_of(&map.manifest.files[index]));
    let meter = Meter::new(map.total(), progress);
    let job = Hashing { map, open: &open, meter: &meter, stop };
    job.run(&ChunkSet::full(map.chunk_count()), &|chunk, digest| {
        if map.manifest.chunk_hash(chunk) == Some(digest) {
            return ControlFlow::Continue(());
        }
        *wrong.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(chunk);
        ControlFlow::Break(())
    })?;
    Ok(wrong.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
}
