//! The program as a user meets it: real processes over loopback.

mod demo;
mod faults;
mod process;
mod resume;
mod sim;
mod transfer;
mod usage;
