use std::fs;
use std::os::unix::fs::FileExt;

use super::*;

/// A fetch that got chunks 0, 2 and 3 of 6 and was then interrupted.
fn interrupted(world: &mut World) -> Arc<Content> {
    let origin = world.publish(&world.file("model.bin", 5 * CHUNK_BYTES + 9, 1));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    for chunk in [0, 2, 3] {
        send(&origin, &fetched, chunk);
    }
    drop(fetched);
    world.restart_peer();
    origin
}

fn kept(world: &World, origin: &Content) -> Vec<u32> {
    world.begin(origin, "copy").expect("nothing is in the way").have().iter().collect()
}

#[test]
fn what_was_verified_before_is_not_fetched_again() {
    let mut world = World::new();
    let origin = interrupted(&mut world);
    let manifest = world.peer.known_manifest(&origin.id()).expect("it was saved");
    assert_eq!(manifest, origin.manifest_bytes().to_vec());
    let record = &world.peer.records()[0];
    assert!(!record.finished && !record.origin);
    assert_eq!(kept(&world, &origin), [0, 2, 3]);
    let fetched = world.fetch(&origin, "copy");
    assert!(fs::read(fetched.output()).expect("finished") == bytes(5 * CHUNK_BYTES + 9, 1));
}

#[test]
fn marked_chunks_that_are_wrong_are_fetched_again() {
    let mut world = World::new();
    let origin = interrupted(&mut world);
    let part = File::options().write(true).open(world.part(&origin, "copy")).expect("it stayed");
    part.write_all_at(b"rot", 2 * u64::from(CHUNK)).expect("writable");
    assert_eq!(kept(&world, &origin), [0, 3]);
}

#[test]
fn without_a_bitmap_whatever_lies_there_is_tried() {
    let mut world = World::new();
    let origin = interrupted(&mut world);
    fs::remove_dir_all(world.path("peer-data/contents")).expect("ours");
    fs::create_dir(world.path("peer-data/contents")).expect("ours");
    assert_eq!(kept(&world, &origin), [0, 2, 3]);
}

#[test]
fn a_truncated_partial_file_loses_only_what_is_gone() {
    let mut world = World::new();
    let origin = interrupted(&mut world);
    let part = File::options().write(true).open(world.part(&origin, "copy")).expect("it stayed");
    part.set_len(2 * u64::from(CHUNK) + 7).expect("ours");
    assert_eq!(kept(&world, &origin), [0]);
}

#[test]
fn a_deleted_partial_file_means_starting_anew() {
    let mut world = World::new();
    let origin = interrupted(&mut world);
    fs::remove_file(world.part(&origin, "copy")).expect("it stayed");
    assert!(kept(&world, &origin).is_empty());
}

#[test]
fn forgetting_an_unfinished_fetch_keeps_it_for_later_discarding_does_not() {
    let mut world = World::new();
    let origin = interrupted(&mut world);
    assert_eq!(kept(&world, &origin), [0, 2, 3]);
    world.peer.forget(&origin.id());
    assert_eq!(kept(&world, &origin), [0, 2, 3]);
    world.peer.discard(&origin.id());
    assert!(!world.part(&origin, "copy").exists() && world.peer.records().is_empty());
    assert!(kept(&world, &origin).is_empty());
}

#[test]
fn a_stopped_start_loses_nothing() {
    let mut world = World::new();
    let origin = interrupted(&mut world);
    let (manifest, bytes) = (origin.manifest(), origin.manifest_bytes());
    let (output, stop) = (world.path("copy"), std::sync::atomic::AtomicBool::new(true));
    let stopped = world.peer.begin_fetch(origin.id(), bytes, manifest, &output, &|_, _| {}, &stop);
    assert!(matches!(stopped, Err(BeginFetchError::Stopped { .. })), "{stopped:?}");
    assert_eq!(kept(&world, &origin), [0, 2, 3]);
}

#[test]
fn a_tree_resumes_too() {
    let mut world = World::new();
    let origin = world.publish(&world.tree("tree"));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    send(&origin, &fetched, 3);
    send(&origin, &fetched, 5);
    drop(fetched);
    world.restart_peer();
    assert_eq!(kept(&world, &origin), [3, 5]);
    world.fetch(&origin, "copy");
    assert_same_tree(&world.path("tree"), &world.path("copy"));
}
