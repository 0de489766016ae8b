use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use samara_model::{ByteCount, FileEntry, FileKind, ManifestError, check_manifest};

use super::*;
use crate::ImportError;

fn refused(world: &World, name: &str) -> ImportError {
    Store::import(&world.path(name), Some(CHUNK), &|_, _| {}, &go()).expect_err("it is refused")
}

#[test]
fn a_file_becomes_one_entry_with_a_hash_for_each_chunk() {
    let world = World::new();
    let path = world.file("model.bin", 2 * CHUNK_BYTES + 1, 1);
    set_mode(&path, 0o640);
    let Imported { manifest, stamps } = import(&path);
    let kind = FileKind::Regular { size: 2 * u64::from(CHUNK) + 1, mode: 0o640 };
    assert_eq!(manifest.files, [FileEntry { path: "model.bin".into(), kind }]);
    assert!(manifest.is_single_file());
    let content = bytes(2 * CHUNK_BYTES + 1, 1);
    for (chunk, bytes) in content.chunks(CHUNK_BYTES).enumerate() {
        assert_eq!(manifest.chunk_hash(chunk as u32), Some(*blake3::hash(bytes).as_bytes()));
    }
    assert_eq!((manifest.chunk_count(), stamps.len()), (3, 1));
}

#[test]
fn every_chunk_size_gives_the_same_bytes_other_hashes() {
    let world = World::new();
    let path = world.file("model.bin", 3_000_000, 1);
    for size in [CHUNK, 256 << 10, 512 << 10, 16 << 20] {
        let manifest =
            Store::import(&path, Some(size), &|_, _| {}, &go()).expect("it is fine").manifest;
        let expected: Vec<u8> = bytes(3_000_000, 1)
            .chunks(size as usize)
            .flat_map(|chunk| *blake3::hash(chunk).as_bytes())
            .collect();
        assert_eq!(manifest.hashes, expected, "chunks of {size}");
    }
    let chosen = Store::import(&path, None, &|_, _| {}, &go()).expect("it is fine").manifest;
    assert_eq!(chosen.chunk_size(), samara_model::auto_chunk_size(ByteCount(3_000_000)));
}

#[test]
fn a_tree_is_sorted_and_passes_the_check_of_a_receiver() {
    let world = World::new();
    let manifest = import(&world.tree("tree")).manifest;
    let paths: Vec<&str> = manifest.files.iter().map(|entry| entry.path.as_str()).collect();
    let expected = ["a.bin", "dangling", "deep", "deep/er", "deep/er/b.bin", "deep/link"];
    assert_eq!(paths[..6], expected);
    assert_eq!(paths[6..], ["deep/zero", "nothing", "run.sh"]);
    assert_eq!(check_manifest(&manifest), Ok(()));
    assert_eq!(import(&world.path("tree")).manifest, manifest);
}

#[test]
fn an_empty_file_is_a_content_without_chunks() {
    let world = World::new();
    let manifest = import(&world.file("empty", 0, 0)).manifest;
    assert_eq!((manifest.chunk_count(), manifest.files.len()), (0, 1));
}

#[test]
fn a_tree_of_an_empty_directory_is_a_content_an_empty_root_is_none() {
    let world = World::new();
    fs::create_dir_all(world.path("tree/nothing")).expect("writable");
    let manifest = import(&world.path("tree")).manifest;
    assert_eq!((manifest.chunk_count(), manifest.files.len()), (0, 1));
    assert!(!manifest.is_single_file());
    assert!(matches!(refused(&world, "tree/nothing"), ImportError::Empty { .. }));
}

#[test]
fn a_directory_of_one_file_is_published_as_that_file() {
    let world = World::new();
    let file = world.file("tree/only.bin", 100, 1);
    let content = world.publish(&world.path("tree"));
    assert_eq!(content.output(), file.canonicalize().expect("it is there"));
    content.check_unchanged().expect("it did not change");
}

#[test]
fn progress_counts_up_to_all_bytes() {
    let world = World::new();
    let path = world.file("model.bin", 5_000_000, 1);
    let seen = Mutex::new(Vec::new());
    let progress = |done, total| {
        assert_eq!(total, 5_000_000);
        seen.lock().expect("no thread panicked").push(done);
    };
    Store::import(&path, Some(CHUNK), &progress, &go()).expect("it is fine");
    let seen = seen.into_inner().expect("no thread panicked");
    assert!(seen.is_sorted());
    assert_eq!((seen.first(), seen.last()), (Some(&0), Some(&5_000_000)));
}

