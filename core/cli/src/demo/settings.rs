//! Values of a demo that make sense together.

use samara_model::{ByteCount, BytesPerSecond, auto_chunk_size};

use super::Args;
use crate::exit::Failure;
use crate::node_args::DiscoveryArg;

/// Two pipes per peer and a process each: beyond this one machine shows its own limits, not the swarm's.
const MAX_PEERS: u32 = 256;
/// A smallest chunk (16 KiB) takes half a second; below that timeouts, not bytes, would be measured.
const MIN_RATE: BytesPerSecond = BytesPerSecond(256_000 / 8);

/// Checked values of a demo.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Fetching peers, 1 to 256.
    pub peers: u32,
    /// Bytes of the file, at least 1.
    pub size: ByteCount,
    /// Cap of every process in each direction.
    pub rate: BytesPerSecond,
    /// Chunk size that was asked for.
    pub asked_chunk_size: Option<u32>,
    /// How peers find each other.
    pub discovery: DiscoveryArg,
    /// Copies after which the origin is killed, at least 1.
    pub kill_origin_after: Option<f64>,
}

impl Settings {
    /// Checks the arguments.
    ///
    /// # Errors
    /// With a sentence for the first value that makes no sense.
    pub fn check(args: &Args) -> Result<Settings, Failure> {
        if !(1..=MAX_PEERS).contains(&args.peers) {
            return refuse(format!("a demo has 1 to {MAX_PEERS} peers, not {}", args.peers));
        }
        if args.size.0 == 0 {
            return refuse("a file without bytes shows nothing; try --size 64MiB".to_owned());
        }
        if args.rate < MIN_RATE {
            return refuse(format!("{} is too slow to watch; the least is {MIN_RATE}", args.rate));
        }
        if let Some(copies) = args.kill_origin_after
            && !(copies >= 1.0 && copies.is_finite())
        {
            return refuse(format!(
                "nobody can finish when the origin is gone after {copies} copies; use at least 1"
            ));
        }
        Ok(Settings {
            peers: args.peers,
            size: args.size,
            rate: args.rate,
            asked_chunk_size: args.chunk_size,
            discovery: args.discovery,
            kill_origin_after: args.kill_origin_after,
        })
    }

    /// The chunk size that the origin uses.
    pub fn chunk_size(&self) -> u32 {
        self.asked_chunk_size.unwrap_or_else(|| auto_chunk_size(self.size))
    }

    /// How many times the content has been sent when `bytes` were.
    pub fn copies(&self, bytes: u64) -> f64 {
        bytes as f64 / self.size.0 as f64
    }
}

fn refuse(why: String) -> Result<Settings, Failure> {
    Err(Failure::usage(why))
}
