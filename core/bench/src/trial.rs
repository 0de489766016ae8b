//! One run of one program in one case: the measuring code, the same for all.
//!
//! A fresh network and fresh processes each time. Two starts of the clock are kept: the moment before the
//! first start command, which every ratio counts from, and that of the last one, which the project's
//! `ratio_to_limit` is defined from.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use samara_model::limit::distribution_limit;

use crate::{
    cases::Case,
    contender::{Contender, News, Stage},
    counters::PortCounters,
    crew::{Crew, Happening, Heard, Role},
    failure::{Doing, Result},
    machine,
    measure::Measure,
    net::Network,
    payload::{same_bytes, warm_memory},
    proc::{self, MachineTime},
    results::{Figures, Run, median},
};

/// How often a running transfer is reported on the terminal.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// A killed origin is noticed within about this time; at 10 Mbit/s it sends 1.25 kB in it.
const KILL_POLL: Duration = Duration::from_millis(1);
const POLL: Duration = Duration::from_millis(50);

/// What a run takes place with.
pub struct Setting<'a> {
    /// The case.
    pub case: &'a Case,
    /// The file at the origin.
    pub source: &'a Path,
    /// An empty folder in memory.
    pub folder: &'a Path,
    /// An existing folder for what the processes write.
    pub logs: &'a Path,
}

/// The state of a transfer that runs.
struct Transfer {
    first_start: Instant,
    last_start: Instant,
    /// Per peer, from 0.
    completed: Vec<Option<Instant>>,
    failed: Vec<bool>,
    wasted_bytes: Option<u64>,
    killed_at: Option<Instant>,
    faults: Vec<String>,
}

/// Builds the network that a case describes.
pub fn build_network(case: &Case) -> Result<Network> {
    match case.rates() {
        Some(rates) => Network::shaped(&rates),
        None => Network::unshaped(case.peers + 1),
    }
}

/// Runs a program once and measures it.
pub fn run(setting: &Setting, contender: &mut dyn Contender) -> Result<Run> {
    let network = build_network(setting.case)?;
    for node in network.nodes() {
        let folder = setting.folder.join(node.name());
        fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    }
    let other_work = machine::other_work();
    let mut stage = Stage {
        network: &network,
        crew: Crew::new(setting.logs.into()),
        source: setting.source,
        size: setting.case.size.0,
        folder: setting.folder,
    };
    contender.prepare(&mut stage)?;
    if setting.case.rates().is_none() {
        warm_memory(setting.folder, setting.case.size.0 * setting.case.peers as u64)?;
    }

    let counters = network.counters()?;
    let preparing = proc::cpu_time(&stage.crew.pids(|_| true));
    let machine_before = MachineTime::now();
    let mut transfer = Transfer::begin(setting.case.peers, &mut stage, contender)?;
    transfer.follow(setting.case, &mut stage, contender, counters.as_ref())?;
    let machine_cpu = MachineTime::now().busy_share_since(machine_before);
    let cpu = proc::cpu_time(&stage.crew.pids(|_| true)).saturating_sub(preparing);

    let mut figures = Figures::new();
    figures.insert(Measure::OtherWork, other_work);
    figures.insert(Measure::MachineCpu, machine_cpu);
    figures.insert(Measure::PreparingCpu, preparing.as_secs_f64());
    insert(&mut figures, Measure::PeerMemory, memory(&stage, |role| role != Role::Origin));
    insert(&mut figures, Measure::OriginMemory, memory(&stage, |role| role == Role::Origin));
    let sent = counters.map(|counters| counters.read()).transpose()?;
    let sent = sent.map(|sent| (sent.sent_by(0), sent.sent_by_all(setting.case.peers + 1)));
    drop(stage.crew);

    let verified = transfer.verify(setting, &network, contender.leaves_files());
    figures.append(&mut transfer.timings(setting.case, contender.chunk_size()));
    figures.insert(Measure::Finished, verified as f64 / setting.case.peers as f64);
    let delivered = verified as f64 * setting.case.size.0 as f64;
    if let Some((origin, everybody)) = sent {
        figures.insert(Measure::OriginCopies, origin as f64 / setting.case.size.0 as f64);
        insert(&mut figures, Measure::Traffic, over(everybody as f64, delivered));
    }
    let gibibytes = delivered / f64::from(1 << 30);
    insert(&mut figures, Measure::CpuPerGib, over(cpu.as_secs_f64(), gibibytes));
    let wasted = transfer.wasted_bytes.and_then(|wasted| over(wasted as f64, delivered));
    insert(&mut figures, Measure::Duplicates, wasted);
    Ok(Run { figures, completions: transfer.completions(), faults: transfer.faults })
}

