//! A policy that can be asked, and what is thought of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use samara_policy::{Description, Policy};
use samara_policy_balanced::Balanced;
use samara_policy_host::{Module, show_value};

use super::breaker::{Breaker, BreakerConfig, Condition};
use super::stats::Stats;
use super::status::PolicyName;

/// A module with values for its parameters, or the built-in policy.
pub struct Loaded {
    /// What is asked; `None` is the built-in policy.
    pub module: Option<Module>,
    /// What it says of itself.
    pub description: Description,
    /// Values of its parameters.
    pub parameters: Vec<u64>,
    file: String,
    quick: AtomicBool,
    book: Mutex<Book>,
}

/// A quick module's answer is waited for this long: being called back by another thread would come a nap of the
/// data plane later, and cost a wake-up. A module that is slower is not waited for until it is quick again.
pub const PATIENCE: Duration = Duration::from_millis(1);

/// What changes with each call.
pub struct Book {
    /// When to ask it.
    pub breaker: Breaker,
    /// What came of it.
    pub stats: Stats,
}

impl Loaded {
    /// The policy that is part of the node.
    pub fn built_in() -> Loaded {
        let description = Balanced.describe();
        let parameters = description.parameters.iter().map(|one| one.default).collect();
        Loaded::new(None, description, parameters, String::new(), BreakerConfig::default())
    }

    /// A module from a file.
    pub fn module(
        module: Module,
        parameters: Vec<u64>,
        file: &Path,
        breaker: BreakerConfig,
    ) -> Loaded {
        let description = module.description().clone();
        Loaded::new(Some(module), description, parameters, file.display().to_string(), breaker)
    }

    fn new(
        module: Option<Module>,
        description: Description,
        parameters: Vec<u64>,
        file: String,
        breaker: BreakerConfig,
    ) -> Loaded {
        let book = Mutex::new(Book { breaker: Breaker::new(breaker), stats: Stats::default() });
        Loaded { module, description, parameters, file, quick: AtomicBool::new(true), book }
    }

    /// Whether its last answer came soon enough to wait for the next one.
    pub fn is_quick(&self) -> bool {
        self.quick.load(Ordering::Relaxed)
    }

    /// An answer took so long, from asking to having it.
    pub fn took(&self, time: Duration) {
        self.quick.store(time <= PATIENCE, Ordering::Relaxed);
    }

    /// What changes with each call. Locked for moments only.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Trusts it anew, as an operator wishes.
    pub fn forgive(&self, config: BreakerConfig) {
        self.book().breaker = Breaker::new(config);
    }

    /// Which policy this is.
    pub fn name(&self) -> PolicyName {
        PolicyName {
            name: self.description.name.clone(),
            version: self.description.version.clone(),
            id: self
                .module
                .as_ref()
                .map_or("built-in".to_owned(), |module| module.id().to_string()),
            file: self.file.clone(),
        }
    }

    /// The values of its parameters, as people write them.
    pub fn written_parameters(&self) -> BTreeMap<String, String> {
        let pairs = self.description.parameters.iter().zip(&self.parameters);
        pairs
            .map(|(parameter, value)| (parameter.name.clone(), show_value(parameter.kind, *value)))
            .collect()
    }

    /// What came of it, and what is thought of it.
    pub fn look(&self) -> (Stats, &'static str) {
        let book = self.book();
        let condition = match book.breaker.condition() {
            Condition::Closed => "trusted",
            Condition::Open => "left-alone",
            Condition::HalfOpen => "on-trial",
            Condition::Quarantined => "quarantined",
        };
        (book.stats.clone(), condition)
    }
}
