//! Links over real sockets on loopback, with real contents in temporary folders.

mod handshakes;
mod hostile;
mod nodes;
pub(super) mod raw_peer;
mod relabelling;
mod throughput;
mod transfers;
