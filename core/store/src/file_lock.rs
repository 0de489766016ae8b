//! An exclusive lock that ends with this value, or with the process, however that dies.

use std::fs::File;
use std::io;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// A locked file, or directory.
#[derive(Debug)]
pub(crate) struct FileLock(File);

impl FileLock {
    /// Locks `file`; gives it back when somebody else has it locked.
    pub fn try_new(file: File) -> io::Result<Result<FileLock, File>> {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Ok(FileLock(file))),
            Err(Errno::WOULDBLOCK) => Ok(Err(file)),
            Err(error) => Err(error.into()),
        }
    }

    /// The locked file.
    pub fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just being started by another thread shares the
        // open file until it runs its program, and would hold the lock for that moment.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}
