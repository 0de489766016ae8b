//! Who is there, and who holds how much of which content, without a server.
//!
//! Membership is SWIM, by `foca`, over datagrams. Three things are our own: the full-state exchange over
//! a connection (on join, then with a random member every 30 s), without which no member ever knows
//! everybody; the coarse table "peer holds k thousandths of content"; and the releases.
//!
//! [`Gossip`] is driven by `node/gossip_actor.rs` and by the simulator. It opens no sockets and reads no
//! clock. Exact chunk sets are deliberately not here: they travel on live connections only.

mod cadence;
mod codec;
mod config;
mod effects;
mod exchange;
mod exchanges;
#[cfg(test)]
mod hostile;
mod input;
mod machine;
mod member;
mod membership;
mod news;
mod output;
mod own;
mod packet;
pub(crate) mod random;
pub(crate) mod releases;
mod screen;
mod state;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod timers;
#[cfg(test)]
mod world;

pub(crate) use member::is_dialable;

pub use config::GossipConfig;
pub use input::GossipInput;
pub use machine::Gossip;
pub use member::{HolderView, Member, MemberState, MemberView};
pub use output::{GossipEvent, GossipOutput};
