//! What processes have used, read from /proc while they still exist, zombies included.

use std::{collections::HashMap, fs, time::Duration};

/// Kernel clock ticks per second; fixed at 100 in what Linux shows to programs.
const TICKS_PER_SECOND: u64 = 100;

/// The CPU time of `pids`, their descendants and the children that these have already waited for.
pub fn cpu_time(pids: &[u32]) -> Duration {
    let mut processes = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if let Some(usage) = Usage::parse(&stat) {
            processes.insert(pid, usage);
        }
    }
    let ours = |pid: u32| {
        let mut ancestors =
            std::iter::successors(Some(pid), |pid| Some(processes.get(pid)?.parent));
        ancestors.any(|ancestor| pids.contains(&ancestor))
    };
    let ticks: u64 =
        processes.iter().filter(|(pid, _)| ours(**pid)).map(|(_, usage)| usage.ticks).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// The most memory that a living process ever had resident, in bytes.
pub fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// What `/proc/<pid>/stat` says, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
struct Usage {
    parent: u32,
    /// Own user and system time, and that of children already waited for.
    ticks: u64,
}

impl Usage {
    fn parse(stat: &str) -> Option<Self> {
        // The program's name may hold spaces and brackets: count from its last bracket.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks: Option<u64> = (11..15).map(|at| fields.get(at)?.parse::<u64>().ok()).sum();
        Some(Self { parent: fields.get(1)?.parse().ok()?, ticks: ticks? })
    }
}

/// How the machine's CPU time was spent until now, over all cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineTime {
    busy: u64,
    all: u64,
}

impl MachineTime {
    /// Reads `/proc/stat`; zeros where that cannot be read.
    pub fn now() -> Self {
        Self::parse(&fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    /// The share of all cores that was busy since `earlier`, 0 to 1.
    pub fn busy_share_since(self, earlier: Self) -> f64 {
        let (busy, all) = (self.busy - earlier.busy, self.all - earlier.all);
        if all == 0 { 0.0 } else { busy as f64 / all as f64 }
    }

    fn parse(stat: &str) -> Self {
        // user nice system idle iowait irq softirq steal; guest time is already inside user.
        let line = stat.lines().next().unwrap_or_default();
        let fields: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .take(8)
            .filter_map(|field| field.parse().ok())
            .collect();
        let all = fields.iter().sum();
        let idle: u64 = fields.iter().skip(3).take(2).sum();
        Self { busy: all - idle, all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "17 (a) b (c)) S 4 17 17 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 1 0 99";
        assert_eq!(Usage::parse(stat), Some(Usage { parent: 4, ticks: 124 }));
        assert_eq!(Usage::parse("17 (cut"), None);
    }

    #[test]
    fn busy_is_everything_but_idle_and_waiting() {
        let earlier = MachineTime::parse("cpu  10 0 10 70 10 0 0 0 0 0\ncpu0 1 2 3 4");
        let later = MachineTime::parse("cpu  40 0 20 120 10 0 10 0 30 0\n");
        assert_eq!(later.busy_share_since(earlier), 0.5);
        assert_eq!(later.busy_share_since(later), 0.0);
    }

    #[test]
    fn this_process_has_used_memory() {
        assert!(peak_memory(std::process::id()).is_some_and(|bytes| bytes > 100_000));
    }
}
