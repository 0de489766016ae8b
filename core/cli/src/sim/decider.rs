//! Who decides in a simulation: a policy of the simulator by name, or a module from a file, limited by fuel
//! alone so that a run repeats.

use std::path::Path;

use samara_policy::{Answer, Question};
use samara_policy_host::{Instance, Limits, parameter_values};
use samara_sim::{BUILT_IN, Decide, PolicyFacts, find_policy, policy_names};

use crate::exit::Failure;
use crate::policy::module::{self, Loaded};

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
    facts: PolicyFacts,
}

impl Decide for Asked {
    fn facts(&self) -> PolicyFacts {
        self.facts.clone()
    }

    fn decide(&mut self, question: &Question) -> Option<Answer> {
        self.instance.answer(question).ok()
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
        let module = module::load(Path::new(name), Limits::for_simulation())?;
        let values = parameter_values(module.description(), [])
            .map_err(|error| Failure::usage(format!("`{name}`: {error}")))?;
        Ok(Decider::of(&Loaded { module, values }))
    }

    /// A module that is loaded.
    pub fn of(loaded: &Loaded) -> Decider {
        let description = loaded.module.description();
        let facts = PolicyFacts::of(description, loaded.values.clone(), 1);
        let asked = Asked { instance: loaded.module.instance(), facts };
        Decider { name: description.name.clone(), decide: Box::new(asked) }
    }
}
