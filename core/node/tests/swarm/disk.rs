//! A disk that fills up in mid-transfer.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use samara_node::FetchPhase;

use crate::support::{
    Notices, Place, at_percent, config, done, fetch, publish_as, same_bytes, slow, start, until,
};

const SIZE: usize = 4 << 20;

/// A file system in memory, of 6 MiB; unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where mounting is not allowed.
    fn mount(at: PathBuf) -> Option<Self> {
        let options = ["-t", "tmpfs", "-o", "size=6m", "none"];
        let mounted = Command::new("mount").args(options).arg(&at).output().ok()?;
        mounted.status.success().then_some(SmallDisk(at))
    }

    fn fill(&self) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut file = std::fs::File::create(&ballast).expect("created");
        while file.write_all(&[7; 4096]).is_ok() {}
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_parks_the_fetch_until_there_is_room() {
    let place = Place::new();
    let Some(disk) = SmallDisk::mount(place.folder("disk")) else {
        eprintln!("skipped: a_full_disk_parks_the_fetch_until_there_is_room (needs root)");
        return;
    };
    let source = place.file("source", SIZE);
    let origin = start(slow(config(&[]), 3 << 10));
    let content = publish_as(&origin, &source, "test", Some(64 << 10));
    let peer = start(config(&[origin.advertised()]));
    let mut notices = Notices::of(&peer);
    let copy = disk.0.join("copy");
    let handle = fetch(&peer, content, copy.clone());
    at_percent(&handle, 10);
    let ballast = disk.fill();
    until("the fetch is parked", || is_parked_because_full(&handle.progress().phase));
    notices.until_warned("is parked: the disk is full");
    let parked = handle.progress();
    assert!(parked.done < parked.total);
    assert!(!Path::new(&copy).exists());
    std::fs::remove_file(ballast).expect("removed");
    done(&handle);
    same_bytes(&source, &copy);
    peer.stop();
}

fn is_parked_because_full(phase: &FetchPhase) -> bool {
    matches!(phase, FetchPhase::Parked { reason } if reason.contains("the disk is full"))
}
