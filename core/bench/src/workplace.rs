//! Folders in memory, so that no disk is measured, and room to spare is checked before it is needed.

use std::{fs, path::Path, path::PathBuf};

use tempfile::TempDir;

use crate::{
    failure::{Doing, Failure, Result},
    namespace,
};

/// How folders and namespaces of one process are called; `cleanup` recognises them by it.
const PREFIX: &str = "samara-bench-";

/// Where memory-backed files live on Linux.
const IN_MEMORY: &str = "/dev/shm";

/// A folder in memory with at least `needed` bytes free; removed when dropped.
pub fn create(needed: u64) -> Result<TempDir> {
    let room = room_in(Path::new(IN_MEMORY))?;
    let (needed_mib, room_mib) = (needed >> 20, room >> 20);
    if room < needed {
        return Err(Failure::because(format!(
            "{IN_MEMORY} has room for {room_mib} MiB, this case needs {needed_mib} MiB; \
             a smaller --size or fewer --peers would fit"
        )));
    }
    let prefix = format!("{PREFIX}{}-", std::process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(IN_MEMORY);
    folder.doing(|| format!("creating a folder in {IN_MEMORY}"))
}

/// The smaller of what the file system and the memory have free.
fn room_in(folder: &Path) -> Result<u64> {
    let system = rustix::fs::statvfs(folder).doing(|| format!("asking {}", folder.display()))?;
    let memory = fs::read_to_string("/proc/meminfo").doing(|| "reading /proc/meminfo".into())?;
    let line = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok((system.f_bavail * system.f_frsize).min(kibibytes.unwrap_or(u64::MAX >> 10) << 10))
}

/// Removes namespaces, their processes and folders of runs that are dead. Returns what was removed.
pub fn remove_leftovers() -> Vec<String> {
    let namespaces: Vec<String> = names_in("/run/netns")
        .filter(|name| name.strip_prefix("sb").and_then(owner).is_some_and(is_dead))
        .collect();
    if !namespaces.is_empty() {
        namespace::remove(&namespaces);
    }
    let folders: Vec<String> = names_in(IN_MEMORY)
        .filter(|name| name.strip_prefix(PREFIX).and_then(owner).is_some_and(is_dead))
        .collect();
    for folder in &folders {
        let _ = fs::remove_dir_all(PathBuf::from(IN_MEMORY).join(folder));
    }
    [namespaces, folders].concat()
}

fn names_in(folder: &str) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}

/// The process id in `1234-n07`.
fn owner(name: &str) -> Option<u32> {
    name.split_once('-')?.0.parse().ok()
}

fn is_dead(pid: u32) -> bool {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim() != "samara-bench"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_process_id_are_ours() {
        assert_eq!(owner("1234-n07"), Some(1234));
        assert_eq!(owner("x-n07"), None);
        assert_eq!(owner("1234"), None);
        assert!(is_dead(u32::MAX));
    }
}
