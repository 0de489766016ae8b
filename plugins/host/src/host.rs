//! Turns files into modules.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine};

use crate::bindings::PolicyPre;
use crate::cache::Cache;
use crate::instance::{Guest, Instance};
use crate::limits::Limits;
use crate::load_error::LoadError;
use crate::module::{Module, ModuleId};
use crate::sniff::{Kind, sniff};
use crate::ticker::Ticker;

/// The export that makes a component a policy, with the version of the contract.
pub const CONTRACT: &str = "samara:policy/strategy@1.0.0";
/// The same without the version.
const CONTRACT_NAME: &str = "samara:policy/strategy@";
/// Stack of the thread that compiles.
const COMPILE_STACK: usize = 8 << 20;

/// Compiles modules and limits what they do. Cheap to clone; clones share everything. Modules keep it alive.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) ticker: Option<Ticker>,
    cache: Option<Cache>,
    /// One compilation at a time: it takes a whole core.
    compiling: Mutex<()>,
}

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The compiler does not take the settings, or does not know this processor.
    #[error("could not set up the WASM engine: {0}")]
    Engine(String),
    /// No thread for the clock of deadlines.
    #[error("could not start the thread that watches deadlines")]
    Ticker(#[source] io::Error),
    /// The directory cannot be used.
    #[error("could not use {folder} for compiled modules")]
    Cache {
        /// The directory.
        folder: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Host {
    /// A host that keeps nothing on disk.
    ///
    /// # Errors
    /// When the limits make no engine (a stack of zero bytes), or no thread can be started.
    pub fn new(limits: Limits) -> Result<Host, HostError> {
        Host::build(limits, None)
    }

    /// A host that keeps compiled modules in `folder`, which it makes with rights for this user alone.
    ///
    /// # Errors
    /// As [`Host::new`]; also when the folder cannot be made, is another user's, or is open to others.
    pub fn with_cache(limits: Limits, folder: &Path) -> Result<Host, HostError> {
        Host::build(limits, Some(folder))
    }

    fn build(limits: Limits, folder: Option<&Path>) -> Result<Host, HostError> {
        let engine = Engine::new(&config(&limits));
        let engine = engine.map_err(|error| HostError::Engine(format!("{error:#}")))?;
        let ticker = limits.deadline.map(|_| Ticker::start(&engine)).transpose();
        let ticker = ticker.map_err(HostError::Ticker)?;
        let cache = folder.map(|folder| Cache::open(folder, &engine)).transpose();
        let cache = cache.map_err(|source| HostError::Cache {
            folder: folder.map(|folder| folder.display().to_string()).unwrap_or_default(),
            source,
        })?;
        let compiling = Mutex::new(());
        Ok(Host { inner: Arc::new(Inner { engine, limits, ticker, cache, compiling }) })
    }

    /// What modules of this host may use.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// How often the thread that watches deadlines had died and was started again; 0 in health.
    pub fn ticker_restarts(&self) -> u64 {
        self.inner.ticker.as_ref().map_or(0, Ticker::restarts)
    }

    /// Checks a file, compiles it, and asks it to describe itself. Blocks for about 1.5 ms a KiB (nothing
    /// when it was compiled before and there is a cache), on a thread of its own: call it where blocking is
    /// allowed.
    ///
    /// # Errors
    /// When the file is not a policy of this contract or does not keep to the limits.
    pub fn load(&self, bytes: &[u8]) -> Result<Module, LoadError> {
        let work = || self.load_here(bytes);
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("policy-load".to_owned());
            let stack = COMPILE_STACK + self.inner.limits.thread_stack();
            let thread = thread.stack_size(stack).spawn_scoped(scope, work);
            match thread.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(loaded)) => loaded,
                Ok(Err(_)) => Err(LoadError::Damaged("the compiler gave up on it".to_owned())),
                Err(error) => Err(LoadError::Start(format!("no thread to compile on: {error}"))),
            }
        })
    }

    fn load_here(&self, bytes: &[u8]) -> Result<Module, LoadError> {
        let limit = self.inner.limits.file_bytes;
        if bytes.len() > limit {
            return Err(LoadError::FileSize { size: bytes.len(), limit });
        }
        match sniff(bytes) {
            Kind::Component => {}
            Kind::CoreModule => return Err(LoadError::CoreModule),
            Kind::Native => return Err(LoadError::Native),
            Kind::Other => return Err(LoadError::NotWasm),
        }
        let id = ModuleId::of(bytes);
        let component = self.compile(bytes, &id)?;
        self.check_interface(&component)?;
        let guest = self.link(&component)?;
        let mut instance = Instance::new(Arc::clone(&self.inner), guest.clone());
        instance.start().map_err(|fault| start_error(&fault))?;
        let description = instance.describe()?;
        Ok(Module::new(Arc::clone(&self.inner), guest, id, bytes.len(), description))
    }

    fn compile(&self, bytes: &[u8], id: &ModuleId) -> Result<Component, LoadError> {
        let _one_at_a_time = self.inner.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        let (engine, cache) = (&self.inner.engine, &self.inner.cache);
        if let Some(component) = cache.as_ref().and_then(|cache| cache.get(engine, id)) {
            return Ok(component);
        }
        let component = Component::new(engine, bytes)
            .map_err(|error| LoadError::Damaged(format!("{:#}", error.root_cause())))?;
        if let Some(cache) = cache {
            // Without the copy the next start compiles again; nothing else is lost.
            let _ = cache.put(&component, id);
        }
        Ok(component)
    }

    /// No imports at all, and the right version of the contract.
    fn check_interface(&self, component: &Component) -> Result<(), LoadError> {
        let (engine, kind) = (&self.inner.engine, component.component_type());
        let imports: Vec<String> = kind.imports(engine).map(|(name, _)| name.to_owned()).collect();
        if !imports.is_empty() {
            return Err(LoadError::Imports(imports));
        }
        let exports: Vec<String> = kind.exports(engine).map(|(name, _)| name.to_owned()).collect();
        if exports.iter().any(|name| name == CONTRACT) {
            return match kind.get_export(engine, CONTRACT).map(|export| export.ty) {
                Some(ComponentItem::ComponentInstance(_)) => Ok(()),
                _ => Err(LoadError::WrongTypes("it is no interface".to_owned())),
            };
        }
        let found = exports.into_iter().find(|name| name.starts_with(CONTRACT_NAME));
        Err(found.map_or(LoadError::MissingExport, |found| LoadError::Version { found }))
    }

    fn link(&self, component: &Component) -> Result<Guest, LoadError> {
        let wrong = |error: wasmtime::Error| LoadError::WrongTypes(format!("{error:#}"));
        // An empty linker is what "no capability" means.
        let linker = Linker::new(&self.inner.engine);
        PolicyPre::new(linker.instantiate_pre(component).map_err(wrong)?).map_err(wrong)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}

fn config(limits: &Limits) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(limits.deadline.is_some())
        .max_wasm_stack(limits.stack_bytes)
        // Not used, but compared with the above.
        .async_stack_size(limits.thread_stack())
        // The same bits on every machine: no payload bits of NaN, no instructions whose results may differ.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_backtrace_max_frames(None);
    config
}

fn start_error(fault: &crate::Fault) -> LoadError {
    match fault {
        crate::Fault::Start(why) if why.contains("type mismatch") => {
            LoadError::WrongTypes(why.clone())
        }
        crate::Fault::Start(why) => LoadError::Start(why.clone()),
        other => LoadError::Start(other.to_string()),
    }
}
