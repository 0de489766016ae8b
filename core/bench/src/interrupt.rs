//! Ctrl-C, SIGTERM and SIGHUP become a flag, so that every guard runs and nothing is left behind.

use std::sync::{Arc, LazyLock, atomic::AtomicBool, atomic::Ordering};

use crate::failure::{Doing, Failure, Result};

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Registers the flag; called once, before anything is built.
pub fn watch() -> Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&INTERRUPTED))
            .doing(|| format!("watching for signal {signal}"))?;
    }
    Ok(())
}

/// Fails once the user has asked to stop. Every waiting loop calls this.
pub fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) { Err(Failure::Interrupted) } else { Ok(()) }
}
