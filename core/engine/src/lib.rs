#![no_std]
//! Being written.

extern crate alloc;

pub mod gossip;
pub mod tracker;
