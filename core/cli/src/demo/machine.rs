//! How busy the whole machine is: a swarm on one machine may measure the machine.

/// CPU time of all cores since the start of the machine, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineTime {
    idle: u64,
    total: u64,
}

impl MachineTime {
    /// Now; `None` where there is no /proc.
    pub fn now() -> Option<MachineTime> {
        MachineTime::parse(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. Guest time, which
    /// follows, is contained in user time.
    fn parse(stat: &str) -> Option<MachineTime> {
        let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace().take(8);
        let ticks: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
        let idle = ticks.get(3)? + ticks.get(4)?;
        Some(MachineTime { idle, total: ticks.iter().sum() })
    }

    /// The share of all cores that was busy since `earlier`, 0 to 1.
    pub fn busy_since(self, earlier: MachineTime) -> Option<f64> {
        let total = self.total.checked_sub(earlier.total).filter(|total| *total > 0)?;
        let idle = self.idle.saturating_sub(earlier.idle).min(total);
        Some(1.0 - idle as f64 / total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_disks_is_not_busy() {
        let early = MachineTime::parse("cpu  10 0 10 70 10 0 0 0 5 5\ncpu0 1").expect("good");
        let late = MachineTime::parse("cpu  60 0 10 95 35 0 0 0 5 5\n").expect("good");
        assert_eq!(early, MachineTime { idle: 80, total: 100 });
        assert_eq!(late.busy_since(early), Some(0.5));
        assert_eq!(early.busy_since(early), None);
        assert_eq!(MachineTime::parse("nothing"), None);
    }
}
