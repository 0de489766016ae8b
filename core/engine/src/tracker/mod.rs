//! The same question as gossip's, answered by one place: who takes part in a content?
//!
//! [`Tracker`] is the registry that any node can run beside its other work; `node/tracker_actor.rs`
//! drives it. [`Announcer`] is the other end: it runs on every node that has trackers in its config, and
//! fails over between them. A tracker keeps nothing on disk: what it knows expires, and comes back with
//! the announcements.

mod announcer;
mod announcer_message;
mod asking;
mod config;
mod machine;
mod pool;
mod registry;
#[cfg(test)]
mod tests;
mod tracker_message;

pub use announcer::Announcer;
pub use announcer_message::{AnnouncerEvent, AnnouncerInput, AnnouncerOutput};
pub use config::{AnnouncerConfig, TrackerConfig};
pub use machine::Tracker;
pub use tracker_message::{TrackerEvent, TrackerInput, TrackerOutput};
