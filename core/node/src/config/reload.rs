//! Which keys differ between two configurations, and which of them a running node can take.

use serde_json::Value;

use super::tables::Config;

/// Keys that a running node takes without a restart, and everything below them.
const TAKEN: [&str; 5] = ["limits.", "storage.", "policy.", "log.level", "node.labels."];
/// Below those, what is only read at the start.
const AT_START: [&str; 2] = ["policy.limits.", "policy.breaker."];

/// The keys that differ: those that a running node takes, and those that need a restart.
pub fn changed_keys(before: &Config, after: &Config) -> (Vec<String>, Vec<String>) {
    let as_json = |config| serde_json::to_value(config).unwrap_or_default();
    let mut changed = Vec::new();
    compare(&as_json(before), &as_json(after), "", &mut changed);
    changed.into_iter().partition(|key: &String| {
        let starts = |list: &[&str]| list.iter().any(|prefix| key.starts_with(prefix));
        starts(&TAKEN) && !starts(&AT_START)
    })
}

fn compare(before: &Value, after: &Value, path: &str, changed: &mut Vec<String>) {
    let (Value::Object(one), Value::Object(other)) = (before, after) else {
        if before != after {
            changed.push(path.to_owned());
        }
        return;
    };
    let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for key in keys {
        let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let absent = Value::Null;
        let of =
            |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(absent.clone());
        compare(&of(one), &of(other), &inner, changed);
    }
}
