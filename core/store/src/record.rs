//! What the data directory remembers of one content: its manifest, where it went, and the stamps of its
//! files once they are in place. Nothing here is believed without a check, and anything unreadable counts
//! as absent: the worst that follows is hashing or fetching again.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use samara_model::ContentId;
use serde::{Deserialize, Serialize};

use crate::atomic_file::{read_small, replace_file};
use crate::stamp::FileStamp;

const META_VERSION: u32 = 1;
/// Most bytes of a file that is read whole: a manifest of 2^27 chunks has 4 GiB of hashes.
const MAX_FILE: u64 = 5 << 30;

/// A content that an earlier run of this data directory knew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The content.
    pub content: ContentId,
    /// Its source or destination.
    pub output: PathBuf,
    /// It was published here, not fetched.
    pub origin: bool,
    /// All of it was in place; otherwise a fetch was interrupted.
    pub finished: bool,
}

/// The content of `meta.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    version: u32,
    output: PathText,
    pub origin: bool,
    /// One for each entry of the manifest, once everything is in place.
    pub stamps: Option<Vec<FileStamp>>,
}

/// A path as text where that is possible, for people who look into the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum PathText {
    Text(String),
    Bytes(Vec<u8>),
}

impl Meta {
    pub fn new(output: &Path, origin: bool, stamps: Option<Vec<FileStamp>>) -> Self {
        let output = match output.to_str() {
            Some(text) => PathText::Text(text.to_owned()),
            None => PathText::Bytes(output.as_os_str().as_bytes().to_vec()),
        };
        Meta { version: META_VERSION, output, origin, stamps }
    }

    pub fn output(&self) -> PathBuf {
        match &self.output {
            PathText::Text(text) => PathBuf::from(text),
            PathText::Bytes(bytes) => std::ffi::OsString::from_vec(bytes.clone()).into(),
        }
    }
}

/// `DATA/contents/ID`: the files `manifest`, `meta.json` and, while fetching, `verified`.
#[derive(Debug, Clone)]
pub(crate) struct RecordDir {
    content: ContentId,
    dir: PathBuf,
}

impl RecordDir {
    pub fn new(contents: &Path, content: ContentId) -> Self {
        RecordDir { content, dir: contents.join(content.to_string()) }
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }

    pub fn verified_path(&self) -> PathBuf {
        self.dir.join("verified")
    }

    /// Writes everything but the bitmap.
    pub fn create(&self, manifest_bytes: &[u8], meta: &Meta) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        if self.manifest_bytes().is_none() {
            replace_file(&self.dir.join("manifest"), manifest_bytes)?;
        }
        self.save(meta)
    }

    pub fn save(&self, meta: &Meta) -> io::Result<()> {
        let json = serde_json::to_vec(meta).map_err(io::Error::other)?;
        replace_file(&self.dir.join("meta.json"), &json)
    }

    pub fn manifest_bytes(&self) -> Option<Vec<u8>> {
        let path = self.dir.join("manifest");
        let bytes = read_small(&path, MAX_FILE)?;
        if *blake3::hash(&bytes).as_bytes() == self.content.0 {
            return Some(bytes);
        }
        tracing::warn!(?path, "ignoring a saved manifest that is damaged; it is fetched again");
        None
    }

    pub fn load(&self) -> Option<Meta> {
        let path = self.dir.join("meta.json");
        let bytes = read_small(&path, MAX_FILE)?;
        match serde_json::from_slice::<Meta>(&bytes) {
            Ok(meta) if meta.version == META_VERSION => Some(meta),
            Ok(meta) => {
                tracing::warn!(?path, meta.version, "ignoring the record of another version");
                None
            }
            Err(error) => {
                tracing::warn!(?path, %error, "ignoring a damaged record; the files are looked at anew");
                None
            }
        }
    }

    pub fn remove_verified(&self) {
        log_failure(&self.verified_path(), fs::remove_file(self.verified_path()));
    }

    pub fn remove(&self) {
        log_failure(&self.dir, fs::remove_dir_all(&self.dir));
    }
}

/// All records below `contents` that can be read.
pub(crate) fn all_records(contents: &Path) -> Vec<Record> {
    let Ok(dirs) = fs::read_dir(contents) else { return Vec::new() };
    let ids = dirs.filter_map(|dir| id_of(&dir.ok()?.file_name()));
    let records = ids.filter_map(|content| {
        let meta = RecordDir::new(contents, content).load()?;
        let (output, finished) = (meta.output(), meta.stamps.is_some());
        Some(Record { content, output, origin: meta.origin, finished })
    });
    records.collect()
}

fn id_of(name: &OsStr) -> Option<ContentId> {
    name.to_str()?.parse().ok()
}

fn log_failure(path: &Path, result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(?path, %error, "could not remove; it is only garbage now");
    }
}
