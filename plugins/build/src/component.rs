//! From core module to component.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract, version 1.
pub const WIT: &str = include_str!("../../wit/v1/policy.wit");
/// The world in it that a policy is built for.
const WORLD: &str = "policy";

/// Why a core module cannot become a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// It is no module.
    #[error("it is not a core WASM module: {0}")]
    Module(String),
    /// Its exports or imports are not the contract's.
    #[error("its exports are not those of the contract: {0}")]
    Contract(String),
}

/// Wraps a core module, whose exports follow the canonical ABI of the contract, into a component that imports
/// nothing.
///
/// # Errors
/// When it is no core module, lacks an export, has one with another signature, or imports anything.
pub fn componentize(core: &[u8]) -> Result<Vec<u8>, ComponentError> {
    let module = |error: &dyn std::fmt::Display| ComponentError::Module(error.to_string());
    let mut resolve = Resolve::default();
    let package = resolve.push_str("policy.wit", WIT).map_err(|error| module(&error))?;
    let world = resolve.select_world(&[package], Some(WORLD)).map_err(|error| module(&error))?;
    let mut core = core.to_vec();
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| ComponentError::Module(format!("{error:#}")))?;
    ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .map_err(|error| ComponentError::Module(format!("{error:#}")))?
        .encode()
        .map_err(|error| ComponentError::Contract(format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(matches!(componentize(b"hello"), Err(ComponentError::Module(_))));
        assert!(matches!(componentize(b""), Err(ComponentError::Module(_))));
    }

    #[test]
    fn a_module_without_the_exports_is_refused() {
        let empty = b"\0asm\x01\0\0\0";
        let refused = componentize(empty).expect_err("it exports nothing");
        assert!(refused.to_string().contains("samara:policy/strategy"), "{refused}");
    }
}
