use std::fs;
use std::os::unix::fs::symlink;

use samara_model::{FileEntry, FileKind};

use super::*;

fn refused(world: &World, origin: &Content, output: &str) -> BeginFetchError {
    let error = world.begin(origin, output).expect_err("it is refused");
    assert!(world.peer.get(&origin.id()).is_none());
    error
}

#[test]
fn bytes_lie_beside_the_destination_until_they_are_complete() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 2 * CHUNK_BYTES, 1));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    let part = world.part(&origin, "copy");
    assert!(part.is_file() && !world.path("copy").exists());
    assert_eq!(
        (mode_of(&part), part.metadata().expect("there").len()),
        (0o600, 2 * u64::from(CHUNK))
    );
    assert!(!fetched.is_complete() && !fetched.is_origin() && !fetched.is_finished());
    assert_eq!(
        fetched.output(),
        world
            .path("copy")
            .parent()
            .expect("it has one")
            .canonicalize()
            .expect("there")
            .join("copy")
    );
    assert!(Arc::ptr_eq(&fetched, &world.peer.get(&origin.id()).expect("it is registered")));
}

#[test]
fn an_output_that_is_something_else_is_refused_and_left_alone() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 100, 1));
    for (other, difference) in [(bytes(100, 2), "other bytes"), (bytes(99, 1), "99 bytes")] {
        fs::write(world.path("copy"), &other).expect("writable");
        let error = refused(&world, &origin, "copy");
        assert!(matches!(error, BeginFetchError::OutputExists { .. }), "{error:?}");
        assert!(error.to_string().contains(difference), "{error}");
        assert_eq!(fs::read(world.path("copy")).expect("it is still there"), other);
    }
    fs::remove_file(world.path("copy")).expect("ours");
    symlink("model.bin", world.path("copy")).expect("writable");
    assert!(matches!(refused(&world, &origin, "copy"), BeginFetchError::OutputExists { .. }));
    assert!(!world.part(&origin, "copy").exists());
}

#[test]
fn a_tree_at_the_output_must_be_the_same_in_every_entry() {
    let world = World::new();
    let origin = world.publish(&world.tree("tree"));
    type Spoil = fn(&Path);
    let spoil: [(&str, Spoil); 6] = [
        ("in addition", |root| fs::write(root.join("extra"), "x").expect("writable")),
        ("is missing", |root| fs::remove_file(root.join("a.bin")).expect("there")),
        ("other bytes", |root| write_aged(&root.join("run.sh"), &bytes(2 * CHUNK_BYTES, 8))),
        ("leads to", |root| {
            fs::remove_file(root.join("dangling")).expect("there");
            symlink("elsewhere", root.join("dangling")).expect("writable");
        }),
        ("another kind", |root| {
            fs::remove_dir(root.join("nothing")).expect("empty");
            fs::write(root.join("nothing"), "").expect("writable");
        }),
        ("no directory", |root| {
            fs::remove_dir_all(root).expect("ours");
            fs::write(root, "").expect("writable");
        }),
    ];
    for (index, (difference, spoil)) in spoil.into_iter().enumerate() {
        let name = format!("copy{index}");
        spoil(&world.tree(&name));
        let error = refused(&world, &origin, &name);
        assert!(error.to_string().contains(difference), "{difference}: {error}");
    }
}

#[test]
fn a_single_file_does_not_go_into_a_directory() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 100, 1));
    fs::create_dir(world.path("out")).expect("writable");
    let error = refused(&world, &origin, "out");
    assert!(matches!(error, BeginFetchError::OutputIsDirectory { .. }), "{error:?}");
    assert!(error.to_string().contains("out/model.bin"), "{error}");
}

#[test]
fn a_destination_that_cannot_be_is_refused_by_name() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 100, 1));
    let error = refused(&world, &origin, "missing/copy");
    assert!(matches!(error, BeginFetchError::NoParent { .. }), "{error:?}");
    assert!(matches!(refused(&world, &origin, "model.bin/copy"), BeginFetchError::NoParent { .. }));
    assert!(matches!(refused(&world, &origin, "peer-data/.."), BeginFetchError::NoName { .. }));
    assert!(matches!(refused(&world, &origin, "/"), BeginFetchError::NoName { .. }));
}

