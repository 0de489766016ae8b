//! What the system says of this process, and of the file systems it writes to.

use std::fs;
use std::path::Path;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::text::Reading;

/// Figures of this process; what the system does not tell stays 0.
pub fn read(reading: &mut Reading) {
    if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(parse) {
        let ticks = clock_ticks_per_second().max(1) as f64;
        let started = boot_time().map_or(0.0, |boot| boot + stat.start as f64 / ticks);
        reading.set("process_cpu_seconds_total", &[stat.cpu as f64 / ticks]);
        reading.set("process_threads", &[stat.threads as f64]);
        reading.set("process_virtual_memory_bytes", &[stat.virtual_bytes as f64]);
        reading.set("process_resident_memory_bytes", &[stat.pages as f64 * page_size() as f64]);
        reading.set("process_start_time_seconds", &[started]);
    }
    let open = fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count().saturating_sub(1));
    reading.set("process_open_fds", &[open as f64]);
    let most = getrlimit(Resource::Nofile).current;
    reading.set("process_max_fds", &[most.map_or(f64::INFINITY, |most| most as f64)]);
}

/// Free and all bytes of the file system that a path, or the nearest folder above it, lies on.
pub fn file_system(path: &Path) -> Option<(u64, u64)> {
    let stat = path.ancestors().find_map(|path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        rustix::fs::statvfs(path).ok()
    })?;
    Some((stat.f_bavail.saturating_mul(stat.f_frsize), stat.f_blocks.saturating_mul(stat.f_frsize)))
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    cpu: u64,
    threads: u64,
    start: u64,
    virtual_bytes: u64,
    pages: u64,
}

/// `/proc/self/stat`; the name of the program, in parentheses, may hold anything.
fn parse(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // The manual counts from 1, and two fields are before the parenthesis.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        cpu: field(14)? + field(15)?,
        threads: field(20)?,
        start: field(22)?,
        virtual_bytes: field(23)?,
        pages: field(24)?,
    })
}

/// Seconds from 1970 to the start of the machine.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::text::Text;

    #[test]
    fn a_program_with_a_strange_name_is_read() {
        let text = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 70 30 0 0 20 0 4 0 9000 1048576 25 18 0";
        let stat = Stat { cpu: 100, threads: 4, start: 9000, virtual_bytes: 1_048_576, pages: 25 };
        assert_eq!(parse(text), Some(stat));
        assert_eq!(parse("12 (a"), None);
    }

    #[test]
    fn this_process_has_figures() {
        let mut reading = Reading::default();
        read(&mut reading);
        let mut text = Text::new();
        reading.write(&mut text);
        let text = text.into_page();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.split(' ').next() == Some(name));
            line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("a value")
        };
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_start_time_seconds") > 1.6e9);
        assert!(file_system(Path::new("/nowhere/at/all")).is_some_and(|(free, all)| free <= all));
    }
}
