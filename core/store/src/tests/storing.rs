use std::fs;

use proptest::prelude::*;

use super::*;
use crate::{ReadChunkError, StoreChunkError, Stored};

#[test]
fn a_wrong_chunk_is_refused_and_not_written() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 2 * CHUNK_BYTES, 1));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    let wrong = bytes(CHUNK_BYTES, 9);
    let digest = *blake3::hash(&wrong).as_bytes();
    let refused = fetched.store_chunk(0, digest, &wrong);
    assert!(matches!(refused, Err(StoreChunkError::WrongHash { chunk: 0, .. })), "{refused:?}");
    let short = fetched.store_chunk(0, digest, &wrong[1..]);
    assert!(matches!(short, Err(StoreChunkError::WrongLength { .. })), "{short:?}");
    let beyond = fetched.store_chunk(2, digest, &wrong);
    assert!(matches!(beyond, Err(StoreChunkError::NoSuchChunk { .. })), "{beyond:?}");
    assert!(fetched.have().is_empty() && !fetched.has(0));
    let part = fs::read(world.part(&origin, "copy")).expect("it was prepared");
    assert!(part.iter().all(|byte| *byte == 0));
}

#[test]
fn a_second_copy_is_a_duplicate_also_after_finishing() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 2 * CHUNK_BYTES, 1));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    assert_eq!(send(&origin, &fetched, 1), Stored::New);
    assert_eq!(send(&origin, &fetched, 1), Stored::Duplicate);
    assert_eq!(send(&origin, &fetched, 0), Stored::New);
    fetched.finish().expect("all chunks are there");
    assert_eq!(send(&origin, &fetched, 0), Stored::Duplicate);
    fetched.check_unchanged().expect("a duplicate writes nothing");
}

#[test]
fn copies_that_arrive_at_once_are_counted_once_and_are_right() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 20 * CHUNK_BYTES, 1));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    let work = || {
        let stored = (0..20).map(|chunk| send(&origin, &fetched, chunk));
        stored.filter(|stored| *stored == Stored::New).count()
    };
    let new: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it did not panic")).sum()
    });
    assert_eq!(new, 20);
    fetched.finish().expect("all chunks are there");
    assert!(fs::read(world.path("copy")).expect("finished") == bytes(20 * CHUNK_BYTES, 1));
}

#[test]
fn what_has_arrived_can_be_passed_on_before_the_rest() {
    let world = World::new();
    let origin = world.publish(&world.tree("tree"));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    assert!(matches!(fetched.chunk_ranges(2), Err(ReadChunkError::NotHere { chunk: 2, .. })));
    send(&origin, &fetched, 2);
    assert!(fetched.verify_chunk(2).expect("it arrived"));
    assert!(matches!(fetched.chunk_ranges(1), Err(ReadChunkError::NotHere { .. })));
}

#[test]
fn a_partial_file_that_somebody_removes_is_noticed() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 2 * CHUNK_BYTES, 1));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    send(&origin, &fetched, 0);
    fs::remove_file(world.part(&origin, "copy")).expect("it is there");
    let mut chunk = Vec::new();
    origin.read_chunk(1, &mut chunk).expect("the origin has it");
    let refused = fetched.store_chunk(1, *blake3::hash(&chunk).as_bytes(), &chunk);
    assert!(matches!(refused, Err(StoreChunkError::PartGone { .. })), "{refused:?}");
    assert!(matches!(fetched.chunk_ranges(0), Err(ReadChunkError::SourceChanged { .. })));
    let again = world.begin(&origin, "copy").expect("it starts anew");
    assert!(again.have().is_empty());
}

#[test]
fn a_withdrawn_fetch_takes_nothing_more() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", CHUNK_BYTES, 1));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    fetched.withdraw();
    let chunk = bytes(CHUNK_BYTES, 1);
    let refused = fetched.store_chunk(0, *blake3::hash(&chunk).as_bytes(), &chunk);
    assert!(matches!(refused, Err(StoreChunkError::Withdrawn { .. })), "{refused:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_tree_in_any_order_arrives_identical(
        sizes in proptest::collection::vec(prop_oneof![Just(0usize), 1..200usize, 1..100_000usize], 1..12),
        order in any::<u64>(),
    ) {
        let world = World::new();
        for (index, size) in sizes.iter().enumerate() {
            world.file(&format!("tree/{}/{index}", index % 3), *size, index as u8);
        }
        let origin = world.publish(&world.path("tree"));
        let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
        let mut chunks: Vec<u32> = (0..origin.manifest().chunk_count()).collect();
        chunks.sort_by_key(|chunk| blake3::hash(&(order ^ u64::from(*chunk)).to_le_bytes()).to_hex());
        for chunk in chunks {
            prop_assert!(!fetched.is_complete());
            prop_assert_eq!(send(&origin, &fetched, chunk), Stored::New);
        }
        fetched.finish().expect("all chunks are there");
        assert_same_tree(&world.path("tree"), &world.path("copy"));
        fetched.check_unchanged().expect("nobody touched it");
    }
}