impl Transfer {
    fn begin(peers: usize, stage: &mut Stage, contender: &mut dyn Contender) -> Result<Self> {
        let first_start = Instant::now();
        contender.start(stage)?;
        Ok(Self {
            first_start,
            last_start: stage.crew.last_command_at(),
            completed: vec![None; peers],
            failed: vec![false; peers],
            wasted_bytes: None,
            killed_at: None,
            faults: Vec::new(),
        })
    }

    /// Listens until everybody has finished or failed, or patience is over.
    fn follow(
        &mut self,
        case: &Case,
        stage: &mut Stage,
        contender: &dyn Contender,
        counters: Option<&PortCounters>,
    ) -> Result<()> {
        let deadline = self.first_start + patience(case, contender);
        let mut next_report = self.first_start + REPORT_INTERVAL;
        while (0..case.peers).any(|peer| self.completed[peer].is_none() && !self.failed[peer]) {
            let kill_is_due = case.kill_at.filter(|_| self.killed_at.is_none());
            let poll = if kill_is_due.is_some() { KILL_POLL } else { POLL };
            if let Some(heard) = stage.crew.listen(poll)? {
                self.note(heard, contender);
            }
            if let (Some(kill_at), Some(counters)) = (kill_is_due, counters)
                && counters.read()?.sent_by(0) as f64 >= kill_at * case.size.0 as f64
            {
                stage.crew.kill_origin();
                self.killed_at = Some(Instant::now());
            }
            if Instant::now() > next_report {
                next_report += REPORT_INTERVAL;
                self.report();
            }
            if Instant::now() > deadline {
                self.faults.push(format!("gave up after {:.0?}", deadline - self.first_start));
                break;
            }
        }
        Ok(())
    }

    fn note(&mut self, heard: Heard, contender: &dyn Contender) {
        match (&heard.what, heard.role) {
            (Happening::Line(line), role) => {
                if let Some(News::Complete { wasted_bytes }) = contender.hear(role, line)
                    && let Role::Peer(peer) = role
                {
                    self.complete(peer, heard.at, wasted_bytes);
                }
            }
            (Happening::Ended(true), Role::Peer(peer)) if contender.completes_by_ending() => {
                self.complete(peer, heard.at, None);
            }
            (Happening::Ended(_), Role::Peer(peer)) if self.completed[peer - 1].is_none() => {
                self.failed[peer - 1] = true;
                self.faults.push(format!("peer {peer} ended before it was complete"));
            }
            (Happening::Ended(false), Role::Origin) if self.killed_at.is_none() => {
                self.faults.push("the origin ended by itself".into());
            }
            (Happening::Ended(_), _) => {}
        }
    }

    fn complete(&mut self, peer: usize, at: Instant, wasted_bytes: Option<u64>) {
        if self.completed[peer - 1].is_none() {
            self.completed[peer - 1] = Some(at);
            self.wasted_bytes = wasted_bytes.map(|more| self.wasted_bytes.unwrap_or(0) + more);
        }
    }

    fn report(&self) {
        let complete = self.completed.iter().flatten().count();
        let all = self.completed.len();
        let seconds = self.first_start.elapsed().as_secs();
        eprintln!("    {seconds} s: {complete} of {all} complete");
    }

    fn completions(&self) -> Vec<Option<f64>> {
        let since = |at: Instant| (at - self.first_start).as_secs_f64();
        self.completed.iter().map(|at| at.map(since)).collect()
    }

