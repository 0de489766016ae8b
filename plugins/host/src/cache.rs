//! Compiled modules in a private directory, so that a node compiles each module once.
//!
//! What lies here is machine code that will be run. So the directory must belong to this user and nobody
//! else may write to it, a file is read only under the name that this host would give it, and only if it
//! still has the hash that it was written with.

use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::module::ModuleId;

/// Bytes of the hash in front of the code.
const HASH: usize = 32;

#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// Stands for wasmtime's version and settings, and for the processor.
    engine: String,
}

impl Cache {
    /// Makes the directory, or checks that it is private.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> io::Result<Cache> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let found = fs::symlink_metadata(folder)?;
        let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        if !found.is_dir() {
            return refused("it is no directory");
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return refused("it belongs to another user");
        }
        if found.permissions().mode() & 0o077 != 0 {
            return refused("others have rights to it; `chmod 700` it");
        }
        let mut hasher = Blake3Hasher(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Cache {
            folder: folder.to_owned(),
            engine: hasher.0.finalize().to_hex()[..16].to_owned(),
        })
    }

    /// The compiled module, if it is here and intact. Anything else is removed, and is no error.
    pub(crate) fn get(&self, engine: &Engine, id: &ModuleId) -> Option<Component> {
        let path = self.path(id);
        let bytes = fs::read(&path).ok()?;
        let component = self.checked(engine, &bytes);
        if component.is_none() {
            let _ = fs::remove_file(&path);
        }
        component
    }

    #[allow(unsafe_code, reason = "machine code can only be run on somebody's word")]
    fn checked(&self, engine: &Engine, bytes: &[u8]) -> Option<Component> {
        let (hash, code) = bytes.split_at_checked(HASH)?;
        if blake3::hash(code).as_bytes() != hash {
            return None;
        }
        // SAFETY: the bytes were written by `put` of the same user from wasmtime's own output: the directory
        // is private, and the hash excludes a torn or decayed file. wasmtime checks version and settings.
        unsafe { Component::deserialize(engine, code) }.ok()
    }

    /// Keeps a compiled module. A failure costs the next start a compilation, nothing else.
    pub(crate) fn put(&self, component: &Component, id: &ModuleId) -> io::Result<()> {
        let code = component.serialize().map_err(io::Error::other)?;
        let temporary = tempfile_in(&self.folder)?;
        let mut file = File::options().write(true).open(&temporary)?;
        file.write_all(blake3::hash(&code).as_bytes())?;
        file.write_all(&code)?;
        file.sync_all()?;
        fs::rename(&temporary, self.path(id))
    }

    fn path(&self, id: &ModuleId) -> PathBuf {
        self.folder.join(format!("{id}-{}.cwasm", self.engine))
    }
}

/// A new empty file in the folder, readable by this user only.
fn tempfile_in(folder: &Path) -> io::Result<PathBuf> {
    use std::os::unix::fs::OpenOptionsExt;
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".{}-{next}.tmp", std::process::id()));
    File::options().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    Ok(path)
}

/// Lets BLAKE3 stand where the standard library wants a hasher, because its own hash may change.
struct Blake3Hasher(blake3::Hasher);

impl Hasher for Blake3Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash = self.0.finalize();
        u64::from_le_bytes(std::array::from_fn(|at| hash.as_bytes()[at]))
    }
}
