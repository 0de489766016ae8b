#![no_std]
//! Being written.
