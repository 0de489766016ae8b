//! What has to be there before a network can be built. Says exactly what is not.

use crate::{
    failure::{Failure, Result},
    rivals::find,
};

/// Checks for root and the tools of iproute2.
pub fn check() -> Result<()> {
    let mut missing = Vec::new();
    if !rustix::process::geteuid().is_root() {
        missing.push("root: network namespaces need it (run with sudo)".to_string());
    }
    for tool in ["ip", "tc", "bridge"] {
        if find(tool).is_none() {
            missing.push(format!("`{tool}`, of the package iproute2"));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::because(format!("the benchmark needs:\n  {}", missing.join("\n  "))))
}
