//! Copying chunks that another complete content of this store has, by the kernel, which shares the blocks
//! where the file system can.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;
use samara_model::{ChunkIndex, ChunkSet};

use crate::chunk_map::ChunkMap;
use crate::content::Content;
use crate::hashing::Meter;
use crate::part::Part;

/// Bytes of one step where the kernel cannot copy by itself.
const STEP: usize = 256 << 10;

/// The caller raised the stop flag.
pub(crate) struct Stopped;

/// Which chunks come from which content.
pub(crate) struct CopyPlan<'a> {
    steps: Vec<Step<'a>>,
    bytes: u64,
}

struct Step<'a> {
    from: &'a Content,
    there: ChunkIndex,
    here: ChunkIndex,
}

impl<'a> CopyPlan<'a> {
    /// Looks for everything that `map` needs and `present` lacks.
    pub fn new(map: &ChunkMap, present: &ChunkSet, others: &'a [Arc<Content>]) -> Self {
        let mut plan = CopyPlan { steps: Vec::new(), bytes: 0 };
        let usable = |other: &&Arc<Content>| other.is_finished() && !other.is_withdrawn();
        let others: Vec<_> = others.iter().filter(usable).collect();
        if others.is_empty() {
            return plan;
        }
        let hash = |chunk: &ChunkIndex| map.manifest.chunk_hash(*chunk);
        let mut wanted: Vec<ChunkIndex> = present.iter_missing().collect();
        wanted.sort_unstable_by_key(hash);
        let mut found = HashSet::new();
        for from in others {
            for there in 0..from.map.chunk_count() {
                let known = from.map.manifest.chunk_hash(there);
                let start = wanted.partition_point(|chunk| hash(chunk) < known);
                let same = wanted[start..].iter().take_while(|chunk| hash(chunk) == known);
                for here in same.copied() {
                    // Equal hashes mean equal lengths, unless somebody made up the manifest.
                    if from.chunk_len(there) == map.chunk_len(here) && found.insert(here) {
                        plan.bytes += u64::from(map.chunk_len(here));
                        plan.steps.push(Step { from, there, here });
                    }
                }
            }
        }
        plan
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Copies, and adds to `copied` what could be copied; the rest has to be fetched.
    pub fn run(
        &self,
        map: &ChunkMap,
        part: &Part,
        meter: &Meter<'_>,
        stop: &AtomicBool,
        copied: &mut ChunkSet,
    ) -> Result<(), Stopped> {
        for step in &self.steps {
            if stop.load(Ordering::Relaxed) {
                return Err(Stopped);
            }
            match step.copy(map, part) {
                Ok(()) => {
                    copied.insert(step.here);
                }
                Err(error) => tracing::debug!(from = ?step.from, step.there, %error, "not copied"),
            }
            meter.add(u64::from(map.chunk_len(step.here)));
        }
        Ok(())
    }
}

impl Step<'_> {
    fn copy(&self, map: &ChunkMap, part: &Part) -> io::Result<()> {
        let mut sources = self.from.chunk_ranges(self.there).map_err(io::Error::other)?.into_iter();
        let mut source = sources.next();
        for extent in map.extents(self.here) {
            let file = part.source.file(extent.file).map_err(io::Error::other)?;
            let (mut at, mut left) = (extent.offset, extent.len);
            while left > 0 {
                let Some(range) = &mut source else {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                };
                let here = left.min(range.len);
                copy_range(&range.file, range.offset, &file, at, here as usize)?;
                (at, left) = (at + u64::from(here), left - here);
                (range.offset, range.len) = (range.offset + u64::from(here), range.len - here);
                if range.len == 0 {
                    source = sources.next();
                }
            }
        }
        Ok(())
    }
}

fn copy_range(
    from: &File,
    mut at: u64,
    to: &File,
    mut to_at: u64,
    mut left: usize,
) -> io::Result<()> {
    while left > 0 {
        // Moves both offsets by what was copied.
        match rustix::fs::copy_file_range(from, Some(&mut at), to, Some(&mut to_at), left) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(copied) => left -= copied,
            Err(Errno::INTR) => {}
            Err(Errno::NOSPC | Errno::DQUOT) => return Err(io::ErrorKind::StorageFull.into()),
            Err(_) => return copy_by_hand(from, at, to, to_at, left),
        }
    }
    Ok(())
}

/// For file systems between which the kernel does not copy.
fn copy_by_hand(from: &File, at: u64, to: &File, to_at: u64, len: usize) -> io::Result<()> {
    let mut buffer = vec![0; STEP.min(len)];
    let mut done = 0;
    while done < len {
        let here = buffer.len().min(len - done);
        from.read_exact_at(&mut buffer[..here], at + done as u64)?;
        to.write_all_at(&buffer[..here], to_at + done as u64)?;
        done += here;
    }
    Ok(())
}
