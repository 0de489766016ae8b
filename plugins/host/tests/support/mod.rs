//! Modules for tests: built from the checkout, or from text.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};

use samara_policy_build::{BuildOptions, build, componentize};

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The component of the crate in this folder of the checkout.
pub fn built(folder: &str) -> Vec<u8> {
    // A place of its own per process: several tests build the same policy.
    let output = tempfile::tempdir().expect("a directory");
    let options = BuildOptions { output: Some(output.path().join("policy.wasm")), offline: true };
    match build(&root().join(folder), &options) {
        Ok(built) => built.component,
        Err(error) => panic!("{folder}: {error}"),
    }
}

/// One of `policies/misbehaving/`.
pub fn misbehaving(name: &str) -> Vec<u8> {
    let path = root().join("policies/misbehaving").join(format!("{name}.wat"));
    let text = std::fs::read_to_string(&path).expect("a text");
    let bytes = wat::parse_str(&text).expect("valid text");
    // Some are components already.
    if text.contains("(component") { bytes } else { componentize(&bytes).expect("a component") }
}
