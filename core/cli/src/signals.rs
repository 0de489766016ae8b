//! Ctrl-C and its relatives: the first one asks to stop in order, the second one stops at once.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Failure;

/// One wish to stop may arrive twice: `timeout` and others signal the process and then its whole group. A
/// person needs longer than this to press Ctrl-C again.
const ECHO: Duration = Duration::from_millis(300);

/// What a second signal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// Ends the process without further ado.
    ExitsAtOnce,
    /// Nothing: cleaning up is short and must not be cut off.
    IsIgnored,
}

/// Whether somebody asked this process to stop. Cheap to clone and to ask.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for SIGINT, SIGTERM and, unless it is ignored as under nohup, SIGHUP.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub fn on_signals(second: Second) -> Result<Stop, Failure> {
        let stop = Stop::default();
        let mut wanted = vec![SIGINT, SIGTERM];
        if !hangup_is_ignored() {
            wanted.push(SIGHUP);
        }
        let signals = Signals::new(wanted)
            .map_err(|error| Failure::because("could not listen for signals", &error))?;
        let flag = stop.clone();
        thread::spawn(move || watch(signals, &flag, second));
        Ok(stop)
    }

    /// Also stops when stdin ends, so that a child never outlives the process that holds its stdin.
    pub fn also_with_stdin(&self) {
        let flag = self.clone();
        thread::spawn(move || {
            let mut ignored = [0u8; 64];
            while std::io::stdin().read(&mut ignored).is_ok_and(|count| count > 0) {}
            flag.set();
        });
    }

    /// Whether it is time to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn watch(mut signals: Signals, stop: &Stop, second: Second) {
    let mut first = None;
    for _ in signals.forever() {
        let since = first.get_or_insert_with(Instant::now).elapsed();
        if since >= ECHO && second == Second::ExitsAtOnce {
            std::process::exit(1);
        }
        stop.set();
    }
}

/// Reads the mask of ignored signals; SIGHUP is its lowest bit. Where there is no such file, it is not
/// ignored as far as we know.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}
