//! Who decides in a simulation: a policy of the simulator by name, or a module from a file, limited by fuel
//! alone so that a run repeats.

use std::path::Path;

use samara_policy::{Answer, Description, Question};
use samara_policy_host::{Instance, Limits, Module};
use samara_sim::{BUILT_IN, Decide, PolicyFacts, find_policy, policy_names};

use crate::exit::Failure;
use crate::policy::module::{self, Loaded, Params};

/// A policy for a run, with the name that the report gives it.
pub struct Decider {
    /// The name.
    pub name: String,
    /// Who is asked.
    pub decide: Box<dyn Decide>,
}

/// A module, asked for all nodes.
struct Asked {
    instance: Instance,
    description: Description,
}

impl Decide for Asked {
    fn description(&self) -> Description {
        self.description.clone()
    }

    fn decide(&mut self, question: &Question) -> Option<Answer> {
        self.instance.answer(question).ok()
    }
}

/// A policy with other values of its parameters than the defaults.
struct Set {
    policy: Box<dyn Decide>,
    values: Vec<u64>,
}

impl Decide for Set {
    fn description(&self) -> Description {
        self.policy.description()
    }

    fn facts(&self) -> PolicyFacts {
        PolicyFacts { parameters: self.values.clone(), ..self.policy.facts() }
    }

    fn decide(&mut self, question: &Question) -> Option<Answer> {
        self.policy.decide(question)
    }
}

impl Decider {
    /// `builtin`, a name that the simulator knows, or the path of a `.wasm` file, with its defaults.
    ///
    /// # Errors
    /// When there is no such policy.
    pub fn find(name: &str) -> Result<Decider, Failure> {
        let known = if matches!(name, "builtin" | "built-in") { BUILT_IN } else { name };
        if let Some(decide) = find_policy(known) {
            return Ok(Decider { name: known.to_owned(), decide });
        }
        if !name.ends_with(".wasm") {
            let names: Vec<&str> = policy_names().collect();
            return Err(Failure::usage(format!(
                "there is no policy `{name}`; there is {}, or give the path of a .wasm file",
                names.join(", ")
            )));
        }
        Ok(Decider::asking(&module::load(Path::new(name), Limits::for_simulation())?))
    }

    /// A module that is loaded.
    pub fn of(loaded: &Loaded) -> Decider {
        let Decider { name, decide } = Decider::asking(&loaded.module);
        let decide = Box::new(Set { policy: decide, values: loaded.values.clone() });
        Decider { name, decide }
    }

    /// The same with other values of its parameters.
    ///
    /// # Errors
    /// When it has no such parameter, or it cannot have the value.
    pub fn with(self, params: &Params) -> Result<Decider, Failure> {
        let values = params.values(&self.name, &self.decide.description())?;
        Ok(Decider { name: self.name, decide: Box::new(Set { policy: self.decide, values }) })
    }

    fn asking(module: &Module) -> Decider {
        let description = module.description().clone();
        let name = description.name.clone();
        Decider { name, decide: Box::new(Asked { instance: module.instance(), description }) }
    }
}
