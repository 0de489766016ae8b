//! A scenario: what is distributed, to whom, over what, what goes wrong, and what must hold.
//!
//! [`Scenario::parse`] reads a TOML file and refuses what cannot be, naming the line. The tables and keys
//! are those of [`File`]; how quantities are written is in [`quantity`].

mod file;
mod fleet;
pub mod quantity;
mod random;
#[cfg(test)]
mod tests;

use std::ops::Range;

use samara_engine::swarm::SwarmConfig;
use samara_model::BytesPerSecond;

pub use file::{Discovery, FaultKind, File, RandomTable};
pub use fleet::{Fleet, Place};
use quantity::{Bound, Span, When, Who, nanos_for};

use crate::registry;
use crate::report::FIGURES;

/// Most nodes of a run.
const MOST_PEERS: u32 = 20_000;
/// Most chunks of a content.
const MOST_CHUNKS: u64 = 100_000;
/// Most contents of a run.
const MOST_CONTENTS: usize = 32;
/// Lowest rate of a link: a bit a millisecond.
const LEAST_RATE: u64 = 125;
/// One way of a message where a scenario says nothing, in chunk times.
const LATENCY: f64 = 0.1;
/// A chunk's deviation where a scenario says nothing.
const CHUNK_JITTER: f64 = 0.1;
/// Thrown away at most, where a scenario says nothing and has more than fifty chunks.
const DUPLICATES: f64 = 0.02;

/// Thrown away at most, where a scenario says nothing: of a small content one chunk for each peer, as the last one may
/// be fetched twice.
fn usual_duplicates(contents: &[Content]) -> f64 {
    let fewest = contents.iter().map(Content::chunks).min().unwrap_or(1);
    DUPLICATES.max(1.0 / f64::from(fewest.max(1)))
}

/// A scenario that can be run. Times in nanoseconds.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// For tables.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// What is distributed.
    pub contents: Vec<Content>,
    /// The nodes and their links.
    pub fleet: Fleet,
    /// One way of a message, and what is added to it at most.
    pub latency: (u64, u64),
    /// One way of bytes.
    pub data_latency: u64,
    /// Deviation of a chunk's time, as part of it.
    pub chunk_jitter: f64,
    /// Time of a link per chunk.
    pub per_chunk: u64,
    /// Hashing, per node.
    pub hash: Option<BytesPerSecond>,
    /// Writing, per node.
    pub disk: Option<BytesPerSecond>,
    /// Part of the datagrams that gets lost.
    pub datagram_loss: f64,
    /// Arrivals are spread over this time.
    pub arrive_within: u64,
    /// How peers find each other.
    pub discovery: Discovery,
    /// Trackers, where there are any.
    pub trackers: u32,
    /// The engine's figures.
    pub engine: SwarmConfig,
    /// The policy's name.
    pub policy: String,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Ranges from which everything is drawn once more; see [`Scenario::drawn`].
    pub random: Option<RandomTable>,
    /// It was drawn: a fault may miss, for example a disk that fills up after its node has all.
    pub is_drawn: bool,
    /// Thrown away at most.
    pub duplicates: f64,
    /// Ends the run in any case.
    pub time: Option<u64>,
    /// What the report must say.
    pub expect: Vec<(String, Bound)>,
}

/// A content. Times in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Bytes in all.
    pub size: u64,
    /// Bytes of every chunk but the last.
    pub chunk: u32,
    /// Share of the slots.
    pub priority: u32,
    /// After the start.
    pub starts: u64,
}

impl Content {
    /// Number of chunks.
    pub fn chunks(&self) -> u32 {
        self.size.div_ceil(u64::from(self.chunk)) as u32
    }

    /// Bytes of one chunk.
    pub fn chunk_len(&self, chunk: u32) -> u32 {
        let start = u64::from(chunk) * u64::from(self.chunk);
        (self.size.saturating_sub(start)).min(u64::from(self.chunk)) as u32
    }
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// To whom.
    pub who: Who,
    /// When.
    pub at: When,
    /// For how long; for ever if `None`.
    pub lasts: Option<u64>,
    /// When the others notice.
    pub noticed_after: u64,
    /// How late a slow policy is.
    pub delay: u64,
}

/// A scenario that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ScenarioError {
    /// Where in the file, from 1.
    pub line: usize,
    /// What cannot be, and what could.
    pub what: String,
}

/// Text of a file, to turn places into lines.
struct Source<'a>(&'a str);

impl Source<'_> {
    fn error(&self, at: Range<usize>, what: impl Into<String>) -> ScenarioError {
        let before = self.0.as_bytes().iter().take(at.start).filter(|byte| **byte == b'\n');
        ScenarioError { line: before.count() + 1, what: what.into() }
    }

    /// An error unless `holds`.
    fn need(
        &self,
        holds: bool,
        at: Range<usize>,
        what: impl FnOnce() -> String,
    ) -> Result<(), ScenarioError> {
        if holds { Ok(()) } else { Err(self.error(at, what())) }
    }
}