#[test]
fn a_raised_flag_stops_hashing() {
    let world = World::new();
    let path = world.file("model.bin", 100_000, 1);
    let stopped = Store::import(&path, None, &|_, _| {}, &AtomicBool::new(true));
    assert!(matches!(stopped, Err(ImportError::Stopped { .. })), "{stopped:?}");
}

#[test]
fn a_source_that_changes_while_it_is_hashed_is_refused_by_name() {
    let world = World::new();
    let path = world.file("model.bin", 100_000, 1);
    let edit = |done, total| {
        if done == total {
            fs::write(&path, bytes(100_000, 2)).expect("writable");
        }
    };
    match Store::import(&path, Some(CHUNK), &edit, &go()) {
        Err(ImportError::Changed { path: named }) => assert!(named.ends_with("model.bin")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_hashed_is_refused() {
    let world = World::new();
    let path = world.file("model.bin", 100_000, 1);
    let cut = |done, _| {
        if done == 0 {
            File::options().write(true).open(&path).expect("there").set_len(10).expect("ours");
        }
    };
    let result = Store::import(&path, Some(CHUNK), &cut, &go());
    assert!(matches!(result, Err(ImportError::Changed { .. })), "{result:?}");
}

#[test]
fn a_file_that_vanishes_while_it_is_hashed_is_named() {
    let world = World::new();
    world.tree("tree");
    let gone = world.path("tree/deep/zero");
    let remove = |done, _| {
        if done == 0 {
            fs::remove_file(&gone).expect("it is there");
        }
    };
    let result = Store::import(&world.path("tree"), Some(CHUNK), &remove, &go());
    assert!(matches!(&result, Err(ImportError::Vanished { path }) if path.ends_with("deep/zero")));
}

#[test]
fn special_files_and_missing_ones_are_named() {
    let world = World::new();
    let error = refused(&world, "missing");
    assert!(matches!(&error, ImportError::NotFound { path } if path.ends_with("missing")));
    world.file("tree/fine", 1, 1);
    let socket = world.path("tree/socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("writable");
    let error = refused(&world, "tree");
    assert!(matches!(error, ImportError::SpecialFile { what: "a socket", .. }), "{error:?}");
    let device = Store::import(Path::new("/dev/null"), None, &|_, _| {}, &go());
    assert!(matches!(device, Err(ImportError::SpecialFile { what: "a device", .. })));
}

#[test]
fn names_that_are_not_utf8_are_refused() {
    let world = World::new();
    world.file("tree/fine", 1, 1);
    let name = std::ffi::OsString::from_vec(vec![b'x', 0xff]);
    fs::write(world.path("tree").join(name), "x").expect("writable");
    assert!(matches!(refused(&world, "tree"), ImportError::NotUtf8 { .. }));
}

#[test]
fn links_that_leave_the_root_are_refused_also_through_another_link() {
    let world = World::new();
    for target in ["../outside", "/etc/passwd"] {
        let root = world.path("tree");
        world.file("tree/fine", 1, 1);
        symlink(target, root.join("link")).expect("writable");
        let error = refused(&world, "tree");
        assert!(matches!(error, ImportError::LinkLeavesRoot { .. }), "{target}: {error:?}");
        fs::remove_dir_all(root).expect("ours");
    }
    // By its text `up/..` stays below `x`; followed, it ends above the root.
    world.file("tree/x/y/fine", 1, 1);
    symlink("../..", world.path("tree/x/y/up")).expect("writable");
    symlink("up/..", world.path("tree/x/y/out")).expect("writable");
    let error = refused(&world, "tree");
    assert!(matches!(error, ImportError::LinkLeavesRoot { .. }), "{error:?}");
}

#[test]
fn what_no_peer_would_accept_is_refused_at_once() {
    let world = World::new();
    world.file("tree/name", 1, 1);
    world.file("tree/NAME", 1, 1);
    match refused(&world, "tree") {
        ImportError::Refused { source: ManifestError::DuplicatePath { .. }, .. } => {}
        other => panic!("{other:?}"),
    }
    for size in [0, 1, 100_000, 32 << 20] {
        let result = Store::import(&world.path("tree/name"), Some(size), &|_, _| {}, &go());
        assert!(matches!(result, Err(ImportError::Refused { .. })), "{size}: {result:?}");
    }
}
