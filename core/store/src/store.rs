//! The store: one data directory and the contents that are served or fetched through it.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use samara_model::{ByteCount, ContentId, Manifest};

use crate::begin_fetch::{self, BeginFetchError};
use crate::content::Content;
use crate::data_dir::{DataDir, OpenStoreError};
use crate::destination::Destination;
use crate::import::{self, ImportError, Imported};
use crate::publish::{self, PublishError};
use crate::record::{self, Record, RecordDir};
use crate::registry::Registry;
use crate::reopen::{self, ReopenError};
use crate::reserve::Reserve;
use crate::{Progress, begin_fetch::FetchRequest};

/// One data directory, exclusively held until this is dropped. It keeps what is needed to resume and to
/// recognise, never the content's bytes: those lie where the user wants them.
pub struct Store {
    data: DataDir,
    pub(crate) registry: Registry,
    pub(crate) reserve: Arc<Reserve>,
}

impl Store {
    /// Opens the data directory `dir`, and creates it (for its owner alone) where there is none.
    ///
    /// # Errors
    /// When another process has it, or it cannot be used.
    pub fn open(dir: &Path) -> Result<Store, OpenStoreError> {
        let data = DataDir::open(dir)?;
        Ok(Store { data, registry: Registry::default(), reserve: Arc::default() })
    }

    /// The data directory, absolute.
    pub fn dir(&self) -> &Path {
        self.data.path()
    }

    /// Lists and hashes a file or a tree, on all cores. Without `chunk_size` it follows from the size;
    /// otherwise a power of two from 16 KiB to 16 MiB. A directory that holds one file and nothing else
    /// becomes a content of a single file.
    ///
    /// # Errors
    /// Names the file that is unreadable, vanished, changed meanwhile, or cannot be published.
    pub fn import(
        path: &Path,
        chunk_size: Option<u32>,
        progress: Progress<'_>,
        stop: &AtomicBool,
    ) -> Result<Imported, ImportError> {
        import::import(path, chunk_size, progress, stop)
    }

    /// Serves what was imported from `root`, in place; nothing is copied. `manifest_bytes` is the encoded
    /// manifest, `content` its BLAKE3.
    ///
    /// # Errors
    /// When the source is no longer what was imported, or the data directory cannot be written.
    pub fn publish(
        &self,
        content: ContentId,
        manifest_bytes: Vec<u8>,
        imported: Imported,
        root: &Path,
    ) -> Result<Arc<Content>, PublishError> {
        publish::publish(self, content, manifest_bytes, imported, root)
    }

    /// Prepares a fetch to `output`, or finds that there is nothing left to fetch: look at
    /// [`Content::is_complete`], and call [`Content::finish`] then.
    ///
    /// What an earlier run left beside the destination is hashed and kept as far as it is right; chunks
    /// that another content of this store has are copied. When the output is this content already, it is
    /// complete at once. A content of one file becomes the file `output`, a tree the directory `output`.
    ///
    /// A content that is complete here in another place is copied to `output`; that second copy is the
    /// caller's alone, and [`Store::get`] goes on to give the first.
    ///
    /// # Errors
    /// When the destination cannot be used, is taken, or has no room. Partial files stay for another try.
    pub fn begin_fetch(
        &self,
        content: ContentId,
        manifest_bytes: &[u8],
        manifest: &Manifest,
        output: &Path,
        progress: Progress<'_>,
        stop: &AtomicBool,
    ) -> Result<Arc<Content>, BeginFetchError> {
        let request = FetchRequest { content, output, progress, stop };
        begin_fetch::begin_fetch(self, request, manifest_bytes, manifest)
    }

    /// Bytes that a fetch of `content` to `output` still has to write: its size, less what a partial file of an
    /// earlier run takes on the disk already.
    pub fn still_needed(
        &self,
        content: &ContentId,
        manifest: &Manifest,
        output: &Path,
    ) -> ByteCount {
        let there = Destination::new(output, content)
            .map_or(0, |destination| crate::part::allocated(&destination, manifest));
        ByteCount(manifest.total().0.saturating_sub(there))
    }

