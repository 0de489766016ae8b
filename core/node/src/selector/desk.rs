//! The book of a node's policies. It outlives the `Selector` actor, and changes under one lock, so that a
//! swap is one assignment between two questions.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use samara_engine::swarm::PolicyFacts;
use samara_policy::{Description, column};
use samara_policy_host::{Host, Limits, Pool, PoolConfig};

use super::breaker::BreakerConfig;
use super::load::{self, PolicyError, PolicyMode, PolicyRequest};
use super::loaded::Loaded;
use super::status::{PolicyName, PolicyRow, PolicyStatus};

/// What is active, and what else is loaded.
#[derive(Clone)]
pub struct Current {
    /// The policy that decides.
    pub active: Arc<Loaded>,
    /// The built-in policy answers in its place.
    pub quarantined: bool,
    /// The policy that is tried beside it.
    pub shadow: Option<Arc<Loaded>>,
    /// What was active before.
    pub previous: Option<Arc<Loaded>>,
    /// What the engine knows of the active one.
    pub facts: Arc<PolicyFacts>,
    /// The threads; none before the first module.
    pub threads: Option<Arc<Threads>>,
}

/// Threads that ask modules. The shadow has its own, so that it never delays the active policy.
pub struct Threads {
    host: Host,
    /// For the active policy.
    pub active: Pool,
    /// For the shadow.
    pub shadow: Pool,
}

/// See the module.
pub struct Desk {
    current: RwLock<Arc<Current>>,
    generation: AtomicU64,
    /// One change at a time; compiling happens under it, and questions do not wait for that.
    changing: Mutex<()>,
    built_in: Arc<Loaded>,
    caches: Vec<PathBuf>,
    limits: Limits,
    breaker: BreakerConfig,
}

impl Desk {
    /// With the built-in policy active. Compiled modules are kept in the first of `caches` that can be used.
    pub fn new(caches: Vec<PathBuf>, limits: Limits, breaker: BreakerConfig) -> Desk {
        let built_in = Arc::new(Loaded::built_in());
        let current = Current {
            active: built_in.clone(),
            quarantined: false,
            shadow: None,
            previous: None,
            facts: Arc::new(PolicyFacts::default()),
            threads: None,
        };
        Desk {
            current: RwLock::new(Arc::new(current)),
            generation: AtomicU64::new(0),
            changing: Mutex::default(),
            built_in,
            caches,
            limits,
            breaker,
        }
    }

    /// Stack that a thread needs to ask a module.
    pub fn stack_bytes(&self) -> usize {
        self.limits.thread_stack()
    }

