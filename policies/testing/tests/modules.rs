//! Every policy as a module answers exactly as it does natively, and the one in C as its twin in Rust.

use std::path::Path;

use samara_policy::Policy;
use samara_policy_build::{BuildError, BuildOptions, build};
use samara_policy_host::{Host, Limits, Module};
use samara_policy_testing::rules;

const SEEDS: u64 = 300;

/// The module of `policies/NAME`; `None` where it cannot be built on this machine, which is said.
fn module(name: &str) -> Option<Module> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let place = tempfile::tempdir().expect("a folder");
    let options = BuildOptions { output: Some(place.path().join("policy.wasm")), offline: true };
    match build(&folder, &options) {
        Ok(built) => {
            // Without a deadline: a slow machine must not change an answer.
            let host = Host::new(Limits::for_simulation()).expect("a host");
            Some(host.load(&built.component).expect("a policy"))
        }
        Err(error @ (BuildError::NoClang { .. } | BuildError::Target)) => {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

fn check(policy: &dyn Policy, module: &Module) {
    let mut instance = module.instance();
    for seed in 0..SEEDS {
        for question in rules::questions(&policy.describe(), seed) {
            let answer = instance.answer(&question).expect("an answer");
            assert_eq!(answer, policy.answer(&question), "seed {seed}, {question:?}");
        }
    }
}

fn check_crate(policy: &dyn Policy) {
    let description = policy.describe();
    let Some(module) = module(&description.name) else { return };
    assert_eq!(*module.description(), description);
    check(policy, &module);
}

#[test]
fn balanced_as_a_module_is_balanced() {
    check_crate(&samara_policy_balanced::Balanced);
}

#[test]
fn kraken_as_a_module_is_kraken() {
    check_crate(&samara_policy_kraken::Kraken);
}

#[test]
fn least_loaded_as_a_module_is_least_loaded() {
    check_crate(&samara_policy_least_loaded::LeastLoaded);
}

#[test]
fn rack_local_as_a_module_is_rack_local() {
    check_crate(&samara_policy_rack_local::RackLocal);
}

#[test]
fn random_as_a_module_is_random() {
    check_crate(&samara_policy_random::Random);
}

#[test]
fn rarest_first_as_a_module_is_rarest_first() {
    check_crate(&samara_policy_rarest_first::RarestFirst);
}

#[test]
fn sequential_as_a_module_is_sequential() {
    check_crate(&samara_policy_sequential::Sequential);
}

#[test]
fn random_in_c_has_the_same_picks_as_in_rust() {
    let Some(module) = module("random-c") else { return };
    let twin = samara_policy_random::Random;
    let (description, expected) = (module.description().clone(), twin.describe());
    assert_eq!(description.name, "random-c");
    assert_eq!(description.hooks, expected.hooks);
    assert_eq!(description.parameters, expected.parameters);
    check(&twin, &module);
}