    /// Everything that follows from when who was complete.
    fn timings(&self, case: &Case, chunk_size: Option<u32>) -> Figures {
        let mut figures = Figures::new();
        let completions = self.completions();
        if let Some(killed_at) = self.killed_at {
            let before = self.completed.iter().flatten().filter(|at| **at < killed_at).count();
            figures.insert(Measure::FinishedBeforeKill, before as f64);
            let after = (killed_at - self.first_start).as_secs_f64();
            figures.insert(Measure::KilledAfter, after);
        }
        let times: Option<Vec<f64>> = completions.iter().copied().collect();
        let Some(times) = times else { return figures };
        let last = times.iter().copied().fold(0.0, f64::max);
        let starting = (self.last_start - self.first_start).as_secs_f64();
        figures.insert(Measure::Seconds, last);
        figures.insert(Measure::SecondsFromLastStart, last - starting);
        let bytes = (case.size.0 * case.peers as u64) as f64;
        figures.insert(Measure::TotalRate, bytes / f64::from(1 << 20) / last);
        if let (Some(rate), Some(ideal)) = (case.rate_of(0), case.ideal_seconds(0)) {
            figures.insert(Measure::Last, last / ideal);
            insert(&mut figures, Measure::Median, median(times.clone()).map(|time| time / ideal));
            let peers = u32::try_from(case.peers).unwrap_or(u32::MAX);
            let chunk = chunk_size.unwrap_or_else(|| usual_chunk_size(case.size.0));
            let limit = distribution_limit(peers, case.size, chunk, rate).as_secs_f64();
            figures.insert(Measure::RatioToLimit, (last - starting) / limit);
        }
        for (measure, slow) in [(Measure::LastFast, false), (Measure::LastSlow, true)] {
            if (1..=case.peers).any(|peer| case.is_slow(peer)) {
                insert(&mut figures, measure, last_of_kind(case, &times, slow));
            }
        }
        figures
    }

    /// Counts the peers whose file is the origin's. The others were never complete, whatever they said.
    fn verify(&mut self, setting: &Setting, network: &Network, leaves_files: bool) -> usize {
        for peer in network.peers() {
            let file = setting.folder.join(peer.name()).join(crate::contender::FILE_NAME);
            let completed = &mut self.completed[peer.index - 1];
            let fault = match completed.map(|_| same_bytes(setting.source, &file)) {
                None | Some(Ok(true)) => continue,
                Some(Err(_)) if !leaves_files => continue,
                Some(Ok(false)) => format!("{} has WRONG bytes", peer.name()),
                Some(Err(error)) => format!("{} has no file: {error}", peer.name()),
            };
            *completed = None;
            self.faults.push(fault);
        }
        self.completed.iter().flatten().count()
    }
}

fn last_of_kind(case: &Case, times: &[f64], slow: bool) -> Option<f64> {
    let peers = (1..=case.peers).filter(|peer| case.is_slow(*peer) == slow);
    peers
        .filter_map(|peer| Some(times[peer - 1] / case.ideal_seconds(peer)?))
        .max_by(f64::total_cmp)
}

fn memory(stage: &Stage, which: impl Fn(Role) -> bool) -> Option<f64> {
    let pids = stage.crew.pids(which);
    pids.into_iter().filter_map(proc::peak_memory).max().map(|bytes| bytes as f64)
}

/// How long a transfer may take before it is given up.
fn patience(case: &Case, contender: &dyn Contender) -> Duration {
    let slowest = (1..=case.peers).filter_map(|peer| case.ideal_seconds(peer)).fold(0.0, f64::max);
    // Unshaped: 20 MB/s in total is a fault, not a result.
    let unshaped = case.size.0 as f64 * case.peers as f64 / 20e6;
    let ideal = if slowest > 0.0 { slowest * contender.patience(case.peers) } else { unshaped };
    Duration::from_secs_f64(ideal + 20.0)
}

/// The chunk size that the limit takes where the program does not tell its own: a thousandth.
fn usual_chunk_size(size: u64) -> u32 {
    let thousandth = (size / 1024).next_power_of_two().clamp(16 << 10, 16 << 20);
    u32::try_from(thousandth).expect("at most 16 MiB")
}

fn over(value: f64, by: f64) -> Option<f64> {
    (by > 0.0).then(|| value / by)
}

fn insert(figures: &mut Figures, measure: Measure, value: Option<f64>) {
    if let Some(value) = value {
        figures.insert(measure, value);
    }
}
