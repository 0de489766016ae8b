//! Verification of a demo: every copy is read again and compared with the source, on all cores.

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use samara_model::ByteCount;

use super::race::Race;
use super::workplace::Workplace;
use crate::exit::Failure;
use crate::output::Output;
use crate::signals::Stop;
use crate::units;

/// Copies to verify, and how many bytes they have in all.
pub struct Copies {
    files: Vec<PathBuf>,
    total: ByteCount,
}

/// The copies of the peers that say they have finished.
pub fn copies(race: &Race, workplace: &Workplace, size: ByteCount) -> Copies {
    let runners = race.runners.iter().enumerate();
    let finished = runners.filter(|(_, runner)| runner.complete.is_some());
    let files: Vec<_> = finished.map(|(peer, _)| workplace.copy(peer)).collect();
    let total = ByteCount(size.0.saturating_mul(files.len() as u64));
    Copies { files, total }
}

/// How many copies have the digest of the source.
///
/// # Errors
/// When asked to stop.
pub fn count_equal(
    copies: &Copies,
    digest: &blake3::Hash,
    output: &Output,
    stop: &Stop,
) -> Result<usize, Failure> {
    let (next, equal, read) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU64::new(0));
    let meter = Mutex::new(output.meter());
    let advance = |bytes: u64| {
        let done = read.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Ok(mut meter) = meter.try_lock() {
            meter.show(done, copies.total.0, || {
                format!("verifying every copy  {} %", units::per_cent(done, copies.total.0))
            });
        }
        !stop.is_set()
    };
    let work = || {
        while let Some(file) = copies.files.get(next.fetch_add(1, Ordering::Relaxed)) {
            if hash(file, &advance).is_ok_and(|found| found == *digest) {
                equal.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        (0..threads.min(copies.files.len())).for_each(|_| drop(scope.spawn(work)));
    });
    if let Ok(meter) = meter.lock() {
        meter.clear();
    }
    if stop.is_set() { Err(super::swarm::interrupted()) } else { Ok(equal.into_inner()) }
}

fn hash(path: &Path, advance: &impl Fn(u64) -> bool) -> io::Result<blake3::Hash> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0u8; 1 << 20];
    loop {
        let count = file.read(&mut block)?;
        if count == 0 {
            return Ok(hasher.finalize());
        }
        hasher.update(&block[..count]);
        if !advance(count as u64) {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
}