    /// What is active now.
    pub fn current(&self) -> Arc<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Loads a policy and makes it active, or the shadow. Blocks while it compiles; questions go on.
    ///
    /// # Errors
    /// When it cannot be loaded; nothing has changed then.
    pub fn activate(&self, request: &PolicyRequest) -> Result<(), PolicyError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Current::clone(&self.current());
        let loaded = Arc::new(self.load(request, &mut next)?);
        match request.mode {
            PolicyMode::Active => {
                next.previous = Some(std::mem::replace(&mut next.active, loaded));
                next.quarantined = false;
            }
            PolicyMode::Shadow => next.shadow = Some(loaded),
        }
        self.change(next);
        Ok(())
    }

    fn load(&self, request: &PolicyRequest, next: &mut Current) -> Result<Loaded, PolicyError> {
        if request.file == Path::new(load::BUILT_IN) {
            return load::built_in(request);
        }
        let bytes = load::read(&request.file, self.limits.file_bytes)?;
        let threads = match &next.threads {
            Some(threads) => threads.clone(),
            None => Arc::new(self.start_threads()?),
        };
        let module = threads.host.load(&bytes);
        let module = module.map_err(|why| load::refused(&request.file, why))?;
        let values = load::parameters(module.description(), request)?;
        next.threads = Some(threads);
        Ok(Loaded::module(module, values, &request.file, self.breaker))
    }

    fn start_threads(&self) -> Result<Threads, PolicyError> {
        let host = self.host()?;
        let stack_bytes = self.limits.thread_stack().max(PoolConfig::default().stack_bytes);
        let config = PoolConfig { stack_bytes, ..PoolConfig::default() };
        let pool = |name| Pool::new(name, config).map_err(PolicyError::Threads);
        Ok(Threads { host, active: pool("policy")?, shadow: pool("policy-shadow")? })
    }

    fn host(&self) -> Result<Host, PolicyError> {
        let Some((last, others)) = self.caches.split_last() else {
            return Ok(Host::new(self.limits)?);
        };
        for folder in others {
            match Host::with_cache(self.limits, folder) {
                Ok(host) => return Ok(host),
                Err(error) => tracing::warn!("{error}; {} is used instead", last.display()),
            }
        }
        Ok(Host::with_cache(self.limits, last)?)
    }

    /// Makes the policy active that was so before. It stayed loaded: this takes no time.
    ///
    /// # Errors
    /// When there was none.
    pub fn roll_back(&self) -> Result<(), PolicyError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Current::clone(&self.current());
        let previous = next.previous.take().ok_or(PolicyError::NothingBefore)?;
        previous.forgive(self.breaker);
        next.previous = Some(std::mem::replace(&mut next.active, previous));
        next.quarantined = false;
        self.change(next);
        Ok(())
    }

    /// Takes the shadow away.
    ///
    /// # Errors
    /// When there is none.
    pub fn end_shadow(&self) -> Result<(), PolicyError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Current::clone(&self.current());
        next.shadow.take().ok_or(PolicyError::NoShadow)?;
        self.change(next);
        Ok(())
    }

    /// Puts the built-in policy in the place of one that failed too often; false when that is no longer
    /// active, or was done already. Does not wait for a module that compiles: whoever activates it looks at
    /// what is current under the lock of `current`.
    pub fn quarantine(&self, failed: &Arc<Loaded>) -> bool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&current.active, failed) || current.quarantined {
            return false;
        }
        let mut next = Current::clone(&current);
        next.quarantined = true;
        next.facts = Arc::new(self.next_facts(&next));
        *current = Arc::new(next);
        true
    }

    fn change(&self, mut next: Current) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // What was quarantined meanwhile stays so, unless it is what was replaced.
        if Arc::ptr_eq(&current.active, &next.active) {
            next.quarantined = current.quarantined;
        }
        next.facts = Arc::new(self.next_facts(&next));
        *current = Arc::new(next);
    }

    fn next_facts(&self, next: &Current) -> PolicyFacts {
        let answering = if next.quarantined { &self.built_in } else { &next.active };
        let generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        let shadow = next.shadow.as_ref().map(|shadow| &shadow.description);
        facts(&answering.description, answering.parameters.clone(), shadow, generation)
    }

    /// The policy that is part of the node.
    pub fn built_in(&self) -> &Arc<Loaded> {
        &self.built_in
    }

    /// Everything that a person may want to know.
    pub fn status(&self) -> PolicyStatus {
        let current = self.current();
        PolicyStatus {
            version: 1,
            generation: current.facts.generation,
            active: PolicyRow::of(&current.active),
            quarantined: current.quarantined,
            shadow: current.shadow.as_deref().map(PolicyRow::of),
            previous: current.previous.as_ref().map(|previous| previous.name()),
        }
    }

    /// The active policy's name.
    pub fn active_name(&self) -> PolicyName {
        self.current().active.name()
    }
}

/// What the engine must know of the policy that answers. A shadow may want labels and columns of its own: its
/// labels come behind those of the active one, and both are taken away again before that one is asked.
fn facts(
    answering: &Description,
    parameters: Vec<u64>,
    shadow: Option<&Description>,
    generation: u64,
) -> PolicyFacts {
    let mut facts = PolicyFacts::of(answering, parameters, generation);
    if let Some(shadow) = shadow {
        for label in &shadow.labels {
            if !facts.labels.contains(label) {
                facts.labels.push(label.clone());
            }
        }
        facts.sites |= shadow.columns.contains(&column::SITES);
    }
    facts
}

#[cfg(test)]
mod tests {
    use samara_policy::Policy;
    use samara_policy_balanced::Balanced;

    use super::*;

    #[test]
    fn a_shadow_is_shown_what_it_wants_beside_what_the_active_one_wants() {
        let describe = |labels: &[&str], columns: &[u32]| Description {
            labels: labels.iter().map(ToString::to_string).collect(),
            columns: columns.to_vec(),
            ..Balanced.describe()
        };
        let active = describe(&["tier", "gpu"], &[]);
        let shadow = describe(&["gpu", "site"], &[column::SITES]);
        let alone = facts(&active, vec![], None, 1);
        assert_eq!((alone.labels.len(), alone.sites), (2, false));
        let both = facts(&active, vec![], Some(&shadow), 2);
        assert_eq!(
            (both.labels, both.sites),
            (vec!["tier".into(), "gpu".into(), "site".into()], true)
        );
    }
}
