//! The file that is distributed, and the proof that each peer got it.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
};

use crate::{
    failure::{Doing, Result},
    interrupt,
};

const BLOCK: usize = 1 << 20;

/// Writes `size` bytes that no program can compress or guess; the same bytes each time.
pub fn write_payload(path: &Path, size: u64) -> Result<()> {
    let doing = || format!("writing {size} bytes to {}", path.display());
    let mut file = BufWriter::with_capacity(BLOCK, File::create(path).doing(doing)?);
    // xorshift64*, Vigna 2016: fast, and random enough for this.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut left = size;
    while left > 0 {
        if (size - left).is_multiple_of(BLOCK as u64) {
            interrupt::check()?;
        }
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bytes = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
        let count = left.min(8);
        file.write_all(&bytes[..count as usize]).doing(doing)?;
        left -= count;
    }
    file.flush().doing(doing)
}

/// Makes the system hold `size` bytes of memory ready, by using and freeing them in `folder`.
///
/// A virtual machine may have given free memory back to its host; the first program to touch it would
/// pay for getting it again, which was seen to make a copy of 2 GiB four times as slow.
pub fn warm_memory(folder: &Path, size: u64) -> Result<()> {
    let path = folder.join("warm");
    let doing = || format!("writing {size} bytes to {}", path.display());
    let mut file = File::create(&path).doing(doing)?;
    let block = vec![0; BLOCK];
    for _ in 0..size.div_ceil(BLOCK as u64) {
        interrupt::check()?;
        file.write_all(&block).doing(doing)?;
    }
    std::fs::remove_file(&path).doing(|| format!("removing {}", path.display()))
}

/// Whether two files hold the same bytes; compared byte by byte, which is stronger than any hash.
pub fn same_bytes(left: &Path, right: &Path) -> std::io::Result<bool> {
    if left.metadata()?.len() != right.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (reader(left)?, reader(right)?);
    let (mut ours, mut theirs) = (vec![0; BLOCK], vec![0; BLOCK]);
    loop {
        let count = left.read(&mut ours)?;
        if count == 0 {
            return Ok(true);
        }
        right.read_exact(&mut theirs[..count])?;
        if ours[..count] != theirs[..count] {
            return Ok(false);
        }
    }
}

fn reader(path: &Path) -> std::io::Result<BufReader<File>> {
    File::open(path).map(|file| BufReader::with_capacity(BLOCK, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_byte_or_a_cut_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        for path in [&a, &b] {
            write_payload(path, 3_000_001).unwrap();
        }
        assert!(same_bytes(&a, &b).unwrap());
        let mut bytes = std::fs::read(&b).unwrap();
        bytes[2_999_999] ^= 1;
        std::fs::write(&b, &bytes).unwrap();
        assert!(!same_bytes(&a, &b).unwrap());
        std::fs::write(&b, &bytes[..100]).unwrap();
        assert!(!same_bytes(&a, &b).unwrap());
        assert!(same_bytes(&a, &folder.path().join("missing")).is_err());
    }
}