#[test]
fn a_content_that_needs_more_space_than_there_is_is_refused_at_once() {
    let world = World::new();
    let size = 1u64 << 46;
    let entry = FileEntry { path: "huge".into(), kind: FileKind::Regular { size, mode: 0o644 } };
    let chunk = samara_model::MAX_CHUNK_SIZE;
    let manifest = Manifest {
        format_version: 1,
        chunking: samara_model::Chunking::Fixed { size: chunk },
        files: vec![entry],
        hashes: vec![0; (size / u64::from(chunk)) as usize * 32],
    };
    // The manifest's text is not decoded here, so any bytes with the right digest will do.
    let text = b"stands for a manifest".to_vec();
    let id = ContentId(*blake3::hash(&text).as_bytes());
    let output = world.path("copy");
    let error = world
        .peer
        .begin_fetch(id, &text, &manifest, &output, &|_, _| {}, &go())
        .expect_err("no disk of this kind");
    assert!(matches!(error, BeginFetchError::NotEnoughSpace { .. }), "{error:?}");
    assert!(fs::read_dir(world.dir.path()).expect("there").all(|entry| {
        !entry.expect("readable").file_name().to_string_lossy().ends_with(".part")
    }));
}

#[test]
fn a_manifest_that_lies_is_refused() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 100, 1));
    let begin = |id, bytes: &[u8], manifest: Manifest| {
        let output = world.path("copy");
        world.peer.begin_fetch(id, bytes, &manifest, &output, &|_, _| {}, &go())
    };
    let manifest = origin.manifest().clone();
    let wrong = begin(ContentId([1; 32]), origin.manifest_bytes(), manifest.clone());
    assert!(matches!(wrong, Err(BeginFetchError::WrongId { .. })), "{wrong:?}");
    let mut evil = manifest;
    evil.files[0].path = "../evil".into();
    let (id, bytes) = encode(&evil);
    let wrong = begin(id, &bytes, evil);
    assert!(matches!(wrong, Err(BeginFetchError::BadManifest { .. })), "{wrong:?}");
}

#[test]
fn the_same_fetch_twice_is_one_and_another_output_has_to_wait() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 2 * CHUNK_BYTES, 1));
    let first = world.begin(&origin, "copy").expect("nothing is in the way");
    assert!(Arc::ptr_eq(&first, &world.begin(&origin, "copy").expect("it is the same")));
    match world.begin(&origin, "second") {
        Err(BeginFetchError::AlreadyFetching { output, .. }) => assert_eq!(output, first.output()),
        other => panic!("{other:?}"),
    }
    transfer(&origin, &first);
    first.finish().expect("all chunks are there");
    assert!(world.begin(&origin, "second").expect("it is copied").is_complete());
}

#[test]
fn the_same_fetch_from_many_threads_is_prepared_once() {
    let world = World::new();
    let origin = world.publish(&world.tree("tree"));
    let begin = || world.begin(&origin, "copy").expect("nothing is in the way");
    let all: Vec<Arc<Content>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it did not panic")).collect()
    });
    assert!(all.iter().all(|content| Arc::ptr_eq(content, &all[0])));
}

#[test]
fn what_is_in_the_way_of_the_partial_file_is_not_touched_or_followed() {
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 100, 1));
    let part = world.part(&origin, "copy");
    let victim = world.file("victim", 10, 1);
    symlink(&victim, &part).expect("writable");
    let error = refused(&world, &origin, "copy");
    assert!(matches!(error, BeginFetchError::PartInTheWay { .. }), "{error:?}");
    assert_eq!(fs::read(victim).expect("untouched").len(), 10);
    fs::remove_file(&part).expect("ours");
    fs::create_dir(&part).expect("writable");
    let error = refused(&world, &origin, "copy");
    assert!(matches!(error, BeginFetchError::PartInTheWay { .. }), "{error:?}");
    let tree = world.publish(&world.tree("tree"));
    symlink(world.path("peer-data"), world.part(&tree, "copy")).expect("writable");
    let error = refused(&world, &tree, "copy");
    assert!(matches!(error, BeginFetchError::PartInTheWay { .. }), "{error:?}");
}

#[test]
fn two_stores_do_not_write_one_partial_file() {
    let world = World::new();
    let origin = world.publish(&world.tree("tree"));
    let first = world.begin(&origin, "copy").expect("nothing is in the way");
    let error = begin(&world.origin, &origin, &world.path("copy"));
    // The origin has the content itself, so it makes a second copy, and meets the lock.
    assert!(matches!(error, Err(BeginFetchError::PartInUse { .. })), "{error:?}");
    transfer(&origin, &first);
    first.finish().expect("all chunks are there");
    let adopted = begin(&world.origin, &origin, &world.path("copy")).expect("it is the content");
    assert!(adopted.is_finished());
}
