//! The program as a user meets it: real processes over loopback.

mod demo;
mod faults;
mod policy;
mod process;
mod resume;
mod transfer;
mod usage;
