//! Who decides in a run: policies by name, or whatever the caller brings. One line adds a policy.

use samara_engine::swarm::PolicyFacts;
use samara_policy::{Answer, Description, Policy, Question};
use samara_policy_balanced::Balanced;
use samara_policy_kraken::Kraken;
use samara_policy_least_loaded::LeastLoaded;
use samara_policy_rack_local::RackLocal;
use samara_policy_random::Random;
use samara_policy_rarest_first::RarestFirst;
use samara_policy_sequential::Sequential;

/// What runs where nothing else is said.
pub const BUILT_IN: &str = "balanced";

/// Answers the questions of all nodes of a run. A policy is a function of what it is asked, so one does for
/// all of them.
pub trait Decide {
    /// What it says of itself.
    fn description(&self) -> Description;

    /// What the engine must know of it. With the defaults of its parameters, unless it was given others.
    fn facts(&self) -> PolicyFacts {
        let description = self.description();
        let parameters = description.parameters.iter().map(|one| one.default).collect();
        PolicyFacts::of(&description, parameters, 1)
    }

    /// The answer; `None` when it fails, and the engine asks the built-in policy instead.
    fn decide(&mut self, question: &Question) -> Option<Answer>;
}

/// A policy that was compiled with the simulator.
#[derive(Debug, Clone, Copy)]
pub struct Native<P>(pub P);

impl<P: Policy> Decide for Native<P> {
    fn description(&self) -> Description {
        self.0.describe()
    }

    fn decide(&mut self, question: &Question) -> Option<Answer> {
        Some(self.0.answer(question))
    }
}

type Make = fn() -> Box<dyn Decide>;

const POLICIES: &[(&str, Make)] = &[
    (BUILT_IN, || Box::new(Native(Balanced))),
    ("kraken", || Box::new(Native(Kraken))),
    ("least-loaded", || Box::new(Native(LeastLoaded))),
    ("rack-local", || Box::new(Native(RackLocal))),
    ("random", || Box::new(Native(Random))),
    ("rarest-first", || Box::new(Native(RarestFirst))),
    ("sequential", || Box::new(Native(Sequential))),
];

/// The policy of this name.
pub fn find(name: &str) -> Option<Box<dyn Decide>> {
    let found = POLICIES.iter().find(|(known, _)| *known == name);
    found.map(|(_, make)| make())
}

/// All names, as they are written in scenarios and on the command line.
pub fn names() -> impl Iterator<Item = &'static str> {
    POLICIES.iter().map(|(name, _)| *name)
}
