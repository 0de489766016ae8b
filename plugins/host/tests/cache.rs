//! Compiled modules on disk.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use samara_policy::Hook;
use samara_policy::testing::scenario;
use samara_policy_host::{Host, Limits};

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

/// Loads it with this cache, and checks that it works.
fn load(folder: &Path, limits: Limits) {
    let host = Host::with_cache(limits, folder).expect("a host");
    let module = host.load(&support::misbehaving("nonsense")).expect("a policy");
    module.instance().answer(&scenario(Hook::Offers, 4, 10, 1)).expect("an answer");
}

#[test]
fn a_module_is_kept_and_a_damaged_copy_is_replaced() {
    let place = tempfile::tempdir().expect("a directory");
    let folder = place.path().join("cache");
    load(&folder, Limits::default());
    let [kept] = files(&folder)[..].to_vec().try_into().expect("one file");
    let kept: PathBuf = kept;
    let whole = fs::read(&kept).expect("read");
    let before = fs::metadata(&kept).expect("it is there").modified().expect("a time");
    load(&folder, Limits::default());
    assert_eq!(fs::metadata(&kept).expect("it is there").modified().expect("a time"), before);

    for length in [0, 10, 32, 1000, whole.len() - 1] {
        fs::write(&kept, &whole[..length]).expect("write");
        load(&folder, Limits::default());
        assert_eq!(fs::read(&kept).expect("read").len(), whole.len());
    }
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    fs::write(&kept, &flipped).expect("write");
    load(&folder, Limits::default());
    assert_eq!(files(&folder).len(), 1);
    assert_ne!(fs::read(&kept).expect("read"), flipped);
}

#[test]
fn other_settings_have_their_own_copy() {
    let place = tempfile::tempdir().expect("a directory");
    let folder = place.path().join("cache");
    load(&folder, Limits::default());
    load(&folder, Limits::for_simulation());
    assert_eq!(files(&folder).len(), 2);
}

#[test]
fn a_directory_that_others_may_use_is_refused() {
    let place = tempfile::tempdir().expect("a directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
    let refused = Host::with_cache(Limits::default(), place.path()).expect_err("it is open");
    assert!(refused.to_string().contains("could not use"), "{refused}");
    let made = place.path().join("made");
    load(&made, Limits::default());
    assert_eq!(fs::metadata(&made).expect("a folder").permissions().mode() & 0o777, 0o700);
}
