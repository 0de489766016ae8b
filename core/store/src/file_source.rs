//! A content in local files: the [`ChunkSource`] of everything that exists today, and where a fetch
//! writes.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use samara_model::{ChunkIndex, ContentId, FileKind};

use crate::chunk_map::ChunkMap;
use crate::destination::Layout;
use crate::open_files::{OpenFile, OpenFiles};
use crate::source::{ChunkSource, FileRange, ReadChunkError};
use crate::stamp::FileStamp;

/// How long a path is trusted to lead to the file that is open. The open file itself is looked at for
/// each chunk.
const PATH_CHECK_EVERY: Duration = Duration::from_millis(200);

/// What the files are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// The exact stamp: nobody may write.
    Unchanged,
    /// The same file of the same size: we are writing into it.
    SameFile,
}

/// The files of one content below one root.
#[derive(Debug)]
pub(crate) struct FileSource {
    content: ContentId,
    map: Arc<ChunkMap>,
    layout: Layout,
    /// One for each entry of the manifest.
    stamps: Vec<FileStamp>,
    expect: Expect,
    open: OpenFiles,
}

impl FileSource {
    pub fn new(
        content: ContentId,
        map: Arc<ChunkMap>,
        layout: Layout,
        stamps: Vec<FileStamp>,
        expect: Expect,
    ) -> Self {
        FileSource { content, map, layout, stamps, expect, open: OpenFiles::default() }
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The open file `index`, after making sure that it is still the expected one.
    pub fn file(&self, index: usize) -> Result<Arc<File>, ReadChunkError> {
        let open = self.opened(index)?;
        let now = open.file.metadata().map_err(|source| self.io(index, source))?;
        self.check(index, &now)?;
        if open.path_check_is_due(PATH_CHECK_EVERY) {
            self.check_path(index)?;
        }
        Ok(open.file.clone())
    }

    pub fn path(&self, index: usize) -> PathBuf {
        self.layout.path_of(&self.map.manifest.files[index])
    }

    fn opened(&self, index: usize) -> Result<Arc<OpenFile>, ReadChunkError> {
        if let Some(open) = self.open.find(index) {
            return Ok(open);
        }
        let file = OpenOptions::new()
            .read(true)
            .write(self.expect == Expect::SameFile)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
            .open(self.path(index))
            .map_err(|source| self.missing_or_io(index, source))?;
        Ok(self.open.keep(index, file))
    }

    fn check_path(&self, index: usize) -> Result<(), ReadChunkError> {
        let now = fs::symlink_metadata(self.path(index))
            .map_err(|source| self.missing_or_io(index, source))?;
        self.check(index, &now)
    }

    fn check(&self, index: usize, now: &Metadata) -> Result<(), ReadChunkError> {
        let (now, links) = (FileStamp::of(now), now.nlink());
        let same = match self.expect {
            Expect::Unchanged => now == self.stamps[index],
            Expect::SameFile => now.same_file(&self.stamps[index]),
        };
        if same && links > 0 { Ok(()) } else { Err(self.changed(index)) }
    }

    fn missing_or_io(&self, index: usize, source: io::Error) -> ReadChunkError {
        // ELOOP: a link lies where the file was. ENOTDIR: a file lies where a directory was.
        let loops = rustix::io::Errno::LOOP.raw_os_error();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => self.changed(index),
            _ if source.raw_os_error() == Some(loops) => self.changed(index),
            _ => self.io(index, source),
        }
    }

    fn changed(&self, index: usize) -> ReadChunkError {
        ReadChunkError::SourceChanged { content: self.content, path: self.path(index) }
    }

    fn io(&self, index: usize, source: io::Error) -> ReadChunkError {
        ReadChunkError::Io { content: self.content, path: self.path(index), source }
    }
}

impl ChunkSource for FileSource {
    fn chunk_ranges(&self, chunk: ChunkIndex) -> Result<Vec<FileRange>, ReadChunkError> {
        let extents = self.map.extents(chunk).into_iter();
        extents
            .map(|at| Ok(FileRange { file: self.file(at.file)?, offset: at.offset, len: at.len }))
            .collect()
    }

    fn read_chunk(&self, chunk: ChunkIndex, into: &mut Vec<u8>) -> Result<(), ReadChunkError> {
        into.clear();
        into.resize(self.map.chunk_len(chunk) as usize, 0);
        let mut rest = into.as_mut_slice();
        for at in self.map.extents(chunk) {
            let (here, after) = rest.split_at_mut(at.len as usize);
            rest = after;
            let file = self.file(at.file)?;
            file.read_exact_at(here, at.offset).map_err(|source| match source.kind() {
                io::ErrorKind::UnexpectedEof => self.changed(at.file),
                _ => self.io(at.file, source),
            })?;
            // An edit while it was read: what was read may be half old and half new.
            let now = file.metadata().map_err(|source| self.io(at.file, source))?;
            self.check(at.file, &now)?;
        }
        Ok(())
    }

    fn check_unchanged(&self) -> Result<(), ReadChunkError> {
        let files = self.map.manifest.files.iter().enumerate();
        let mut regular = files.filter(|(_, entry)| matches!(entry.kind, FileKind::Regular { .. }));
        regular.try_for_each(|(index, _)| self.check_path(index))
    }
}
