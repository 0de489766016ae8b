//! Policies by name. One line adds a policy.

use samara_policy::Policy;
use samara_policy_balanced::Balanced;

/// What runs where nothing else is said.
pub const BUILT_IN: &str = "balanced";

type Make = fn() -> Box<dyn Policy>;

const POLICIES: &[(&str, Make)] = &[(BUILT_IN, || Box::new(Balanced))];

/// The policy of this name.
pub fn find(name: &str) -> Option<Box<dyn Policy>> {
    let found = POLICIES.iter().find(|(known, _)| *known == name);
    found.map(|(_, make)| make())
}

/// All names, as they are written in scenarios and on the command line.
pub fn names() -> impl Iterator<Item = &'static str> {
    POLICIES.iter().map(|(name, _)| *name)
}
