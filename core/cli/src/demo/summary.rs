//! What a demo showed, in numbers that can be quoted.

use std::time::Duration;

use samara_model::{ByteCount, limit};
use serde::Serialize;

use super::race::Race;
use super::settings::Settings;
use crate::units;

/// What the race cost; `None` where it cannot be known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Effort {
    /// CPU seconds of all processes.
    pub cpu_seconds: Option<f64>,
    /// Share of all cores that was busy, by whomever.
    pub machine_busy: Option<f64>,
}

/// Above this share of busy cores, the machine is what was measured.
const BUSY: f64 = 0.9;

/// The one document of `samara demo --json`. Times count from the start of the last fetching process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Fetching peers.
    pub peers: u32,
    /// Bytes of the file.
    pub size_bytes: u64,
    /// Cap of every link in each direction.
    pub rate_bytes_per_s: u64,
    /// Bytes per chunk.
    pub chunk_size: u32,
    /// `tracker`, `gossip` or `both`.
    pub discovery: &'static str,
    /// Peers that finished.
    pub finished: usize,
    /// Copies that equal the source.
    pub verified: usize,
    /// When the last peer had its file; null unless all finished.
    pub last_s: Option<f64>,
    /// When half of the peers had their file; null unless so many finished.
    pub p50_s: Option<f64>,
    /// The theoretical limit for this case.
    pub limit_s: f64,
    /// `last_s / limit_s`.
    pub ratio_to_limit: Option<f64>,
    /// What one server behind one such link needs for all peers.
    pub single_server_s: f64,
    /// Bytes that the origin sent, in copies of the file.
    pub origin_copies: f64,
    /// Copies after which the origin was killed; null if it was not.
    pub origin_killed_at_copies: Option<f64>,
    /// CPU seconds of all processes per GiB that was delivered.
    pub cpu_s_per_gib: Option<f64>,
    /// Share of this machine's cores that was busy during the race; near 1, the machine is the limit.
    pub machine_busy: Option<f64>,
    /// Bytes received in vain per byte delivered.
    pub wasted_ratio: f64,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Summary {
    /// Sums up a race that is over.
    pub fn new(settings: &Settings, race: &Race, effort: Effort, verified: usize) -> Summary {
        let Settings { peers, size, rate, .. } = *settings;
        let chunk_size = announced_chunk_size(race).unwrap_or_else(|| settings.chunk_size());
        let limit = limit::distribution_limit(peers, size, chunk_size, rate);
        let times = race.times();
        let last = times.get(peers as usize - 1).map(Duration::as_secs_f64);
        let delivered = race.done_bytes().max(1) as f64;
        let gib = delivered / (1u64 << 30) as f64;
        Summary {
            peers,
            size_bytes: size.0,
            rate_bytes_per_s: rate.0,
            chunk_size,
            discovery: settings.discovery.word(),
            finished: race.finished(),
            verified,
            last_s: last.map(rounded),
            p50_s: times.get(peers as usize / 2).map(|time| rounded(time.as_secs_f64())),
            limit_s: rounded(limit.as_secs_f64()),
            ratio_to_limit: last.map(|last| rounded(last / limit.as_secs_f64())),
            single_server_s: rounded(rate.time_for(size).as_secs_f64() * f64::from(peers)),
            origin_copies: rounded(race.origin_copies(settings)),
            origin_killed_at_copies: race.killed_at.map(rounded),
            cpu_s_per_gib: effort.cpu_seconds.map(|seconds| rounded(seconds / gib)),
            machine_busy: effort.machine_busy.map(rounded),
            wasted_ratio: rounded(race.wasted_bytes() as f64 / delivered),
            error: race.first_trouble(),
        }
    }

    /// Whether everybody has the right bytes.
    pub fn is_success(&self) -> bool {
        self.finished == self.peers as usize && self.verified == self.finished
    }

    /// The summary for a person.
    pub fn text(&self, settings: &Settings) -> String {
        let Settings { size, rate, .. } = settings;
        let chunk = ByteCount(self.chunk_size.into());
        let mut lines = vec![format!(
            "{} peers, {size} each, every link {rate} each way, chunks of {chunk}",
            self.peers
        )];
        let mut add = |name: &str, text: String| lines.push(format!("  {name:<14}  {text}"));
        let limit = seconds(self.limit_s);
        match (self.last_s, self.ratio_to_limit) {
            (Some(last), Some(ratio)) => {
                add("last peer", format!("{}, {ratio:.2} x the limit of {limit}", seconds(last)));
            }
            _ => add("last peer", format!("never; {} of {} finished", self.finished, self.peers)),
        }
        if let Some(median) = self.p50_s {
            add("median peer", seconds(median));
        }
        add("single server", self.single_server_text());
        add("origin sent", self.origin_text());
        if let Some(cpu) = self.cpu_s_per_gib {
            add("CPU", format!("{cpu:.1} s per GiB delivered, all processes"));
        }
        add("duplicates", format!("{:.2} % of the bytes", self.wasted_ratio * 100.0));
        add("verified", format!("{} of {} copies by BLAKE3", self.verified, self.peers));
        if let Some(busy) = self.machine_busy.filter(|busy| *busy > BUSY) {
            add("note", self.busy_text(busy));
        }
        lines.join("\n")
    }

    fn single_server_text(&self) -> String {
        let alone = seconds(self.single_server_s);
        match self.last_s {
            Some(last) if last > 0.0 => {
                format!("{alone} for the same, {:.1} x as long", self.single_server_s / last)
            }
            _ => format!("{alone} for the same"),
        }
    }

    fn busy_text(&self, busy: f64) -> String {
        let own = self
            .own_share()
            .map_or(String::new(), |own| format!(" ({:.0} % by this demo)", own.min(busy) * 100.0));
        format!("the cores were {:.0} % busy{own}: the machine was the limit", busy * 100.0)
    }

    /// Share of all cores that the demo's own processes used.
    fn own_share(&self) -> Option<f64> {
        let cores = std::thread::available_parallelism().ok()?.get() as f64;
        let gib = self.size_bytes as f64 * f64::from(self.peers) / (1u64 << 30) as f64;
        Some(self.cpu_s_per_gib? * gib / (self.last_s? * cores))
    }

    fn origin_text(&self) -> String {
        match self.origin_killed_at_copies {
            Some(copies) => format!("{copies:.2} copies, then it was killed"),
            None => format!("{:.2} copies", self.origin_copies),
        }
    }
}

fn announced_chunk_size(race: &Race) -> Option<u32> {
    race.runners.iter().find_map(|runner| runner.complete.as_ref()).map(|(_, done)| done.chunk_size)
}

fn seconds(seconds: f64) -> String {
    units::for_people(Duration::from_secs_f64(seconds.clamp(0.0, 1e9)))
}

/// Four digits behind the point: finer than anything that is measured here.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
