//! iperf3: no file, no disk, one TCP stream. What the machine or the link carries at best.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::command;
use crate::{
    contender::{Contender, Stage},
    crew::{Crew, Happening, Role},
    failure::{Failure, Result},
    net::Network,
};

/// One run, as if it were a transfer of the file.
pub struct Iperf3;

impl Contender for Iperf3 {
    fn prepare(&mut self, stage: &mut Stage) -> Result<()> {
        let server = stage.spawn_origin(server_command(stage.network))?;
        await_server(&mut stage.crew, server)
    }

    fn start(&mut self, stage: &mut Stage) -> Result<()> {
        // One server takes one test at a time, so this is for one peer; the last of several would wait.
        let (origin, size) = (stage.network.origin().address.to_string(), stage.size.to_string());
        stage.spawn_peers(|_, _| {
            let mut client = command("iperf3");
            client.args(["--client", &origin, "--reverse", "--bytes", &size]);
            client
        })?;
        Ok(())
    }

    fn completes_by_ending(&self) -> bool {
        true
    }

    fn leaves_files(&self) -> bool {
        false
    }
}

/// What one TCP stream reaches from the origin to the first peer, in bits per second of payload.
pub fn one_stream(network: &Network, crew: &mut Crew) -> Result<f64> {
    let (origin, peer) = (network.origin(), &network.peers()[0]);
    let server = crew.spawn(origin, Role::Origin, server_command(network))?;
    await_server(crew, server)?;
    let mut client = command("iperf3");
    client.args(["--client", &origin.address.to_string(), "--reverse", "--json"]);
    client.args(["--time", "3", "--omit", "1"]);
    let client = crew.spawn(peer, Role::Peer(1), client)?;
    let mut said = String::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        let Some(heard) = crew.listen(Duration::from_millis(100))? else { continue };
        match heard.what {
            Happening::Line(line) if heard.member == client => said += &line,
            Happening::Ended(_) if heard.member == client => break,
            _ => {}
        }
    }
    received_rate(&said).ok_or_else(|| Failure::because(format!("iperf3 gave no figure: {said}")))
}

fn server_command(network: &Network) -> Command {
    let mut server = command("iperf3");
    server.args(["--server", "--forceflush", "--bind", &network.origin().address.to_string()]);
    server
}

fn await_server(crew: &mut Crew, server: usize) -> Result<()> {
    let patience = Duration::from_secs(10);
    crew.await_line(server, patience, |line| line.contains("Server listening").then_some(()))
}

fn received_rate(report: &str) -> Option<f64> {
    let report: Value = serde_json::from_str(report).ok()?;
    report["end"]["sum_received"]["bits_per_second"].as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receivers_figure_counts() {
        let report = r#"{"end":{"sum_sent":{"bits_per_second":9e6},
                         "sum_received":{"bits_per_second":8.5e6}}}"#;
        assert_eq!(received_rate(report), Some(8.5e6));
        assert_eq!(received_rate("iperf3: error"), None);
    }
}
