//! One content on this machine: complete, or being fetched.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use samara_model::{ByteCount, ChunkIndex, ChunkSet, ContentId, Manifest};

use crate::chunk_map::ChunkMap;
use crate::destination::Layout;
use crate::file_source::{Expect, FileSource};
use crate::have::Have;
use crate::part::Part;
use crate::record::RecordDir;
use crate::reserve::Room;
use crate::source::{ChunkSource, FileRange, ReadChunkError};
use crate::stamp::FileStamp;

/// One content here. Cheap to share; all methods may be called from many threads at once.
pub struct Content {
    pub(crate) id: ContentId,
    pub(crate) map: Arc<ChunkMap>,
    pub(crate) have: Have,
    /// None for a second copy of a content that this store serves from another place already.
    pub(crate) record: Option<RecordDir>,
    manifest_bytes: Arc<[u8]>,
    output: PathBuf,
    origin: bool,
    withdrawn: AtomicBool,
    finished: AtomicBool,
    /// What may still be written; nothing is in place.
    pub(crate) room: Option<Room>,
    /// Read-locked while a chunk is written, write-locked while the files move.
    place: RwLock<Place>,
    /// Read-locked while a chunk is read, so that no reader looks at a path while it is renamed.
    source: RwLock<Arc<dyn ChunkSource>>,
}

/// Where the bytes lie.
pub(crate) enum Place {
    /// Beside the destination.
    Part(Part),
    /// At the source or destination.
    Final,
    /// Withdrawn before it was complete; what was written stays, for another try.
    Abandoned,
}

/// What every [`Content`] starts from.
pub(crate) struct Identity {
    pub id: ContentId,
    pub map: Arc<ChunkMap>,
    pub manifest_bytes: Arc<[u8]>,
    pub output: PathBuf,
    pub record: Option<RecordDir>,
}

impl Content {
    /// A content whose files are at their final place.
    pub(crate) fn in_place(identity: Identity, origin: bool, stamps: Vec<FileStamp>) -> Self {
        let layout = Layout::new(identity.output.clone(), &identity.map.manifest);
        let map = identity.map.clone();
        let source = FileSource::new(identity.id, map, layout, stamps, Expect::Unchanged);
        let have = ChunkSet::full(identity.map.chunk_count());
        Content::new(identity, origin, &have, Place::Final, Arc::new(source), None)
    }

    /// A content that is being fetched, with the chunks that are here already.
    pub(crate) fn in_part(identity: Identity, have: &ChunkSet, part: Part, room: Room) -> Self {
        let source = part.source.clone();
        Content::new(identity, false, have, Place::Part(part), source, Some(room))
    }

    fn new(
        identity: Identity,
        origin: bool,
        have: &ChunkSet,
        place: Place,
        source: Arc<dyn ChunkSource>,
        room: Option<Room>,
    ) -> Self {
        let Identity { id, map, manifest_bytes, output, record } = identity;
        Content {
            id,
            map,
            have: Have::new(have),
            record,
            manifest_bytes,
            output,
            origin,
            withdrawn: AtomicBool::new(false),
            finished: AtomicBool::new(matches!(place, Place::Final)),
            room,
            place: RwLock::new(place),
            source: RwLock::new(source),
        }
    }

    /// The content's id.
    pub fn id(&self) -> ContentId {
        self.id
    }

    /// What it consists of.
    pub fn manifest(&self) -> &Manifest {
        &self.map.manifest
    }

    /// The manifest's bytes as they were published; their BLAKE3 digest is the id.
    pub fn manifest_bytes(&self) -> &Arc<[u8]> {
        &self.manifest_bytes
    }

    /// The source, or the destination also before anything is there: the file itself for a single file,
    /// otherwise the directory above all entries. Absolute.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// Sum of all file sizes.
    pub fn total(&self) -> ByteCount {
        ByteCount(self.map.total())
    }

    /// Bytes of `chunk`; zero when there is no such chunk. Unlike [`Manifest::chunk_len`] this does not
    /// add up all files.
    pub fn chunk_len(&self, chunk: ChunkIndex) -> u32 {
        self.map.chunk_len(chunk)
    }

    /// Whether no chunk is missing. The files may still lie beside the destination: see
    /// [`Content::is_finished`].
    pub fn is_complete(&self) -> bool {
        self.have.missing() == 0
    }

    /// Chunks that are not here. Takes no lock.
    pub fn missing(&self) -> u32 {
        self.have.missing()
    }