    /// Waits until another fetch of `content` may have let go of it: it has ended or is withdrawn; at most for
    /// `at_most`. After [`BeginFetchError::AlreadyFetching`] this says when another try makes sense.
    pub fn wait_let_go(&self, content: &ContentId, at_most: Duration) {
        self.registry.wait_let_go(content, at_most);
    }

    /// From now on fetches stop writing when less than this would be free on the data directory's file system
    /// ([`crate::StoreChunkError::TooLittleFree`], [`BeginFetchError::NotEnoughSpace`]); zero keeps nothing free.
    /// Fetches to other file systems do not care.
    pub fn keep_free(&self, bytes: ByteCount) {
        self.reserve.set(bytes);
    }

    /// Serves again what an earlier run had in place, when nothing about its files changed. Reads no data.
    ///
    /// # Errors
    /// When there is no such record, it was not finished, or its files changed.
    pub fn reopen(
        &self,
        content: ContentId,
        manifest_bytes: Vec<u8>,
        manifest: Manifest,
    ) -> Result<Arc<Content>, ReopenError> {
        reopen::reopen(self, content, manifest_bytes, manifest)
    }

    /// What earlier runs of this data directory knew, and this one: for a node that starts again.
    pub fn records(&self) -> Vec<Record> {
        record::all_records(&self.data.contents())
    }

    /// The content, when it is served or fetched now.
    pub fn get(&self, content: &ContentId) -> Option<Arc<Content>> {
        self.registry.get(content)
    }

    /// All contents that are served or fetched now.
    pub fn contents(&self) -> Vec<Arc<Content>> {
        self.registry.contents()
    }

    /// The manifest's bytes, from this run or an earlier one; their BLAKE3 is the id.
    pub fn known_manifest(&self, content: &ContentId) -> Option<Vec<u8>> {
        match self.get(content) {
            Some(content) => Some(content.manifest_bytes().to_vec()),
            None => self.record_dir(*content).manifest_bytes(),
        }
    }

    /// Serves and accepts nothing of `content` any more. The record of a finished content is dropped, that
    /// of an unfinished one kept together with its partial file, so that a later fetch resumes. Files of
    /// the user are never touched.
    pub fn forget(&self, content: &ContentId) {
        let known = self.registry.take(content);
        if let Some(known) = &known {
            known.withdraw();
        }
        let record = self.record_dir(*content);
        if record.load().is_none_or(|meta| meta.stamps.is_some()) {
            record.remove();
        }
    }

    /// Where contents lie that nobody gave another place. Everything below it is this store's to remove.
    pub fn files(&self) -> std::path::PathBuf {
        self.data.path().join("files")
    }

    /// Free space on the data directory's file system; `None` when the system does not tell.
    pub fn free_space(&self) -> Option<ByteCount> {
        crate::part::free_space(self.data.path())
    }

    /// Removes a file or tree of [`Store::files`]; false when it lies elsewhere or is not there.
    ///
    /// # Errors
    /// When the system refuses; what is left is left.
    pub fn remove_files(&self, path: &Path) -> io::Result<bool> {
        crate::remove::remove_below(&self.files(), path)
    }

    /// Like [`Store::forget`], and removes the partial file of an unfinished fetch.
    pub fn discard(&self, content: &ContentId) {
        let record = self.record_dir(*content);
        let unfinished = record.load().filter(|meta| meta.stamps.is_none());
        if let Some(known) = self.registry.take(content) {
            known.withdraw();
        }
        // Also of a fetch that was cancelled before, perhaps by an earlier process.
        if let Some(meta) = unfinished
            && let Ok(destination) = Destination::new(&meta.output(), content)
        {
            crate::part::remove(&destination);
        }
        record.remove();
    }

    /// A small file of another component, by name; `None` when there is none or it cannot be read.
    pub fn read_state(&self, name: &str) -> Option<Vec<u8>> {
        self.data.read_state(name)
    }

    /// Replaces a small file of another component, atomically and durably, readable by the owner alone.
    ///
    /// # Errors
    /// When the name has other characters than letters, digits, `.`, `_`, `-`, or the disk refuses; the
    /// old file is then still there.
    pub fn write_state(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.data.write_state(name, bytes)
    }

    pub(crate) fn record_dir(&self, content: ContentId) -> RecordDir {
        RecordDir::new(&self.data.contents(), content)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("dir", &self.data.path()).finish_non_exhaustive()
    }
}
