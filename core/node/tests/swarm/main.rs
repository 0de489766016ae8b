//! Whole nodes in one process over loopback: the six actors, real sockets, real files.

mod changes;
mod disk;
mod gossip;
mod hostile;
mod identity;
mod labels;
mod mailboxes;
mod metrics;
mod misfits;
mod names;
mod policies;
mod raw_peer;
mod refusals;
mod repeats;
mod restarts;
mod resume;
mod stalls;
mod supervision;
mod support;
mod tracker;
mod transfer;