    /// Whether the files are at their final place.
    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// Whether it was published here, not fetched.
    pub fn is_origin(&self) -> bool {
        self.origin
    }

    /// Whether [`Content::withdraw`] was called.
    pub fn is_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::Acquire)
    }

    /// The chunks that are here now.
    pub fn have(&self) -> ChunkSet {
        self.have.snapshot()
    }

    /// Whether `chunk` is here. Takes no lock.
    pub fn has(&self, chunk: ChunkIndex) -> bool {
        self.have.contains(chunk)
    }

    /// Space that may be written where the content is written, less what shall stay free; `None` when the system
    /// does not tell. After [`crate::StoreChunkError::DiskFull`] and
    /// [`crate::StoreChunkError::TooLittleFree`] this says when another try makes sense.
    pub fn free_space(&self) -> Option<ByteCount> {
        let free = crate::part::free_space(self.output.parent()?)?;
        let reserve = self.room.as_ref().map_or(ByteCount(0), Room::reserve);
        Some(ByteCount(free.0.saturating_sub(reserve.0)))
    }

    /// A chunk as ranges of open files, for `sendfile`. The files are compared with their stamps first:
    /// each time by what is open, and at most every 200 ms by path.
    ///
    /// # Errors
    /// When the chunk is not here, not as it was verified any more, or unreadable.
    pub fn chunk_ranges(&self, chunk: ChunkIndex) -> Result<Vec<FileRange>, ReadChunkError> {
        self.check_readable(chunk)?;
        self.source().chunk_ranges(chunk)
    }

    /// A chunk's bytes, which replace what `into` held.
    ///
    /// # Errors
    /// When the chunk is not here, not as it was verified any more, or unreadable.
    pub fn read_chunk(&self, chunk: ChunkIndex, into: &mut Vec<u8>) -> Result<(), ReadChunkError> {
        self.check_readable(chunk)?;
        self.source().read_chunk(chunk, into)
    }

    /// Reads and hashes a chunk: whether it is what the manifest says. For the case that a receiver
    /// complains.
    ///
    /// # Errors
    /// When the chunk is not here, not as it was verified any more, or unreadable.
    pub fn verify_chunk(&self, chunk: ChunkIndex) -> Result<bool, ReadChunkError> {
        let mut bytes = Vec::new();
        self.read_chunk(chunk, &mut bytes)?;
        Ok(Some(*blake3::hash(&bytes).as_bytes()) == self.map.manifest.chunk_hash(chunk))
    }

    /// Looks at every file, for a check from time to time; reads no data.
    ///
    /// # Errors
    /// Names the first file that is no longer what was verified.
    pub fn check_unchanged(&self) -> Result<(), ReadChunkError> {
        self.source().check_unchanged()
    }

    /// Serves and accepts nothing from now on. What is on disk stays: the user's files, and the partial
    /// file, from which a later fetch resumes; but a finished content is hashed before it is trusted
    /// again. Waits for chunks being written and for a running [`Content::finish`].
    pub fn withdraw(&self) {
        if self.withdrawn.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut place = self.place_mut();
        match (&*place, &self.record) {
            (Place::Part(_), _) => *place = Place::Abandoned,
            (Place::Final, Some(record)) => record.remove(),
            (Place::Final, None) | (Place::Abandoned, _) => {}
        }
    }

    pub(crate) fn note_finished(&self) {
        self.finished.store(true, Ordering::Release);
    }

    fn check_readable(&self, chunk: ChunkIndex) -> Result<(), ReadChunkError> {
        let (content, chunks) = (self.id, self.map.chunk_count());
        if chunk >= chunks {
            return Err(ReadChunkError::NoSuchChunk { content, chunk, chunks });
        }
        if self.is_withdrawn() {
            return Err(ReadChunkError::Withdrawn { content });
        }
        if !self.has(chunk) {
            return Err(ReadChunkError::NotHere { content, chunk });
        }
        Ok(())
    }

    fn source(&self) -> RwLockReadGuard<'_, Arc<dyn ChunkSource>> {
        self.source.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn source_mut(&self) -> RwLockWriteGuard<'_, Arc<dyn ChunkSource>> {
        self.source.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn place(&self) -> RwLockReadGuard<'_, Place> {
        self.place.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn place_mut(&self) -> RwLockWriteGuard<'_, Place> {
        self.place.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("id", &self.id)
            .field("output", &self.output)
            .field("missing", &self.have.missing())
            .finish_non_exhaustive()
    }
}
