//! What went over each link, counted at the bridge.
//!
//! A segmented burst counts its headers once here, so the figure reads low by up to 4 %; the same holds
//! for every program that is measured.

use std::{fs::File, os::unix::fs::FileExt};

use crate::{
    failure::{Doing, Result},
    namespace::Namespace,
    net::port_name,
};

/// An open `/proc/net/dev` of the hub. It stays bound to the hub's namespace, wherever it is read.
pub struct PortCounters {
    file: File,
}

/// The counters at one moment.
pub struct Reading(String);

impl PortCounters {
    /// Opens the counters of `hub`.
    pub fn open(hub: &Namespace) -> Result<Self> {
        let file = hub.enter(|| File::open("/proc/thread-self/net/dev"))?;
        Ok(Self { file: file.doing(|| "opening the hub's port counters".into())? })
    }

    /// Reads all ports at once.
    pub fn read(&self) -> Result<Reading> {
        let (mut text, mut chunk) = (Vec::new(), [0; 8192]);
        loop {
            let offset = text.len() as u64;
            let read = self.file.read_at(&mut chunk, offset);
            match read.doing(|| "reading the hub's port counters".into())? {
                0 => return Ok(Reading(String::from_utf8_lossy(&text).into_owned())),
                count => text.extend_from_slice(&chunk[..count]),
            }
        }
    }
}

impl Reading {
    /// Bytes that `node` has sent into the network. The bridge received them.
    pub fn sent_by(&self, node: usize) -> u64 {
        let port = format!("{}:", port_name(node));
        let line = self.0.lines().find_map(|line| line.trim_start().strip_prefix(&port));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// Bytes that all of `nodes` nodes have sent.
    pub fn sent_by_all(&self, nodes: usize) -> u64 {
        (0..nodes).map(|node| self.sent_by(node)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_found_by_its_whole_name() {
        let text = "Inter-|   Receive |  Transmit\n face |bytes packets\n    lo:   7 1\n \
                    port12:  900 3 0 0 0 0 0 0 55 1\nport1: 120 2 0 0 0 0 0 0 44 1\n";
        let reading = Reading(text.into());
        assert_eq!(reading.sent_by(1), 120);
        assert_eq!(reading.sent_by(12), 900);
        assert_eq!(reading.sent_by(2), 0);
        assert_eq!(reading.sent_by_all(13), 1020);
    }
}
