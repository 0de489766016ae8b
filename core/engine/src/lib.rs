//! What a Samara node decides, as state machines without I/O.
//!
//! Every machine has one entry, `handle(now, input, &mut outputs)`. Inputs are what happened, outputs what to
//! do about it. There is no clock, no randomness, no socket and no file in here: time and a random seed come
//! in as values, the same inputs give the same outputs, and timers and questions carry tokens, so that late
//! answers are ignored and nothing needs cancelling. The node and the simulator drive exactly this code.

#![no_std]

extern crate alloc;

pub mod gossip;
pub mod seeder;
pub mod swarm;
pub mod tracker;
