//! A Samara node: the actors and the sockets.
//!
//! [`Node`] is what a program holds. Inside, six `actix` actors on one thread are the control plane; each
//! drives a state machine of `samara-engine` and owns one resource. The data plane ([`link`]) is tokio tasks
//! on their own runtime: bytes go between socket and disk there and never through a mailbox. This is the only
//! crate that names actix, and (benchmark and tests aside) tokio.

#[cfg(test)]
mod actor_tests;
mod admin;
mod api;
mod catalogue;
mod chunk_store_actor;
mod clock;
mod coalesce;
pub mod config;
mod content_state;
mod datagrams;
pub mod documents;
mod fetch;
mod finder;
mod gossip_actor;
mod identity;
mod instance;
mod join;
pub mod link;
mod metrics;
mod node;
mod node_policy;
mod rates;
mod router;
#[cfg(test)]
mod schema_tests;
mod seeder_actor;
mod selector;
mod selector_actor;
mod shared;
mod speed;
mod supervise;
mod swarm_actor;
mod telemetry;
mod tracker_actor;
mod waiting;
mod web;
mod why;

/// All metrics of a node, as declared: for pages, dashboards and tests.
pub mod monitoring {
    pub use crate::metrics::{Kind, Label, METRICS, Metric, Taken, markdown};
}

pub use admin::{Refusal, Rollback, SOCKET as ADMIN_SOCKET};
pub use api::{
    ActorName, Caps, ClassCaps, Discovery, FetchPhase, FetchProgress, FetchRequest, Fetched,
    HashProgress, NodeCaps, NodeConfig, Notice, PeerRow, PeerSource, PolicyConfig, PublishRequest,
    Published,
};
pub use fetch::{FetchError, FetchHandle};
pub use node::{Node, PublishError, StartError};
pub use samara_policy_host::Limits as PolicyLimits;
pub use selector::{
    BreakerConfig, HookRow, PolicyError, PolicyMode, PolicyName, PolicyRequest, PolicyRow,
    PolicyStatus,
};
