//! One wish, and the file of all of them.

use std::path::PathBuf;

use samara_model::{ContentId, ContentRef, PeerId, Release, ReleaseName};
use serde::{Deserialize, Serialize};

use crate::clock::unix_seconds;

const VERSION: u32 = 1;

/// What shall be with a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "wish", content = "why")]
pub enum Wish {
    /// Its source is to be hashed and published.
    Publish,
    /// It is to be fetched.
    Fetch,
    /// It is here and served.
    Hold,
    /// Its fetch was cancelled; what came stays.
    Cancelled,
    /// It could not be, for this reason.
    Failed(String),
    /// Its files changed; nothing of it is served.
    Withdrawn(String),
}

/// One content as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id, once known.
    pub content: Option<ContentId>,
    /// The names it was asked for by, or published under.
    pub releases: Vec<ReleaseName>,
    /// What shall be.
    pub wish: Wish,
    /// It was published here.
    pub origin: bool,
    /// The source or the output.
    pub path: PathBuf,
    /// It lies in the data directory.
    pub managed: bool,
    /// It is never evicted.
    pub pinned: bool,
    /// Its share of slots.
    pub priority: u32,
    /// For a fetch; `None` waits for ever.
    pub wait_ms: Option<u64>,
    /// For a publication.
    pub chunk_size: Option<u32>,
    /// Seconds since the Unix epoch.
    pub added_at: u64,
    /// Seconds since the Unix epoch.
    pub finished_at: Option<u64>,
    /// The records of its releases.
    pub records: Vec<Release>,
}

impl Entry {
    /// A new wish.
    pub fn new(wish: Wish, path: PathBuf) -> Entry {
        Entry {
            content: None,
            releases: Vec::new(),
            origin: wish == Wish::Publish,
            wish,
            path,
            managed: false,
            pinned: false,
            priority: 1,
            wait_ms: None,
            chunk_size: None,
            added_at: unix_seconds(),
            finished_at: None,
            records: Vec::new(),
        }
    }

    /// Under which name it is found: its first release, or its id.
    pub fn name(&self) -> String {
        let release = self.releases.first().map(ReleaseName::to_string);
        release.or_else(|| self.content.map(|id| id.to_string())).unwrap_or_default()
    }

    /// How it is asked for.
    pub fn reference(&self) -> Option<ContentRef> {
        let by_id = self.content.map(ContentRef::Id);
        by_id.or_else(|| self.releases.first().cloned().map(ContentRef::Release))
    }

    /// Also known under this name.
    pub fn add_release(&mut self, release: &ReleaseName) {
        if !self.releases.contains(release) {
            self.releases.push(release.clone());
        }
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    entries: Vec<Line>,
}

/// An entry as text that a person can read.
#[derive(Serialize, Deserialize)]
struct Line {
    content: Option<String>,
    releases: Vec<String>,
    #[serde(flatten)]
    wish: Wish,
    origin: bool,
    path: PathText,
    managed: bool,
    pinned: bool,
    priority: u32,
    wait_ms: Option<u64>,
    chunk_size: Option<u32>,
    added_at: u64,
    finished_at: Option<u64>,
    records: Vec<Record>,
}

/// A path as text where that is possible.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PathText {
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Serialize, Deserialize)]
struct Record {
    release: String,
    content: String,
    publisher: String,
    published_at: u64,
}

/// The file.
pub fn to_bytes(entries: &[Entry]) -> Vec<u8> {
    let entries = entries.iter().map(Line::of).collect();
    serde_json::to_vec_pretty(&File { version: VERSION, entries }).unwrap_or_default()
}

/// What a file says; entries that cannot be are left out, and counted.
///
/// # Errors
/// When it is no such file at all.
pub fn from_bytes(bytes: &[u8]) -> Result<(Vec<Entry>, usize), String> {
    let file: File = serde_json::from_slice(bytes).map_err(|why| why.to_string())?;
    if file.version != VERSION {
        return Err(format!("it has version {}, and this program knows {VERSION}", file.version));
    }
    let all = file.entries.len();
    let entries: Vec<Entry> = file.entries.into_iter().filter_map(Line::entry).collect();
    let lost = all - entries.len();
    Ok((entries, lost))
}

