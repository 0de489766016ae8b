//! Metrics that no dashboard and no rule uses, each with the reason. A test holds the list complete and short.

/// Name and reason.
pub const NOT_SHOWN: &[(&str, &str)] = &[];
