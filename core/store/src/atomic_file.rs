//! Small files that are either the old or the new one, whenever the process or the machine dies.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Replaces `path` by a file of `bytes` that only the owner may read.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let serial = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{serial}.tmp", std::process::id()));
    let written = write_synced(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // What is left over is only garbage; the error that counts is the first.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Makes the names in `dir` survive a power failure.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The file's bytes, unless it is missing, longer than `limit`, or unreadable (which is logged).
pub(crate) fn read_small(path: &Path, limit: u64) -> Option<Vec<u8>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() <= limit => {}
        Ok(metadata) => {
            tracing::warn!(?path, size = metadata.len(), limit, "ignoring a file that is too long");
            return None;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(?path, %error, "ignoring a file that cannot be read");
            return None;
        }
    }
    fs::read(path)
        .inspect_err(|error| tracing::warn!(?path, %error, "ignoring a file that cannot be read"))
        .ok()
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
