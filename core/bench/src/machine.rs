//! What a reader needs to know about the machine before believing a figure.

use std::{fs, thread, time::Duration};

use serde::{Deserialize, Serialize};

use crate::proc::MachineTime;

/// The machine, as far as it matters to the results.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// How many cores the system has.
    pub cores: usize,
    /// Main memory in bytes.
    pub memory_bytes: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The distribution's name.
    pub system: String,
}

impl Machine {
    /// Describes the machine that this runs on.
    pub fn describe() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let memory = value_of(&read("/proc/meminfo"), "MemTotal");
        let kibibytes = memory.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Self {
            cpu: value_of(&read("/proc/cpuinfo"), "model name").unwrap_or("unknown".into()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: kibibytes.unwrap_or(0) * 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_string(),
            system: value_of(&read("/etc/os-release"), "PRETTY_NAME").unwrap_or("Linux".into()),
        }
    }
}

/// The share of the machine that other work uses, looked at for half a second while we do nothing.
pub fn other_work() -> f64 {
    let earlier = MachineTime::now();
    thread::sleep(Duration::from_millis(500));
    MachineTime::now().busy_share_since(earlier)
}

/// The value of the first `key: value` or `key="value"` line.
fn value_of(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let value = line.trim_start().strip_prefix([':', '='])?;
    Some(value.trim().trim_matches('"').to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_styles_of_key_and_value_are_read() {
        assert_eq!(value_of("a: 1\nmodel name\t: X 9\n", "model name").as_deref(), Some("X 9"));
        assert_eq!(value_of("PRETTY_NAME=\"D 12\"", "PRETTY_NAME").as_deref(), Some("D 12"));
        assert_eq!(value_of("", "MemTotal"), None);
    }
}
