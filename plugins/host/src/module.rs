//! A compiled policy.

use std::fmt;
use std::sync::Arc;

use samara_policy::Description;

use crate::host::Inner;
use crate::instance::{Guest, Instance};
use crate::limits::Limits;

/// A compiled policy that has passed all checks. Cheap to clone; what is running stays alive until the last
/// clone and instance are gone.
#[derive(Clone)]
pub struct Module {
    compiled: Arc<Compiled>,
}

struct Compiled {
    host: Arc<Inner>,
    guest: Guest,
    id: ModuleId,
    size: usize,
    description: Description,
}

/// The BLAKE3 hash of the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId([u8; 32]);

impl ModuleId {
    /// Of this file.
    pub fn of(bytes: &[u8]) -> ModuleId {
        ModuleId(*blake3::hash(bytes).as_bytes())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Module {
    pub(crate) fn new(
        host: Arc<Inner>,
        guest: Guest,
        id: ModuleId,
        size: usize,
        description: Description,
    ) -> Module {
        Module { compiled: Arc::new(Compiled { host, guest, id, size, description }) }
    }

    /// The BLAKE3 hash of its file, which is its name.
    pub fn id(&self) -> ModuleId {
        self.compiled.id
    }

    /// What it says of itself, checked.
    pub fn description(&self) -> &Description {
        &self.compiled.description
    }

    /// Bytes of its file.
    pub fn size(&self) -> usize {
        self.compiled.size
    }

    /// What it may use.
    pub fn limits(&self) -> &Limits {
        &self.compiled.host.limits
    }

    /// An instance, whose memory is made at its first call (about 6 us). The thread that calls it needs
    /// [`Limits::thread_stack`] bytes of stack; the 2 MiB of Rust's own threads are enough for the defaults.
    pub fn instance(&self) -> Instance {
        Instance::new(Arc::clone(&self.compiled.host), self.compiled.guest.clone())
    }

    /// Whether both are clones of one loaded module.
    pub(crate) fn same(&self, other: &Module) -> bool {
        Arc::ptr_eq(&self.compiled, &other.compiled)
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("id", &self.compiled.id)
            .field("name", &self.compiled.description.name)
            .finish_non_exhaustive()
    }
}
