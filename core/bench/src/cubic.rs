//! Permission to choose cubic inside namespaces, on machines whose own default is something else.
//!
//! The list of permitted algorithms is the only setting here that is not per namespace. It is needed at
//! the moment of choosing only, so it is widened for the milliseconds of building a network, and put back.

use std::fs;

use crate::failure::{Doing, Result};

const ALLOWED: &str = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";

/// While this exists, namespaces may choose cubic.
pub struct CubicAllowed {
    before: Option<String>,
}

impl CubicAllowed {
    /// Adds cubic to the list, if it is not there.
    pub fn begin() -> Result<Self> {
        let before = fs::read_to_string(ALLOWED).doing(|| format!("reading {ALLOWED}"))?;
        if before.split_whitespace().any(|name| name == "cubic") {
            return Ok(Self { before: None });
        }
        let wider = format!("{} cubic", before.trim());
        fs::write(ALLOWED, wider).doing(|| format!("adding cubic to {ALLOWED}"))?;
        Ok(Self { before: Some(before) })
    }
}

impl Drop for CubicAllowed {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // The wider list does no harm; there is nobody to tell while unwinding.
            let _ = fs::write(ALLOWED, before);
        }
    }
}
