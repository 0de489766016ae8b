//! The file that a demo distributes: random, so that nothing can be compressed or found twice.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use samara_model::ByteCount;

use crate::exit::Failure;
use crate::output::Output;
use crate::signals::Stop;
use crate::units;

const BLOCK: usize = 1 << 20;

/// Writes `size` random bytes and returns their BLAKE3 digest.
///
/// # Errors
/// When the file cannot be written, or when asked to stop.
pub fn write(
    path: &Path,
    size: ByteCount,
    output: &Output,
    stop: &Stop,
) -> Result<blake3::Hash, Failure> {
    let failed = |why: std::io::Error| {
        Failure::because(format!("could not write the source {}", path.display()), &why)
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = File::create_new(path).map_err(failed)?;
    let mut random = Random::new();
    let mut hasher = blake3::Hasher::new();
    let mut meter = output.meter();
    let mut block = vec![0u8; BLOCK];
    let mut done = 0;
    while done < size.0 {
        if stop.is_set() {
            return Err(super::swarm::interrupted());
        }
        let block = &mut block[..(size.0 - done).min(BLOCK as u64) as usize];
        random.fill(block);
        hasher.update(block);
        file.write_all(block).map_err(failed)?;
        done += block.len() as u64;
        meter.show(done, size.0, || {
            format!("making a random file  {} % of {size}", units::per_cent(done, size.0))
        });
    }
    meter.clear();
    Ok(hasher.finalize())
}

/// SplitMix64 (Steele, Lea, Flood 2014): gigabytes per second, and good enough to defeat compression.
struct Random(u64);

impl Random {
    #[expect(clippy::disallowed_methods, reason = "any number does for a random seed")]
    fn new() -> Random {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH);
        let clock = clock.map_or(0, |since| since.as_nanos() as u64);
        Random(clock ^ u64::from(std::process::id()).rotate_left(32))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for word in bytes.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            word.copy_from_slice(&random[..word.len()]);
        }
    }
}