impl Scenario {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// What is not TOML, not a key, not a quantity, or cannot be together, with its line.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        let source = Source(text);
        let file: File = toml::from_str(text).map_err(|error| {
            let what = error.message().lines().collect::<Vec<_>>().join(" ");
            source.error(error.span().unwrap_or(0..0), what)
        })?;
        Scenario::check(&source, file)
    }

    /// The chunk time of the first content over the usual link, in nanoseconds.
    pub fn chunk_time(&self) -> u64 {
        let content = self.contents[0];
        let bytes = content.size.min(u64::from(content.chunk));
        nanos_for(bytes as f64, self.fleet.rate).max(1)
    }

    /// Uses another policy than the file says.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn with_policy(mut self, name: &str) -> Result<Scenario, String> {
        registry::find(name).ok_or_else(|| unknown_policy(name))?;
        self.policy = name.to_string();
        Ok(self)
    }

    fn check(source: &Source, file: File) -> Result<Scenario, ScenarioError> {
        let contents = contents(source, &file)?;
        let rate = file.peers.rate.get_ref().0;
        source.need(rate.0 >= LEAST_RATE, file.peers.rate.span(), || {
            "a link must carry at least 1 kbit/s, or nothing ever arrives".into()
        })?;
        let first = contents[0];
        let chunk_bytes = first.size.min(u64::from(first.chunk));
        let chunk_ns = nanos_for(chunk_bytes as f64, rate).max(1);
        let nanos = |span: Option<Span>| span.map(|span| span.nanos(chunk_ns));
        for limit in [&file.network.hash, &file.network.disk].into_iter().flatten() {
            source.need(limit.get_ref().0.0 >= LEAST_RATE, limit.span(), || {
                "hash and disk need a rate above zero; leave the key out for an endless one".into()
            })?;
        }
        let name = match &file.policy.name {
            Some(name) => {
                source.need(registry::find(name.get_ref()).is_some(), name.span(), || {
                    unknown_policy(name.get_ref())
                })?;
                name.get_ref().clone()
            }
            None => registry::BUILT_IN.to_string(),
        };
        for figure in file.expect.keys() {
            source.need(FIGURES.contains(&figure.get_ref().as_str()), figure.span(), || {
                let all = FIGURES.join(", ");
                format!("the report has no figure `{}`; it has {all}", figure.get_ref())
            })?;
        }
        let trackers = trackers(source, &file)?;
        let network = &file.network;
        let default_latency = Span::ChunkTimes(LATENCY);
        let mut contents = contents;
        for (content, table) in contents.iter_mut().zip(&file.content) {
            content.starts = nanos(table.starts).unwrap_or(0);
        }
        Ok(Scenario {
            fleet: Fleet::check(source, &file)?,
            latency: (
                network.latency.unwrap_or(default_latency).nanos(chunk_ns),
                nanos(network.jitter).unwrap_or(0),
            ),
            data_latency: nanos(network.data_latency).unwrap_or(0),
            chunk_jitter: network.chunk_jitter.map_or(CHUNK_JITTER, |share| share.0.min(0.9)),
            per_chunk: nanos(network.per_chunk).unwrap_or(0),
            hash: network.hash.as_ref().map(|rate| rate.get_ref().0),
            disk: network.disk.as_ref().map(|rate| rate.get_ref().0),
            datagram_loss: network.datagram_loss.map_or(0.0, |share| share.0),
            arrive_within: nanos(file.peers.arrive_within).unwrap_or(0),
            discovery: file.discovery.by,
            trackers,
            engine: engine(source, &file)?,
            policy: name,
            faults: faults(source, &file, chunk_ns, trackers)?,
            random: random_table(source, &file)?,
            is_drawn: false,
            duplicates: match &file.budget.duplicates {
                Some(share) => share.0,
                None => usual_duplicates(&contents),
            },
            time: nanos(file.budget.time),
            expect: file.expect.into_iter().map(|(key, bound)| (key.into_inner(), bound)).collect(),
            name: file.name,
            about: file.about,
            contents,
        })
    }
}

fn unknown_policy(name: &str) -> String {
    let all: Vec<&str> = registry::names().collect();
    format!("there is no policy `{name}`; there is {}", all.join(", "))
}

