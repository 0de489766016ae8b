//! The comparison that this project was founded on: the same peers fetch from one web server.

use super::{Case, swarm};
use crate::rivals::Rival;

/// `swarm15` from one nginx. Takes about three minutes, since one link carries everything.
pub fn case() -> Case {
    Case {
        name: "founding",
        remark: "all from one web server".into(),
        rivals: &[Rival::Nginx],
        goals: Vec::new(),
        ..swarm::fifteen_peers()
    }
}
