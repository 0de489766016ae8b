//! Facts about the whole crate: a content from its source to its final place, and everything that can
//! get in the way.

mod damage;
mod fetching;
mod finishing;
mod full_disk;
mod importing;
mod processes;
mod resuming;
mod second_fetch;
mod serving;
mod storing;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use samara_model::{ContentId, MIN_CHUNK_SIZE, Manifest};
use tempfile::TempDir;

use crate::{BeginFetchError, Content, Imported, Store};

/// The chunk size of most tests.
const CHUNK: u32 = MIN_CHUNK_SIZE;
const CHUNK_BYTES: usize = MIN_CHUNK_SIZE as usize;

/// An origin and a peer, each with a data directory, and room for files.
struct World {
    dir: TempDir,
    origin: Store,
    peer: Store,
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let origin = Store::open(&dir.path().join("origin-data")).expect("nobody else has it");
        let peer = Store::open(&dir.path().join("peer-data")).expect("nobody else has it");
        World { dir, origin, peer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file of `len` bytes that depend on `flavour`, written long ago.
    fn file(&self, name: &str, len: usize, flavour: u8) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is below the root")).expect("writable");
        write_aged(&path, &bytes(len, flavour));
        path
    }

    /// A tree with everything that may be in one.
    fn tree(&self, name: &str) -> PathBuf {
        let root = self.path(name);
        self.file(&format!("{name}/a.bin"), 3 * CHUNK_BYTES + 5, 1);
        self.file(&format!("{name}/deep/er/b.bin"), 7, 2);
        self.file(&format!("{name}/deep/zero"), 0, 0);
        self.file(&format!("{name}/run.sh"), 2 * CHUNK_BYTES, 3);
        fs::create_dir(root.join("nothing")).expect("writable");
        std::os::unix::fs::symlink("er/b.bin", root.join("deep/link")).expect("writable");
        std::os::unix::fs::symlink("missing", root.join("dangling")).expect("writable");
        set_mode(&root.join("run.sh"), 0o755);
        set_mode(&root.join("a.bin"), 0o440);
        set_mode(&root.join("nothing"), 0o750);
        set_mode(&root.join("deep/er"), 0o555);
        root
    }

    fn publish(&self, path: &Path) -> Arc<Content> {
        publish(&self.origin, path)
    }

    fn begin(&self, origin: &Content, output: &str) -> Result<Arc<Content>, BeginFetchError> {
        begin(&self.peer, origin, &self.path(output))
    }

    /// Everything published at the origin, fetched and finished at the peer.
    fn fetch(&self, origin: &Content, output: &str) -> Arc<Content> {
        let fetched = self.begin(origin, output).expect("nothing is in the way");
        transfer(origin, &fetched);
        fetched.finish().expect("all chunks are there");
        fetched
    }

    /// The peer as after a restart.
    fn restart_peer(&mut self) {
        let spare = Store::open(&self.path("spare-data")).expect("nobody else has it");
        drop(std::mem::replace(&mut self.peer, spare));
        self.peer = Store::open(&self.path("peer-data")).expect("it was closed");
    }

    fn part(&self, origin: &Content, output: &str) -> PathBuf {
        self.path(&format!(".{output}.{}.part", &origin.id().to_string()[..16]))
    }
}

fn publish(store: &Store, path: &Path) -> Arc<Content> {
    let imported = import(path);
    let (id, bytes) = encode(&imported.manifest);
    store.publish(id, bytes, imported, path).expect("nothing changed meanwhile")
}

fn import(path: &Path) -> Imported {
    Store::import(path, Some(CHUNK), &|_, _| {}, &go()).expect("the source is fine")
}

fn begin(store: &Store, origin: &Content, output: &Path) -> Result<Arc<Content>, BeginFetchError> {
    let (bytes, manifest) = (origin.manifest_bytes(), origin.manifest());
    store.begin_fetch(origin.id(), bytes, manifest, output, &|_, _| {}, &go())
}

/// Copies every chunk that is missing.
fn transfer(from: &Content, to: &Content) {
    let missing: Vec<u32> = to.have().iter_missing().collect();
    for chunk in missing {
        send(from, to, chunk);
    }
}

fn send(from: &Content, to: &Content, chunk: u32) -> crate::Stored {
    let mut bytes = Vec::new();
    from.read_chunk(chunk, &mut bytes).expect("the origin has it");
    to.store_chunk(chunk, *blake3::hash(&bytes).as_bytes(), &bytes).expect("it is right")
}

/// Any encoding will do here; the crate sees bytes.
fn encode(manifest: &Manifest) -> (ContentId, Vec<u8>) {
    let bytes = serde_json::to_vec(manifest).expect("a manifest has only string keys");
    (ContentId(*blake3::hash(&bytes).as_bytes()), bytes)
}

fn bytes(len: usize, flavour: u8) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&[flavour]).finalize_xof().fill(&mut bytes);
    bytes
}

/// Writes with an old modification time, so that any later write shows.
fn write_aged(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("writable");
    let file = File::options().write(true).open(path).expect("just written");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    file.set_modified(long_ago).expect("our own file");
}

fn set_mode(path: &Path, mode: u32) {
    crate::part::set_mode(path, mode).expect("our own file");
}

fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// A stop flag that is not raised.
fn go() -> AtomicBool {
    AtomicBool::new(false)
}

/// Both trees have the same entries, modes, links and bytes.
fn assert_same_tree(a: &Path, b: &Path) {
    let (a_list, b_list) = (walk(a), walk(b));
    assert_eq!(a_list, b_list);
    for entry in a_list {
        if matches!(entry.kind, samara_model::FileKind::Regular { .. }) {
            let read = |root: &Path| fs::read(root.join(&entry.path)).expect("it is there");
            assert!(read(a) == read(b), "{} differs", entry.path);
        }
    }
}

fn walk(root: &Path) -> Vec<samara_model::FileEntry> {
    crate::walk::walk_tree(root).unwrap_or_else(|error| panic!("{error:?}")).entries
}
