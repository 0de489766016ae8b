//! The program as a user meets it: real processes over loopback.

mod config;
mod daemon;
mod daemon_idle;
mod daemon_limits;
mod daemon_many;
mod daemon_network;
mod daemon_restarts;
mod daemon_storage;
mod daemon_upgrade;
mod demo;
mod faults;
mod http;
mod monitoring;
mod origin_killed;
mod policy;
mod policy_live;
mod policy_racks;
mod process;
mod resume;
mod sim;
mod soak;
mod terminal;
mod top;
mod transfer;
mod usage;
mod web;
