//! Removing files of ours, and never any other.

use std::fs;
use std::io;
use std::path::{Component, Path};

/// Removes `path`, a name directly below `folder`; false when it is something else or not there. Links are
/// removed, not followed.
pub(crate) fn remove_below(folder: &Path, path: &Path) -> io::Result<bool> {
    let Ok(inside) = path.strip_prefix(folder) else { return Ok(false) };
    let mut parts = inside.components();
    let (Some(Component::Normal(name)), None) = (parts.next(), parts.next()) else {
        return Ok(false);
    };
    let path = folder.join(name);
    let removed = match fs::symlink_metadata(&path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
        Ok(_) => fs::remove_file(&path),
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_directly_below_the_folder_is_removed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (files, user) = (dir.path().join("files"), dir.path().join("user"));
        fs::create_dir_all(files.join("tree/inner")).expect("created");
        fs::create_dir(&user).expect("created");
        fs::write(user.join("precious"), "bytes").expect("written");
        std::os::unix::fs::symlink(&user, files.join("link")).expect("linked");
        for outside in
            [user.clone(), files.clone(), files.join("../user"), files.join("link/precious")]
        {
            assert_eq!(remove_below(&files, &outside).ok(), Some(false), "{outside:?}");
        }
        assert_eq!(remove_below(&files, &files.join("link")).ok(), Some(true));
        assert_eq!(remove_below(&files, &files.join("tree")).ok(), Some(true));
        assert_eq!(remove_below(&files, &files.join("tree")).ok(), Some(false));
        assert!(user.join("precious").exists() && files.exists());
    }
}
