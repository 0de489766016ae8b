//! Whatever the files of the data directory hold: no panic, nothing unverified, and the fetch works.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::record::Meta;

fn check(damage: &[(&str, Vec<u8>)]) {
    let mut world = World::new();
    let origin = world.publish(&world.file("model.bin", 9 * CHUNK_BYTES, 1));
    let fetched = world.begin(&origin, "copy").expect("nothing is in the way");
    send(&origin, &fetched, 4);
    drop(fetched);
    let record = world.path(&format!("peer-data/contents/{}", origin.id()));
    for (name, bytes) in damage {
        fs::write(record.join(name), bytes).expect("writable");
    }
    world.restart_peer();
    world.peer.records();
    let known = world.peer.known_manifest(&origin.id());
    assert!(known.is_none_or(|known| *known == **origin.manifest_bytes()));
    let resumed = world.begin(&origin, "copy").expect("damage only costs time");
    for chunk in resumed.have().iter() {
        assert!(resumed.verify_chunk(chunk).expect("it is there"));
    }
    transfer(&origin, &resumed);
    resumed.finish().expect("all chunks are there");
    assert!(fs::read(world.path("copy")).expect("finished") == bytes(9 * CHUNK_BYTES, 1));
    world.restart_peer();
    assert!(world.begin(&origin, "copy").expect("it is there").is_finished());
}

#[test]
fn typical_damage_is_survived() {
    check(&[("meta.json", vec![]), ("verified", vec![]), ("manifest", vec![])]);
    check(&[("verified", vec![0xff, 0x01])]);
    check(&[("verified", vec![0xff, 0xff])]);
    check(&[("manifest", b"other".to_vec())]);
    check(&[("meta.json", vec![b'['; 100_000])]);
    let stamped = |count| {
        let stamps = vec![crate::FileStamp::default(); count];
        let meta = Meta::new(Path::new("/nowhere"), true, Some(stamps));
        serde_json::to_vec(&meta).expect("a record has only string keys")
    };
    for count in [0, 1, 2] {
        check(&[("meta.json", stamped(count))]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_bytes_in_the_records_are_survived(
        meta in proptest::collection::vec(any::<u8>(), 0..200),
        verified in proptest::collection::vec(any::<u8>(), 0..4),
        cut in 0usize..100,
    ) {
        check(&[("meta.json", meta), ("verified", verified.clone())]);
        let whole = Meta::new(Path::new("/nowhere"), false, None);
        let mut json = serde_json::to_vec(&whole).expect("a record has only string keys");
        json.truncate(cut);
        check(&[("meta.json", json), ("verified", verified)]);
    }
}

#[test]
fn a_path_that_is_no_text_survives_the_record() {
    use std::os::unix::ffi::OsStringExt;
    for name in [b"plain".to_vec(), vec![b'x', 0xff, b'y']] {
        let path = PathBuf::from(std::ffi::OsString::from_vec(name));
        let json = serde_json::to_vec(&Meta::new(&path, false, None)).expect("it has a form");
        let back: Meta = serde_json::from_slice(&json).expect("it was just written");
        assert_eq!(back.output(), path);
    }
}
