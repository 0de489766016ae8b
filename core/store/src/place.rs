//! Moving something to a name that must be free.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Renames `from` to `to`; fails with [`io::ErrorKind::AlreadyExists`] when there is something at `to`.
pub(crate) fn rename_to_free_name(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => rename_by_hand(from, to),
        Err(error) => Err(error.into()),
    }
}

/// For file systems that cannot refuse to replace (NFS, some FUSE). A link is refused when its name is
/// taken; a directory can only be looked for first, which leaves a moment in which another process could
/// create an *empty* directory there; that one would be replaced, and nothing lost.
fn rename_by_hand(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(from)?.is_file() {
        match fs::hard_link(from, to) {
            Ok(()) => return fs::remove_file(from),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) => {}
        }
    }
    match fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_the_name_already_stays() {
        for rename in [rename_to_free_name, rename_by_hand] {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let (new, old) = (dir.path().join("new"), dir.path().join("old"));
            fs::write(&new, "new").expect("the directory is writable");
            fs::write(&old, "old").expect("the directory is writable");
            let refused = rename(&new, &old).map_err(|error| error.kind());
            assert_eq!(refused, Err(io::ErrorKind::AlreadyExists));
            assert_eq!(fs::read(&old).expect("it is still there"), b"old");
            fs::remove_file(&old).expect("the directory is writable");
            rename(&new, &old).expect("the name is free now");
            assert_eq!(fs::read(&old).expect("it was moved"), b"new");
            assert!(!new.exists());
        }
    }
}
