//! On a file system of 1 MiB, mounted for the test; skipped where that is not allowed.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::StoreChunkError;
use crate::reserve::{Reserve, Room};
use samara_model::ByteCount;

struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "samara-test"])
            .arg(dir.path())
            .output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(SmallDisk { dir });
        }
        eprintln!("skipped: a small file system can only be mounted by root");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.dir.path()).output();
    }
}

#[test]
fn a_disk_that_fills_up_in_mid_transfer_records_nothing_and_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 40 * CHUNK_BYTES, 1));
    let output = disk.dir.path().join("copy");
    let fetched = begin(&world.peer, &origin, &output).expect("there is room");
    send(&origin, &fetched, 0);
    let filler = disk.dir.path().join("filler");
    let filled = fs::write(&filler, vec![1; 2 << 20]);
    assert!(filled.is_err(), "the disk is smaller than that");
    let mut chunk = Vec::new();
    origin.read_chunk(1, &mut chunk).expect("the origin has it");
    let digest = *blake3::hash(&chunk).as_bytes();
    let full = fetched.store_chunk(1, digest, &chunk);
    assert!(matches!(full, Err(StoreChunkError::DiskFull { chunk: 1, .. })), "{full:?}");
    assert!(!fetched.has(1) && fetched.has(0));
    assert_eq!(fetched.free_space(), Some(ByteCount(0)));
    fs::remove_file(filler).expect("ours");
    transfer(&origin, &fetched);
    fetched.finish().expect("all chunks are there");
    assert!(fs::read(output).expect("finished") == bytes(40 * CHUNK_BYTES, 1));
}

#[test]
fn too_little_space_is_told_before_anything_is_written() {
    let Some(disk) = SmallDisk::mount() else { return };
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 100 * CHUNK_BYTES, 1));
    match begin(&world.peer, &origin, &disk.dir.path().join("copy")) {
        Err(BeginFetchError::NotEnoughSpace { needed, free, .. }) => {
            assert_eq!(needed, origin.total());
            assert!(free.0 <= 1 << 20);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read_dir(disk.dir.path()).expect("there").count(), 0);
}

#[test]
fn what_shall_stay_free_stays_free_and_the_fetch_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 10 * CHUNK_BYTES, 1));
    let peer = Store::open(&disk.dir.path().join("data")).expect("nobody else has it");
    let output = disk.dir.path().join("copy");
    peer.keep_free(ByteCount(900 << 10));
    match begin(&peer, &origin, &output) {
        Err(BeginFetchError::NotEnoughSpace { reserve, free, .. }) => {
            assert_eq!(reserve, ByteCount(900 << 10));
            assert!(free > reserve, "{free:?}");
        }
        other => panic!("{other:?}"),
    }
    peer.keep_free(ByteCount(512 << 10));
    let fetched = begin(&peer, &origin, &output).expect("there is room");
    send(&origin, &fetched, 0);
    let filler = disk.dir.path().join("filler");
    let free = fetched.free_space().expect("it tells").0 as usize;
    fs::write(&filler, vec![1; free]).expect("the rest is free still");
    let mut chunk = Vec::new();
    // What was known of the file system may be good for a few chunks more.
    let refused = (1..10).find_map(|number| {
        origin.read_chunk(number, &mut chunk).expect("the origin has it");
        fetched.store_chunk(number, *blake3::hash(&chunk).as_bytes(), &chunk).err()
    });
    assert!(matches!(refused, Some(StoreChunkError::TooLittleFree { .. })), "{refused:?}");
    fs::remove_file(filler).expect("ours");
    transfer(&origin, &fetched);
    fetched.finish().expect("all chunks are there");
    // On another file system nothing is kept free.
    let elsewhere = begin(&peer, &origin, &world.path("copy")).expect("a copy");
    elsewhere.finish().expect("copied");
}

/// The device was looked at once, when a fetch began: what was mounted later was never kept free.
#[test]
fn a_file_system_that_is_mounted_later_is_seen() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (dir, data) = (folder.path().join("output"), folder.path().join("data"));
    fs::create_dir(&dir).and_then(|()| fs::create_dir(&data)).expect("created");
    let reserve = Arc::new(Reserve::default());
    reserve.set(ByteCount(1));
    let room = Room::new(&dir, &data, &reserve);
    assert_eq!(room.reserve(), ByteCount(1), "both are on one file system");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "samara-test"]).arg(&data).output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        eprintln!("skipped: a small file system can only be mounted by root");
        return;
    }
    let apart = room.reserve();
    Command::new("umount").arg(&data).output().expect("it was mounted");
    assert_eq!(apart, ByteCount(0), "nothing is kept free on another one");
    assert_eq!(room.reserve(), ByteCount(1));
}

#[test]
fn a_copy_to_another_file_system_works() {
    let Some(disk) = SmallDisk::mount() else { return };
    let world = World::new();
    let origin = world.publish(&world.file("model.bin", 20 * CHUNK_BYTES + 1, 1));
    let output = disk.dir.path().join("copy");
    let copy = begin(&world.origin, &origin, &output).expect("there is room");
    copy.finish().expect("all chunks were copied");
    assert!(fs::read(output).expect("there") == bytes(20 * CHUNK_BYTES + 1, 1));
}
