use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;

use super::*;
use crate::{ChunkSource, PublishError, ReadChunkError, ReopenError};

fn assert_changed(content: &Content, name: &str) {
    match content.check_unchanged() {
        Err(ReadChunkError::SourceChanged { path, .. }) => {
            assert!(path.ends_with(name), "{path:?}")
        }
        other => panic!("{other:?}"),
    }
}

fn assert_not_served(content: &Content, name: &str) {
    for result in [
        content.chunk_ranges(0).map(drop),
        content.read_chunk(0, &mut Vec::new()),
        content.verify_chunk(0).map(drop),
    ] {
        match result {
            Err(ReadChunkError::SourceChanged { path, .. }) => assert!(path.ends_with(name)),
            other => panic!("{other:?}"),
        }
    }
    assert_changed(content, name);
}

#[test]
fn the_source_is_served_where_it_lies() {
    let world = World::new();
    let content = world.publish(&world.file("model.bin", CHUNK_BYTES + 5, 1));
    assert!(content.is_origin() && content.is_complete() && content.is_finished());
    assert_eq!(content.have().count(), 2);
    let ranges = content.chunk_ranges(1).expect("it did not change");
    assert_eq!((ranges.len(), ranges[0].offset, ranges[0].len), (1, u64::from(CHUNK), 5));
    let mut read = vec![0; 5];
    ranges[0].file.read_exact_at(&mut read, ranges[0].offset).expect("it is there");
    assert_eq!(read, bytes(CHUNK_BYTES + 5, 1)[CHUNK_BYTES..]);
    assert!(content.verify_chunk(0).expect("it did not change"));
    assert!(matches!(content.chunk_ranges(2), Err(ReadChunkError::NoSuchChunk { .. })));
}

#[test]
fn a_chunk_over_many_files_comes_in_one_piece() {
    let world = World::new();
    for index in 0..600 {
        world.file(&format!("tree/{index:03}"), 100, index as u8);
    }
    let content = world.publish(&world.path("tree"));
    let mut all = Vec::new();
    for chunk in 0..content.manifest().chunk_count() {
        let mut bytes = Vec::new();
        content.read_chunk(chunk, &mut bytes).expect("it did not change");
        let mut by_ranges = Vec::new();
        for range in content.chunk_ranges(chunk).expect("it did not change") {
            let mut piece = vec![0; range.len as usize];
            range.file.read_exact_at(&mut piece, range.offset).expect("it is there");
            by_ranges.extend(piece);
        }
        assert!(by_ranges == bytes);
        all.extend(bytes);
    }
    let expected: Vec<u8> = (0..600).flat_map(|index| bytes(100, index as u8)).collect();
    assert!(all == expected);
}

#[test]
fn an_edit_in_place_of_the_same_size_is_noticed() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let content = world.publish(&path);
    content.chunk_ranges(0).expect("it did not change");
    let mut file = File::options().write(true).open(&path).expect("it is there");
    file.write_all(b"x").expect("writable");
    assert_not_served(&content, "model.bin");
}

#[test]
fn a_truncation_is_noticed() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let content = world.publish(&path);
    content.chunk_ranges(0).expect("it did not change");
    File::options().write(true).open(&path).expect("there").set_len(5).expect("writable");
    assert_not_served(&content, "model.bin");
}

#[test]
fn a_replacement_by_rename_is_noticed_at_once_though_the_old_file_is_open() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let content = world.publish(&path);
    content.chunk_ranges(0).expect("it did not change");
    let other = world.file("other.bin", CHUNK_BYTES, 1);
    fs::rename(other, &path).expect("writable");
    assert_not_served(&content, "model.bin");
}

#[test]
fn a_deletion_is_noticed_at_once_though_the_file_is_open() {
    let world = World::new();
    let content = world.publish(&world.tree("tree"));
    content.chunk_ranges(0).expect("it did not change");
    fs::remove_file(world.path("tree/a.bin")).expect("it is there");
    assert_not_served(&content, "a.bin");
}

#[test]
fn a_file_that_was_moved_away_is_noticed_by_its_path() {
    let world = World::new();
    let content = world.publish(&world.tree("tree"));
    content.chunk_ranges(0).expect("it did not change");
    fs::rename(world.path("tree/run.sh"), world.path("elsewhere")).expect("writable");
    assert_changed(&content, "run.sh");
    std::os::unix::fs::symlink(world.path("elsewhere"), world.path("tree/run.sh")).expect("free");
    assert_changed(&content, "run.sh");
}

