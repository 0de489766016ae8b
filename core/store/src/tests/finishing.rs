use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::{FinishError, ReadChunkError};

#[test]
fn a_tree_arrives_with_modes_links_and_empty_directories() {
    let world = World::new();
    let origin = world.publish(&world.tree("tree"));
    let fetched = world.fetch(&origin, "copy");
    assert!(fetched.is_finished());
    assert_same_tree(&world.path("tree"), &world.path("copy"));
    assert_eq!(mode_of(&world.path("copy")), 0o755);
    assert!(!world.part(&origin, "copy").exists());
    for chunk in 0..origin.manifest().chunk_count() {
        assert!(fetched.verify_chunk(chunk).expect("it is served from its final place"));
    }
}

#[test]
fn a_file_arrives_under_the_given_name_with_its_mode() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES + 1, 1);
    set_mode(&path, 0o751);
    let origin = world.publish(&path);
    let fetched = world.fetch(&origin, "other-name");
    fetched.finish().expect("finishing twice is fine");
    assert_eq!(mode_of(&world.path("other-name")), 0o751);
    assert!(fs::read(world.path("other-name")).expect("there") == bytes(CHUNK_BYTES + 1, 1));
}

#[test]
fn contents_without_bytes_are_complete_from_the_start() {
    let world = World::new();
    fs::create_dir_all(world.path("tree/nothing")).expect("writable");
    world.file("empty", 0, 0);
    for name in ["tree", "empty"] {
        let origin = world.publish(&world.path(name));
        let output = format!("copy-of-{name}");
        let fetched = world.begin(&origin, &output).expect("nothing is in the way");
        assert!(fetched.is_complete() && fetched.have().is_full());
        fetched.finish().expect("there is nothing to wait for");
        assert!(world.path(&output).exists());
    }
    assert!(world.path("copy-of-tree/nothing").is_dir());
}

#[test]
fn nothing_is_finished_before_the_last_chunk() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 2 * CHUNK_BYTES, 1));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    send(&origin, &fetched, 0);
    let early = fetched.finish();
    assert!(matches!(early, Err(FinishError::Incomplete { missing: 1, .. })), "{early:?}");
    assert!(!world.path("copy").exists());
}

#[test]
fn what_appears_at_the_output_meanwhile_is_not_replaced() {
    let world = World::new();
    for (name, source) in [("one", world.file("model.bin", 100, 1)), ("two", world.tree("tree"))] {
        let origin = world.publish(&source);
        let fetched = world.begin(&origin, name).expect("nothing is in the way");
        transfer(&origin, &fetched);
        fs::create_dir(world.path(name)).expect("writable");
        let refused = fetched.finish();
        assert!(matches!(refused, Err(FinishError::OutputAppeared { .. })), "{refused:?}");
        assert!(fetched.verify_chunk(0).expect("it is still served"));
        fs::remove_dir(world.path(name)).expect("it is empty still");
        fetched.finish().expect("the name is free again");
        assert!(fetched.verify_chunk(0).expect("it is served from its final place"));
    }
}

#[test]
fn a_failed_rename_leaves_a_partial_tree_that_can_be_finished_later() {
    let mut world = World::new();
    let origin = world.publish(&world.tree("tree"));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    transfer(&origin, &fetched);
    // As if the process had died between setting the modes and the rename.
    let part = world.part(&origin, "copy");
    symlink("er/b.bin", part.join("deep/link")).expect("writable");
    symlink("elsewhere", part.join("dangling")).expect("writable");
    set_mode(&part.join("deep/er/b.bin"), 0o400);
    set_mode(&part.join("deep/er"), 0o555);
    set_mode(&part, 0o555);
    drop(fetched);
    world.restart_peer();
    let again = world.begin(&origin, "copy").expect("nothing is in the way");
    assert!(again.is_complete());
    again.finish().expect("all chunks are there");
    assert_same_tree(&world.path("tree"), &world.path("copy"));
}

#[test]
fn a_removed_partial_file_cannot_be_finished() {
    let world = World::new();
    let origin = world.publish(&world.tree("tree"));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    transfer(&origin, &fetched);
    fs::remove_file(world.part(&origin, "copy").join("run.sh")).expect("there");
    let refused = fetched.finish();
    assert!(matches!(refused, Err(FinishError::PartGone { .. })), "{refused:?}");
    assert!(!world.path("copy").exists());
}

#[test]
fn a_finished_file_that_the_user_edits_or_deletes_is_noticed() {
    let world = World::new();
    let origin = world.publish(&world.tree("tree"));
    let fetched = world.fetch(&origin, "copy");
    write_aged(&world.path("copy/run.sh"), &bytes(2 * CHUNK_BYTES, 1));
    let changed = fetched.check_unchanged();
    assert!(matches!(changed, Err(ReadChunkError::SourceChanged { .. })), "{changed:?}");
    fs::remove_file(world.path("copy/a.bin")).expect("there");
    let changed = fetched.chunk_ranges(0);
    assert!(matches!(changed, Err(ReadChunkError::SourceChanged { .. })), "{changed:?}");
}

#[test]
fn readers_never_see_a_gap_while_the_files_move() {
    let world = World::new();
    let origin = world.publish(&world.tree("tree"));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    transfer(&origin, &fetched);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            loop {
                let last = fetched.is_finished();
                fetched.check_unchanged().expect("the path leads to the file at any time");
                fetched.read_chunk(0, &mut Vec::new()).expect("it is there at any time");
                if last {
                    return;
                }
            }
        });
        fetched.finish().expect("all chunks are there");
        reader.join().expect("it saw no gap");
    });
}
