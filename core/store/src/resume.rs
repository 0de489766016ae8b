//! Chunks that need not be fetched: left by an earlier run, or lying in another content of this store.
//! Wherever they come from, they count only after hashing.

use std::fs::OpenOptions;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use samara_model::ChunkSet;

use crate::begin_fetch::{BeginFetchError, FetchRequest};
use crate::chunk_map::ChunkMap;
use crate::content::Content;
use crate::copy_known::CopyPlan;
use crate::hashing::{HashFailure, Hashing, Meter};
use crate::part::Part;

/// The chunks of `part` that are right, after copying what `others` have. `bitmap` is what an earlier run
/// says it has verified; without one, whatever bytes are there are tried.
pub(crate) fn gather(
    request: &FetchRequest<'_>,
    map: &ChunkMap,
    part: &Part,
    bitmap: Option<&ChunkSet>,
    others: &[Arc<Content>],
) -> Result<ChunkSet, BeginFetchError> {
    let content = request.content;
    let mut candidates = left_over(map, part, bitmap);
    let plan = CopyPlan::new(map, &candidates, others);
    let bytes =
        |set: &ChunkSet| set.iter().map(|chunk| u64::from(map.chunk_len(chunk))).sum::<u64>();
    let total = bytes(&candidates) + 2 * plan.bytes();
    if total == 0 {
        return Ok(ChunkSet::empty(map.chunk_count()));
    }
    let meter = Meter::new(total, request.progress);
    plan.run(map, part, &meter, request.stop, &mut candidates)
        .map_err(|_| BeginFetchError::Stopped { content })?;
    let right = Mutex::new(ChunkSet::empty(map.chunk_count()));
    let open = |index: usize| open_to_read(part, index);
    let job = Hashing { map, open: &open, meter: &meter, stop: request.stop };
    let hashed = job.run(&candidates, &|chunk, digest| {
        if map.manifest.chunk_hash(chunk) == Some(digest) {
            right.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(chunk);
        }
        ControlFlow::Continue(())
    });
    hashed.map_err(|failure| match failure {
        HashFailure::Stopped => BeginFetchError::Stopped { content },
        HashFailure::File(index, source) => {
            BeginFetchError::Io { content, path: part.source.path(index), source }
        }
    })?;
    let right = right.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let (kept, tried) = (right.count(), candidates.count());
    tracing::info!(%content, kept, tried, "found chunks that need not be fetched");
    Ok(right)
}

/// Chunks that may have been written by an earlier run.
fn left_over(map: &ChunkMap, part: &Part, bitmap: Option<&ChunkSet>) -> ChunkSet {
    let mut set = ChunkSet::empty(map.chunk_count());
    if !part.had_data.contains(&true) {
        return set;
    }
    for chunk in 0..map.chunk_count() {
        if bitmap.is_none_or(|bitmap| bitmap.contains(chunk))
            && map.extents(chunk).iter().all(|extent| part.had_data[extent.file])
        {
            set.insert(chunk);
        }
    }
    set
}

/// A descriptor of one's own, so that each hashing thread has its own read-ahead.
fn open_to_read(part: &Part, index: usize) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
    OpenOptions::new().read(true).custom_flags(flags).open(part.source.path(index))
}