#[test]
fn a_new_mode_or_a_new_name_for_the_same_file_is_no_change() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let content = world.publish(&path);
    set_mode(&path, 0o600);
    fs::hard_link(&path, world.path("second-name")).expect("writable");
    assert!(content.verify_chunk(0).expect("its bytes are the same"));
}

#[test]
fn bytes_that_rot_under_an_unchanged_stamp_fail_verification() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let content = world.publish(&path);
    write_aged(&path, &bytes(CHUNK_BYTES, 2));
    assert!(!content.verify_chunk(0).expect("the stamp is the same"));
}

#[test]
fn a_withdrawn_content_serves_nothing_and_leaves_the_files() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let content = world.publish(&path);
    content.withdraw();
    assert!(matches!(content.chunk_ranges(0), Err(ReadChunkError::Withdrawn { .. })));
    assert!(path.exists());
}

#[test]
fn a_source_that_changed_after_hashing_is_not_published() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let imported = import(&path);
    let (id, manifest) = encode(&imported.manifest);
    fs::write(&path, "other").expect("writable");
    let result = world.origin.publish(id, manifest.clone(), imported.clone(), &path);
    assert!(matches!(result, Err(PublishError::SourceChanged { .. })), "{result:?}");
    let wrong = world.origin.publish(ContentId([0; 32]), manifest, imported, &path);
    assert!(matches!(wrong, Err(PublishError::WrongId { .. })));
    assert!(world.origin.contents().is_empty());
}

#[test]
fn publishing_twice_gives_the_same_content() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let first = world.publish(&path);
    assert!(Arc::ptr_eq(&first, &world.publish(&path)));
    assert_eq!(world.origin.contents().len(), 1);
}

#[test]
fn forgetting_stops_serving_and_leaves_the_users_files() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let content = world.publish(&path);
    world.origin.forget(&content.id());
    assert!(world.origin.get(&content.id()).is_none() && content.is_withdrawn());
    assert!(world.origin.known_manifest(&content.id()).is_none());
    assert!(world.origin.records().is_empty() && path.exists());
}

#[test]
fn a_restarted_origin_serves_again_without_hashing_unless_the_source_changed() {
    let mut world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let first = publish(&world.peer, &path);
    world.restart_peer();
    let record = &world.peer.records()[0];
    assert!(record.origin && record.finished && record.output == first.output());
    let manifest = world.peer.known_manifest(&first.id()).expect("it was saved");
    let reopen =
        |world: &World| world.peer.reopen(first.id(), manifest.clone(), first.manifest().clone());
    let again = reopen(&world).expect("nothing changed");
    assert!(again.is_origin() && again.verify_chunk(0).expect("it did not change"));
    world.restart_peer();
    fs::write(&path, "other").expect("writable");
    assert!(matches!(reopen(&world), Err(ReopenError::Changed { .. })));
}

#[test]
fn a_source_need_not_have_files() {
    struct Nowhere;
    impl ChunkSource for Nowhere {
        fn chunk_ranges(&self, _: u32) -> Result<Vec<crate::FileRange>, ReadChunkError> {
            Err(ReadChunkError::NotInFiles { content: ContentId([0; 32]) })
        }
        fn read_chunk(&self, _: u32, into: &mut Vec<u8>) -> Result<(), ReadChunkError> {
            into.clear();
            Ok(())
        }
        fn check_unchanged(&self) -> Result<(), ReadChunkError> {
            Ok(())
        }
    }
    let source: Arc<dyn ChunkSource> = Arc::new(Nowhere);
    assert!(matches!(source.chunk_ranges(0), Err(ReadChunkError::NotInFiles { .. })));
}

/// The clock was set back after the file was written, or the file was unpacked with a wrong time.
#[test]
fn a_source_from_the_future_is_served_and_watched_like_any_other() {
    let world = World::new();
    let path = world.file("model.bin", CHUNK_BYTES, 1);
    let future = SystemTime::UNIX_EPOCH + Duration::from_secs(9_000_000_000);
    let file = File::options().write(true).open(&path).expect("it is there");
    file.set_modified(future).expect("our own file");
    let content = world.publish(&path);
    content.chunk_ranges(0).expect("it did not change");
    content.check_unchanged().expect("it did not change");
    fs::write(&path, bytes(CHUNK_BYTES, 2)).expect("writable");
    assert_not_served(&content, "model.bin");
}
