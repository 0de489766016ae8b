//! What the outside wants of the daemon: signals, and the end of stdin.

use std::io::Read;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Failure;

/// One wish to stop may arrive twice.
const ECHO: Duration = Duration::from_millis(300);

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// SIGTERM, SIGINT; a second one ends the process at once.
    Stop,
    /// SIGHUP.
    Reload,
}

/// Listens from now on.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub fn listen(also_stdin: bool) -> Result<Receiver<Wish>, Failure> {
    let (sender, wishes) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| Failure::because("could not listen for signals", &error))?;
    if also_stdin {
        let stop = sender.clone();
        thread::spawn(move || until_stdin_ends(&stop));
    }
    thread::spawn(move || {
        let mut first: Option<Instant> = None;
        for signal in signals.forever() {
            let wish = if signal == SIGHUP { Wish::Reload } else { Wish::Stop };
            if wish == Wish::Stop && first.get_or_insert_with(Instant::now).elapsed() >= ECHO {
                std::process::exit(1);
            }
            let _ = sender.send(wish);
        }
    });
    Ok(wishes)
}

fn until_stdin_ends(stop: &Sender<Wish>) {
    let mut ignored = [0u8; 64];
    while std::io::stdin().read(&mut ignored).is_ok_and(|count| count > 0) {}
    let _ = stop.send(Wish::Stop);
}
