//! Hashing many chunks on all cores.
//!
//! Workers take runs of chunks in order, so that the disk sees nearly sequential reads, and read in
//! pieces that stay in the processor's cache; memory is one such piece per core, whatever the chunk size.

use std::fs::File;
use std::io;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use samara_model::{ChunkHash, ChunkIndex, ChunkSet};

use crate::Progress;
use crate::chunk_map::ChunkMap;

/// Bytes that a worker takes at a time.
const RUN: u32 = 1 << 20;
/// Bytes of one read: large enough for the disk, small enough for a core's second-level cache.
const PIECE: usize = 256 << 10;

/// Adds up what several threads have done.
pub(crate) struct Meter<'a> {
    done: Mutex<u64>,
    total: u64,
    progress: Progress<'a>,
}

impl<'a> Meter<'a> {
    pub fn new(total: u64, progress: Progress<'a>) -> Self {
        progress(0, total);
        Meter { done: Mutex::new(0), total, progress }
    }

    pub fn add(&self, bytes: u64) {
        let mut done = self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *done += bytes;
        (self.progress)(*done, self.total);
    }
}

/// Opens the file of an entry of the manifest.
pub(crate) type OpenFile<'a> = &'a (dyn Fn(usize) -> io::Result<File> + Sync);
/// Told each digest, in no particular order; may end the run.
pub(crate) type OnDigest<'a> = &'a (dyn Fn(ChunkIndex, ChunkHash) -> ControlFlow<()> + Sync);

/// Why hashing ended early.
#[derive(Debug)]
pub(crate) enum HashFailure {
    Stopped,
    /// The file of this entry could not be read; `UnexpectedEof` when it is too short.
    File(usize, io::Error),
}

/// What to hash.
pub(crate) struct Hashing<'a> {
    pub map: &'a ChunkMap,
    pub open: OpenFile<'a>,
    pub meter: &'a Meter<'a>,
    pub stop: &'a AtomicBool,
}

impl Hashing<'_> {
    /// Hashes the chunks in `wanted`; without an error, `each` was told all of them or ended the run.
    pub fn run(&self, wanted: &ChunkSet, each: OnDigest<'_>) -> Result<(), HashFailure> {
        let run = u64::from((RUN / self.map.manifest.chunk_size()).max(1));
        let runs = u64::from(wanted.universe()).div_ceil(run);
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
        let next = AtomicU64::new(0);
        let end = Mutex::new(None);
        let work = || {
            let mut reader = Reader::new(self);
            while end.lock().is_ok_and(|end| end.is_none()) {
                let first = next.fetch_add(1, Ordering::Relaxed).saturating_mul(run);
                if first >= u64::from(wanted.universe()) {
                    return;
                }
                let last = (first + run).min(u64::from(wanted.universe()));
                if let Err(why) = reader.hash_run(first as u32..last as u32, wanted, each) {
                    end.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(why);
                }
            }
        };
        std::thread::scope(|scope| {
            // This thread is one of the workers.
            for _ in 1..cores.min(runs) {
                scope.spawn(work);
            }
            work();
        });
        match end.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            Some(End::Failed(failure)) => Err(failure),
            Some(End::Enough) | None => Ok(()),
        }
    }
}

enum End {
    Enough,
    Failed(HashFailure),
}

/// One worker: the file it read last, and a piece of it.
struct Reader<'a> {
    job: &'a Hashing<'a>,
    file: Option<(usize, File)>,
    piece: Vec<u8>,
    piece_start: u64,
    piece_len: usize,
}

impl<'a> Reader<'a> {
    fn new(job: &'a Hashing<'a>) -> Self {
        Reader { job, file: None, piece: Vec::new(), piece_start: 0, piece_len: 0 }
    }

    fn hash_run(
        &mut self,
        run: std::ops::Range<ChunkIndex>,
        wanted: &ChunkSet,
        each: OnDigest<'_>,
    ) -> Result<(), End> {
        let mut hashed = 0;
        for chunk in run.filter(|chunk| wanted.contains(*chunk)) {
            if self.job.stop.load(Ordering::Relaxed) {
                return Err(End::Failed(HashFailure::Stopped));
            }
            let digest = self.hash_chunk(chunk).map_err(End::Failed)?;
            if each(chunk, digest).is_break() {
                return Err(End::Enough);
            }
            hashed += u64::from(self.job.map.chunk_len(chunk));
        }
        if hashed > 0 {
            self.job.meter.add(hashed);
        }
        Ok(())
    }

    fn hash_chunk(&mut self, chunk: ChunkIndex) -> Result<ChunkHash, HashFailure> {
        let mut hasher = blake3::Hasher::new();
        for extent in self.job.map.extents(chunk) {
            let (mut at, mut left) = (extent.offset, extent.len as usize);
            while left > 0 {
                let bytes = self
                    .bytes_at(extent.file, at)
                    .map_err(|error| HashFailure::File(extent.file, error))?;
                let here = bytes.len().min(left);
                hasher.update(&bytes[..here]);
                at += here as u64;
                left -= here;
            }
        }
        Ok(*hasher.finalize().as_bytes())
    }

    /// At least one byte of the file from `at` on, read now or before.
    fn bytes_at(&mut self, index: usize, at: u64) -> io::Result<&[u8]> {
        if self.file.as_ref().is_none_or(|(open, _)| *open != index) {
            let file = (self.job.open)(index)?;
            // Only advice: the kernel reads further ahead.
            let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
            self.file = Some((index, file));
            self.piece_len = 0;
        }
        if !(self.piece_start..self.piece_start + self.piece_len as u64).contains(&at) {
            self.fill(at)?;
        }
        Ok(&self.piece[(at - self.piece_start) as usize..self.piece_len])
    }

    fn fill(&mut self, at: u64) -> io::Result<()> {
        self.piece.resize(PIECE, 0);
        self.piece_len = 0;
        let Some((_, file)) = &self.file else { return Err(io::ErrorKind::NotFound.into()) };
        let read = loop {
            match file.read_at(&mut self.piece, at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (self.piece_start, self.piece_len) = (at, read);
        Ok(())
    }
}
