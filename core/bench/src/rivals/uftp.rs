//! uftp: one sender, UDP multicast, negative acknowledgements. Peers wait as daemons; the clock starts
//! with the sender, so announcing and finishing count, as they do for its users.

use std::time::Duration;

use super::command;
use crate::{
    contender::{Contender, News, Stage},
    crew::Role,
    failure::Result,
};

/// The share of the link that the sender is told to fill: its own headers and those of UDP, IP and
/// Ethernet are not in its figure, and what overflows a queue has to be sent again.
const SHARE_OF_LINK: f64 = 0.96;

/// One run.
pub struct Uftp;

impl Contender for Uftp {
    fn prepare(&mut self, stage: &mut Stage) -> Result<()> {
        let receivers = stage.spawn_peers(|stage, peer| {
            let mut uftpd = command("uftpd");
            uftpd.args(["-d", "-q", "-F", "@LOG", "-B", "4194304", "-I"]);
            uftpd.arg(peer.address.to_string()).arg("-D").arg(stage.folder_of(peer));
            uftpd
        })?;
        for receiver in receivers {
            let patience = Duration::from_secs(10);
            // The last thing that it says before it listens.
            let listens = |line: &str| line.contains("Loaded").then_some(());
            stage.crew.await_line(receiver, patience, listens)?;
        }
        Ok(())
    }

    fn start(&mut self, stage: &mut Stage) -> Result<()> {
        let rates = stage.network.nodes().iter().filter_map(|node| stage.network.rate(node.index));
        let slowest = rates.map(|rate| rate.0).min();
        let kilobits = slowest.map(|rate| (rate as f64 * 8.0 / 1000.0 * SHARE_OF_LINK) as i64);
        let mut uftp = command("uftp");
        uftp.args(["-R", &kilobits.unwrap_or(-1).to_string(), "-b", "1400", "-B", "4194304"]);
        uftp.args(["-I", &stage.network.origin().address.to_string()]);
        uftp.arg(stage.source);
        stage.spawn_origin(uftp)?;
        Ok(())
    }

    /// `RESULT;time;server;session;file;size;copy;…` is written by a receiver that has all of the file.
    fn hear(&self, role: Role, line: &str) -> Option<News> {
        let received = line.contains("RESULT;") && role != Role::Origin;
        received.then_some(News::Complete { wasted_bytes: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receivers_result_line_is_its_completion() {
        let line = "RESULT;2026/01/01-00:00:00;0x0A4D0001;00000001;payload.bin;65536;copy;0;1.0;9";
        let complete = Some(News::Complete { wasted_bytes: None });
        assert_eq!(Uftp.hear(Role::Peer(1), line), complete);
        assert_eq!(Uftp.hear(Role::Origin, line), None);
        assert_eq!(Uftp.hear(Role::Peer(1), "CONNECT;2026/01/01"), None);
    }
}
