//! Links over real sockets on loopback, with real contents in temporary folders.

mod handshakes;
mod hostile;
mod nodes;
mod raw_peer;
mod throughput;
mod transfers;
