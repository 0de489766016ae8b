//! A policy that can be asked, and what is thought of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use samara_policy::{Description, Policy, Question};
use samara_policy_balanced::Balanced;
use samara_policy_host::{Brief, Instance, Module, Reply, show_value};

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
    /// Its last answer was quick enough to be asked for where the question arises.
    quick: AtomicBool,
    /// The instance of the actors' thread, made when it is first asked there.
    here: Mutex<Option<Instance>>,
    book: Mutex<Book>,
}

/// What a quick module may use on the actors' thread. Being called back from another thread costs two wake-ups,
/// some times as much as an answer, and the answer comes a nap of the data plane later. The fuel is about ten
/// times what a question of 64 peers takes, a tenth of a millisecond; the deadline is for what takes time but
/// no fuel, and is paid once: a module that needs more is asked on its own thread until it is quick again.
const BRIEF: Brief = Brief { fuel: 2_000_000, deadline: Duration::from_millis(10) };
/// Quick is what takes at most half of the fuel, and this long.
const QUICK: Duration = Duration::from_millis(1);

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
        Loaded {
            module,
            description,
            parameters,
            file,
            quick: AtomicBool::new(false),
            here: Mutex::default(),
            book: Mutex::new(Book { breaker: Breaker::new(breaker), stats: Stats::default() }),
        }
    }

    /// Asks a module that has been quick, on this thread: it needs [`samara_policy_host::Limits::thread_stack`]
    /// bytes of stack. `None` when it has not been quick, or needs more time or fuel than it may have here.
    pub fn answer_here(&self, question: &Question) -> Option<Reply> {
        let module = self.module.as_ref().filter(|_| self.quick.load(Ordering::Relaxed))?;
        let mut here = self.here.try_lock().ok()?;
        let begun = Instant::now();
        let instance = here.get_or_insert_with(|| module.instance());
        let answer = instance.answer_briefly(question, BRIEF);
        let (took, called) = (begun.elapsed(), instance.called());
        let Some(answer) = answer.transpose() else {
            self.quick.store(false, Ordering::Relaxed);
            return None;
        };
        Some(Reply { answer, waited: Duration::ZERO, took, called })
    }

    /// Takes note of what an answer cost.
    pub fn took(&self, reply: &Reply) {
        let quick =
            reply.answer.is_ok() && reply.took <= QUICK && reply.called.fuel <= BRIEF.fuel / 2;
        self.quick.store(quick, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use samara_policy::Hook;
    use samara_policy::testing::scenario;
    use samara_policy_host::{Called, Host, Limits};

    use super::*;

    fn turns_slow() -> Loaded {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/misbehaving");
        let text = std::fs::read_to_string(folder.join("turns-slow.wat")).expect("a text");
        let bytes = wat::parse_str(text).expect("valid text");
        let bytes = samara_policy_build::componentize(&bytes).expect("a component");
        let module = Host::new(Limits::default()).expect("a host").load(&bytes).expect("a policy");
        Loaded::module(module, vec![], Path::new("turns-slow.wasm"), BreakerConfig::default())
    }

    fn reply(took: Duration, fuel: u64) -> Reply {
        let answer = Ok(Balanced.answer(&scenario(Hook::Offers, 4, 10, 1)));
        let called = Called { fuel, ..Called::default() };
        Reply { answer, waited: Duration::ZERO, took, called }
    }

    #[test]
    fn a_module_is_asked_here_once_it_was_quick_and_until_it_is_not() {
        let loaded = turns_slow();
        let question = scenario(Hook::Offers, 4, 10, 1);
        let quick = reply(Duration::from_micros(20), 100_000);
        assert!(loaded.answer_here(&question).is_none(), "nothing is known of it");
        loaded.took(&quick);
        let answered = (0..100).take_while(|_| loaded.answer_here(&question).is_some()).count();
        assert_eq!(answered, 20, "the next one has no end");
        assert!(loaded.answer_here(&question).is_none(), "it is not quick any more");
        loaded.took(&quick);
        assert!(loaded.answer_here(&question).is_some(), "a fresh instance");
    }

    #[test]
    fn what_is_slow_hungry_or_fails_is_not_asked_here() {
        let question = scenario(Hook::Offers, 4, 10, 1);
        let fault = samara_policy_host::Fault::Queue;
        let failed = Reply { answer: Err(fault), ..reply(Duration::ZERO, 0) };
        let slow = reply(2 * QUICK, 100_000);
        let hungry = reply(Duration::from_micros(20), BRIEF.fuel);
        for not_quick in [failed, slow, hungry] {
            let loaded = turns_slow();
            loaded.took(&reply(Duration::ZERO, 0));
            assert!(loaded.answer_here(&question).is_some());
            loaded.took(&not_quick);
            assert!(loaded.answer_here(&question).is_none(), "{not_quick:?}");
        }
        assert!(Loaded::built_in().answer_here(&question).is_none(), "it has no module");
    }
}
