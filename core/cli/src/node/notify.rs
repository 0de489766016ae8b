//! What systemd wants to hear from a service of `Type=notify`: ready, alive, reloading, stopping. Without it
//! nothing is told.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager.
pub struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// As the environment names it.
    pub fn from_environment() -> Manager {
        let path = std::env::var("NOTIFY_SOCKET").ok();
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let mine = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|micros| mine && *micros > 0);
        let socket = path.and_then(|path| {
            let address = match path.strip_prefix('@') {
                Some(name) => SocketAddr::from_abstract_name(name),
                None => SocketAddr::from_pathname(&path),
            };
            Some((UnixDatagram::unbound().ok()?, address.ok()?))
        });
        Manager { socket, watchdog: watchdog.map(Duration::from_micros) }
    }

    /// It ends the service when it hears nothing for this long.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells it lines of `KEY=VALUE`.
    pub fn tell(&self, lines: &str) {
        if let Some((socket, address)) = &self.socket {
            // Whoever does not listen misses it.
            let _ = socket.send_to_addr(lines.as_bytes(), address);
        }
    }

    /// A reload begins; `READY=1` ends it.
    pub fn reloading(&self) {
        self.tell("RELOADING=1");
    }
}
