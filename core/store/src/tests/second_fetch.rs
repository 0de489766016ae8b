use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// Begins a fetch and counts the bytes that were read for it.
fn begin_counting(world: &World, origin: &Content, output: &str) -> (Arc<Content>, u64) {
    let read = AtomicU64::new(0);
    let progress = |done, _| read.store(done, Ordering::Relaxed);
    let (manifest, bytes) = (origin.manifest(), origin.manifest_bytes());
    let output = world.path(output);
    let begun = world.peer.begin_fetch(origin.id(), bytes, manifest, &output, &progress, &go());
    (begun.expect("nothing is in the way"), read.into_inner())
}

#[test]
fn what_is_already_there_is_complete_without_hashing_also_after_a_restart() {
    let mut world = World::new();
    let origin = world.publish(&world.tree("tree"));
    let first = world.fetch(&origin, "copy");
    let (again, read) = begin_counting(&world, &origin, "copy");
    assert!(Arc::ptr_eq(&first, &again) && read == 0);
    drop((first, again));
    world.restart_peer();
    let (again, read) = begin_counting(&world, &origin, "copy");
    assert!(again.is_finished() && again.is_complete() && read == 0);
    assert!(again.verify_chunk(0).expect("it did not change"));
}

#[test]
fn a_copy_that_the_user_made_is_recognised_by_hashing() {
    let world = World::new();
    let origin = world.publish(&world.tree("tree"));
    world.tree("copy");
    let (adopted, read) = begin_counting(&world, &origin, "copy");
    assert!(adopted.is_finished() && !adopted.is_origin());
    assert_eq!(read, origin.total().0);
    let record = &world.peer.records()[0];
    assert!(record.finished && record.output == adopted.output());
}

#[test]
fn a_finished_file_that_changed_is_not_taken_for_the_content() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 100, 1));
    let first = world.fetch(&origin, "copy");
    fs::write(world.path("copy"), bytes(100, 2)).expect("writable");
    let refused = world.begin(&origin, "copy");
    assert!(matches!(refused, Err(BeginFetchError::OutputExists { .. })), "{refused:?}");
    assert!(first.is_withdrawn() && world.peer.get(&origin.id()).is_none());
    fs::remove_file(world.path("copy")).expect("ours");
    assert!(!world.begin(&origin, "copy").expect("the name is free").is_complete());
}

#[test]
fn a_withdrawn_content_is_hashed_before_it_is_trusted_again() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 2 * CHUNK_BYTES, 1));
    let first = world.fetch(&origin, "copy");
    first.withdraw();
    let (again, read) = begin_counting(&world, &origin, "copy");
    assert!(again.is_finished() && !again.is_withdrawn());
    assert_eq!(read, origin.total().0);
    first.withdraw();
    assert_eq!(world.peer.records().len(), 1, "withdrawing twice takes nothing from the next one");
}

#[test]
fn another_output_is_filled_from_the_first_copy() {
    let mut world = World::new();
    let origin = world.publish(&world.tree("tree"));
    world.fetch(&origin, "copy");
    world.restart_peer();
    let second = world.begin(&origin, "second").expect("nothing is in the way");
    assert!(second.is_complete() && !second.is_finished());
    second.finish().expect("all chunks are there");
    assert_same_tree(&world.path("tree"), &world.path("second"));
    let served = world.peer.get(&origin.id()).expect("the first copy is served");
    assert!(served.output().ends_with("copy"));
}

#[test]
fn an_origin_can_copy_its_own_content_and_goes_on_serving_it() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 3 * CHUNK_BYTES, 1));
    let copy = begin(&world.origin, &origin, &world.path("copy")).expect("nothing is in the way");
    copy.finish().expect("all chunks were copied");
    assert!(fs::read(world.path("copy")).expect("there") == bytes(3 * CHUNK_BYTES, 1));
    assert!(Arc::ptr_eq(&origin, &world.origin.get(&origin.id()).expect("it is still served")));
}

#[test]
fn chunks_of_another_content_are_copied_not_fetched() {
    let world = World::new();
    world.file("v1/a", 4 * CHUNK_BYTES, 1);
    world.file("v1/b", 4 * CHUNK_BYTES, 2);
    let one = world.publish(&world.path("v1"));
    world.fetch(&one, "one");
    // Version 2 has another first file of odd length before the same bytes, and a new last file.
    world.file("v2/a", 2 * CHUNK_BYTES, 3);
    world.file("v2/b", 4 * CHUNK_BYTES, 2);
    world.file("v2/c", 4 * CHUNK_BYTES, 1);
    let two = world.publish(&world.path("v2"));
    let fetched = world.begin(&two, "two").expect("nothing is in the way");
    assert_eq!(fetched.have().iter_missing().collect::<Vec<_>>(), [0, 1]);
    world.fetch(&two, "two");
    assert_same_tree(&world.path("v2"), &world.path("two"));
}

#[test]
fn a_changed_content_is_not_copied_from() {
    let world = World::new();
    world.file("v1/a", 2 * CHUNK_BYTES, 1);
    world.file("v1/b", 2 * CHUNK_BYTES, 2);
    let one = world.publish(&world.path("v1"));
    world.fetch(&one, "one");
    // Same stamp, other bytes: only hashing tells. And a file that is gone.
    let stamped = fs::metadata(world.path("one/a")).expect("there").modified().expect("it has one");
    fs::write(world.path("one/a"), bytes(2 * CHUNK_BYTES, 7)).expect("writable");
    let file = File::options().write(true).open(world.path("one/a")).expect("there");
    file.set_modified(stamped).expect("ours");
    fs::remove_file(world.path("one/b")).expect("there");
    world.file("v2/a", 2 * CHUNK_BYTES, 1);
    world.file("v2/b", 2 * CHUNK_BYTES, 2);
    world.file("v2/c", 1, 3);
    let two = world.publish(&world.path("v2"));
    assert!(world.begin(&two, "two").expect("nothing is in the way").have().is_empty());
}
