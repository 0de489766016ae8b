//! The architecture's rules about who may depend on what, read from `cargo metadata`. A new edge between
//! crates, or a second crate that names a heavy dependency, fails here and is a decision, not an accident.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Which workspace crates each may use (normal dependencies; tests are free).
const ALLOWED: &[(&str, &[&str])] = &[
    ("samara-model", &[]),
    ("samara-policy", &[]),
    ("samara-wire", &["samara-model"]),
    ("samara-store", &["samara-model"]),
    ("samara-engine", &["samara-model", "samara-policy"]),
    ("samara-policy-balanced", &["samara-policy"]),
    ("samara-policy-build", &[]),
    ("samara-policy-host", &["samara-model", "samara-policy"]),
    ("samara-policy-mirror", &["samara-policy"]),
    ("samara-policy-kraken", &["samara-policy"]),
    ("samara-policy-least-loaded", &["samara-policy"]),
    ("samara-policy-rack-local", &["samara-policy"]),
    ("samara-policy-random", &["samara-policy"]),
    ("samara-policy-rarest-first", &["samara-policy"]),
    ("samara-policy-sequential", &["samara-policy"]),
    ("samara-policy-testing", &["samara-policy"]),
    (
        "samara-node",
        &[
            "samara-engine",
            "samara-model",
            "samara-policy",
            "samara-policy-balanced",
            "samara-policy-host",
            "samara-store",
            "samara-wire",
        ],
    ),
    (
        "samara",
        &[
            "samara-model",
            "samara-node",
            "samara-policy",
            "samara-policy-balanced",
            "samara-policy-build",
            "samara-policy-host",
            "samara-sim",
        ],
    ),
    (
        "samara-sim",
        &[
            "samara-engine",
            "samara-model",
            "samara-policy",
            "samara-policy-balanced",
            "samara-policy-kraken",
            "samara-policy-least-loaded",
            "samara-policy-rack-local",
            "samara-policy-random",
            "samara-policy-rarest-first",
            "samara-policy-sequential",
        ],
    ),
    ("samara-bench", &["samara-model"]),
    ("samara-dashboards", &["samara-node"]),
    ("samara-examples", &["samara-model", "samara-node"]),
];

/// Heavy dependencies and the one crate that may name each.
const OWNED: &[(&str, &str)] = &[
    ("rmp-serde", "samara-wire"),
    ("actix", "samara-node"),
    ("axum", "samara-node"),
    ("metrics", "samara-node"),
    ("metrics-exporter-prometheus", "samara-node"),
    ("tokio", "samara-node"),
    ("foca", "samara-engine"),
    ("clap", "samara"),
    ("ratatui", "samara"),
    ("wasmtime", "samara-policy-host"),
    ("wit-component", "samara-policy-build"),
];
/// Who may break [`OWNED`]: it measures, and is not part of the product.
const OUTSIDE: &str = "samara-bench";

/// Crates that must not know of a clock, a socket or a file.
const NO_STD: &[&str] = &[
    "core/model",
    "core/engine",
    "plugins/sdk",
    "policies/balanced",
    "policies/kraken",
    "policies/least-loaded",
    "policies/rack-local",
    "policies/random",
    "policies/rarest-first",
    "policies/sequential",
];

fn normal_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let of = |package: &Value| {
        let all = package["dependencies"].as_array().expect("dependencies").iter();
        let normal = all.filter(|one| one["kind"].is_null());
        normal.filter_map(|one| one["name"].as_str().map(str::to_string)).collect()
    };
    packages
        .iter()
        .map(|package| (package["name"].as_str().expect("a name").to_string(), of(package)))
        .collect()
}

#[test]
fn dependencies_between_our_crates_point_one_way() {
    let ours = normal_dependencies();
    for (name, dependencies) in &ours {
        let allowed = ALLOWED.iter().find(|(allowed, _)| allowed == name);
        let allowed = allowed.unwrap_or_else(|| panic!("{name} has no rule: add one")).1;
        for dependency in dependencies.iter().filter(|one| ours.contains_key(*one)) {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not use {dependency}");
        }
    }
}

#[test]
fn each_heavy_dependency_is_named_by_one_crate() {
    for (name, dependencies) in normal_dependencies() {
        for (heavy, owner) in OWNED {
            let uses = dependencies.contains(*heavy);
            assert!(!uses || name == *owner || name == OUTSIDE, "{name} must not name {heavy}");
        }
    }
}

#[test]
fn what_decides_is_built_without_std() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    for krate in NO_STD {
        let source = std::fs::read_to_string(format!("{root}/{krate}/src/lib.rs")).expect("read");
        assert!(source.lines().any(|line| line.trim() == "#![no_std]"), "{krate} uses std");
    }
}