impl Line {
    fn of(entry: &Entry) -> Line {
        Line {
            content: entry.content.map(|id| id.to_string()),
            releases: entry.releases.iter().map(ReleaseName::to_string).collect(),
            wish: entry.wish.clone(),
            origin: entry.origin,
            path: PathText::of(&entry.path),
            managed: entry.managed,
            pinned: entry.pinned,
            priority: entry.priority,
            wait_ms: entry.wait_ms,
            chunk_size: entry.chunk_size,
            added_at: entry.added_at,
            finished_at: entry.finished_at,
            records: entry.records.iter().map(Record::of).collect(),
        }
    }

    fn entry(self) -> Option<Entry> {
        let content: Option<ContentId> = match self.content {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        };
        let releases: Result<Vec<ReleaseName>, _> =
            self.releases.iter().map(|text| text.parse()).collect();
        let releases = releases.ok()?;
        if content.is_none() && releases.is_empty() {
            return None;
        }
        Some(Entry {
            content,
            releases,
            wish: self.wish,
            origin: self.origin,
            path: self.path.path(),
            managed: self.managed,
            pinned: self.pinned,
            priority: self.priority.clamp(1, 100),
            wait_ms: self.wait_ms,
            chunk_size: self.chunk_size,
            added_at: self.added_at,
            finished_at: self.finished_at,
            records: self.records.into_iter().filter_map(Record::release).collect(),
        })
    }
}

impl PathText {
    fn of(path: &std::path::Path) -> PathText {
        use std::os::unix::ffi::OsStrExt;
        match path.to_str() {
            Some(text) => PathText::Text(text.to_owned()),
            None => PathText::Bytes(path.as_os_str().as_bytes().to_vec()),
        }
    }

    fn path(self) -> PathBuf {
        use std::os::unix::ffi::OsStringExt;
        match self {
            PathText::Text(text) => PathBuf::from(text),
            PathText::Bytes(bytes) => std::ffi::OsString::from_vec(bytes).into(),
        }
    }
}

impl Record {
    fn of(release: &Release) -> Record {
        Record {
            release: release.release.to_string(),
            content: release.content.to_string(),
            publisher: release.publisher.to_string(),
            published_at: release.published_at,
        }
    }

    fn release(self) -> Option<Release> {
        let publisher: PeerId = self.publisher.parse().ok()?;
        Some(Release {
            release: self.release.parse().ok()?,
            content: self.content.parse().ok()?,
            publisher,
            published_at: self.published_at,
            signature: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(wish: Wish) -> Entry {
        let release: ReleaseName = "llama@2.1".parse().expect("a release");
        let record = Release {
            release: release.clone(),
            content: ContentId([7; 32]),
            publisher: PeerId([9; 32]),
            published_at: 12,
            signature: None,
        };
        Entry {
            content: Some(ContentId([7; 32])),
            releases: vec![release],
            records: vec![record],
            pinned: true,
            wait_ms: Some(30_000),
            ..Entry::new(wish, PathBuf::from("/models/llama"))
        }
    }

    #[test]
    fn what_was_asked_for_survives_the_file() {
        let all = [
            entry(Wish::Publish),
            entry(Wish::Fetch),
            entry(Wish::Hold),
            entry(Wish::Cancelled),
            entry(Wish::Failed("nobody has it".into())),
            entry(Wish::Withdrawn("it changed".into())),
        ];
        assert_eq!(from_bytes(&to_bytes(&all)), Ok((all.to_vec(), 0)));
    }

    #[test]
    fn an_entry_that_cannot_be_is_left_out_and_the_others_stay() {
        let text =
            String::from_utf8(to_bytes(&[entry(Wish::Hold), entry(Wish::Fetch)])).expect("text");
        let damaged = text.replacen("llama@2.1", "llama", 1);
        let (entries, lost) = from_bytes(damaged.as_bytes()).expect("a file");
        assert_eq!((entries, lost), (vec![entry(Wish::Fetch)], 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..2000) {
            let _ = from_bytes(&bytes);
            let good = to_bytes(&[entry(Wish::Hold)]);
            let _ = from_bytes(&good[..cut.min(good.len())]);
        }
    }
}