fn contents(source: &Source, file: &File) -> Result<Vec<Content>, ScenarioError> {
    source.need(!file.content.is_empty(), 0..0, || "there is no content".into())?;
    source.need(file.content.len() <= MOST_CONTENTS, 0..0, || {
        format!("there are more than {MOST_CONTENTS} contents")
    })?;
    let mut contents = Vec::new();
    for table in &file.content {
        let (size, chunk) = (table.size.get_ref().0.0, table.chunk.get_ref().0.0);
        source.need(size > 0, table.size.span(), || "an empty content needs no transfer".into())?;
        source.need((1..=1 << 30).contains(&chunk), table.chunk.span(), || {
            "a chunk has at least 1 byte and at most 1 GiB".into()
        })?;
        source.need(size.div_ceil(chunk) <= MOST_CHUNKS, table.chunk.span(), || {
            format!("that makes {} chunks; {MOST_CHUNKS} are possible", size.div_ceil(chunk))
        })?;
        let priority = table.priority.unwrap_or(1).clamp(1, 100);
        contents.push(Content { size, chunk: chunk as u32, priority, starts: 0 });
    }
    Ok(contents)
}

fn trackers(source: &Source, file: &File) -> Result<u32, ScenarioError> {
    let by_tracker = file.discovery.by == Discovery::Tracker;
    match &file.discovery.trackers {
        Some(count) => {
            source.need(by_tracker, count.span(), || {
                "trackers are of no use here; say `by = \"tracker\"` or leave this out".into()
            })?;
            source.need((1..=16).contains(count.get_ref()), count.span(), || {
                "there must be 1 to 16 trackers".into()
            })?;
            Ok(*count.get_ref())
        }
        None => Ok(u32::from(by_tracker)),
    }
}

fn engine(source: &Source, file: &File) -> Result<SwarmConfig, ScenarioError> {
    // What is best on a network where each transfer has its share of a link at once; see `SwarmConfig`.
    let mut config = SwarmConfig {
        download_slots: 4,
        first_pass_slots: 4,
        first_pass_ramp: 4,
        ..SwarmConfig::default()
    };
    let table = &file.engine;
    let figures = [
        (&table.upload_slots, &mut config.upload_slots),
        (&table.download_slots, &mut config.download_slots),
        (&table.first_pass_slots, &mut config.first_pass_slots),
        (&table.chunks_per_offer, &mut config.chunks_per_offer),
        (&table.neighbours, &mut config.target_neighbours),
    ];
    for (given, figure) in figures {
        let Some(given) = given else { continue };
        source.need((1..=1000).contains(given.get_ref()), given.span(), || {
            "this must be 1 to 1000".into()
        })?;
        *figure = *given.get_ref();
    }
    if let Some(neighbours) = &table.neighbours {
        config.full_mesh = *neighbours.get_ref();
    }
    Ok(config)
}

fn faults(
    source: &Source,
    file: &File,
    chunk_ns: u64,
    trackers: u32,
) -> Result<Vec<Fault>, ScenarioError> {
    let mut faults = Vec::new();
    for table in &file.fault {
        let (at, table) = (table.span(), table.get_ref());
        let who = table.who.unwrap_or(Who::Count(1));
        let peers = *file.peers.count.get_ref();
        source.need(
            !matches!(who, Who::Count(count) if count == 0 || count > peers),
            at.clone(),
            || format!("this fault wants more peers than there are ({peers}), or none"),
        )?;
        source.need(who != Who::Tracker || trackers > 0, at.clone(), || {
            "there is no tracker in this scenario".into()
        })?;
        source.need(who != Who::Tracker || table.kind == FaultKind::Crash, at.clone(), || {
            "a tracker can only crash".into()
        })?;
        let nanos = |span: Option<Span>| span.map(|span| span.nanos(chunk_ns));
        source.need(table.delay.is_none() || table.kind == FaultKind::SlowPolicy, at, || {
            "only a slow policy has a delay".into()
        })?;
        faults.push(Fault {
            kind: table.kind,
            who,
            at: table.at.unwrap_or(When::After(Span::Nanos(0))),
            lasts: nanos(table.lasts),
            noticed_after: nanos(table.noticed_after).unwrap_or(0),
            delay: nanos(table.delay).unwrap_or(50_000_000),
        });
    }
    Ok(faults)
}

fn random_table(source: &Source, file: &File) -> Result<Option<RandomTable>, ScenarioError> {
    let Some(table) = &file.random else { return Ok(None) };
    let fine = |(low, high): (u32, u32), least: u32, most: u32| {
        (least..=most).contains(&low) && low <= high && high <= most
    };
    let all = fine(table.peers, 2, 200) && fine(table.chunks, 1, 2000) && fine(table.faults, 0, 20);
    source.need(all, 0..0, || {
        "[random] takes 2 to 200 peers, 1 to 2000 chunks and up to 20 faults, lower bound first"
            .into()
    })?;
    Ok(Some(*table))
}
