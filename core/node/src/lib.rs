//! Being written.

pub mod link;
