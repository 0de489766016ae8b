//! Whole nodes in one process over loopback: the six actors, real sockets, real files.

mod support;
mod transfer;
