//! What the node knows of one content that it fetches or serves; survives a restart of the content's actor.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use samara_engine::swarm::{Outlook, ReasonCount, SwarmStats};
use samara_model::{ByteCount, ContentId, PeerHint, Time};
use samara_store::Content;
use tokio::sync::Notify;

use crate::api::{FetchPhase, FetchProgress, PeerRow};
use crate::fetch::Account;
use crate::rates::Rates;
use crate::speed::Speed;
use crate::supervise::ActorRef;
use crate::swarm_actor::{Swarm, SwarmMessage};
use crate::waiting::TOO_LONG;

/// Phases that are remembered.
const MAX_PHASES: usize = 32;

/// One content.
pub struct ContentState {
    /// Which.
    pub content: ContentId,
    /// It was published here.
    pub origin: bool,
    /// Where a fetch puts it.
    pub output: Option<PathBuf>,
    /// Bytes of chunks that came, bad ones and duplicates included.
    pub received: AtomicU64,
    /// Bytes of chunks that went out and were acknowledged.
    pub sent: AtomicU64,
    /// Bytes that came and were thrown away.
    pub wasted: AtomicU64,
    /// Bytes verified and on disk.
    pub done: AtomicU64,
    /// Of these, bytes that were here already.
    pub resumed: AtomicU64,
    /// Live neighbours.
    pub neighbours: AtomicU32,
    /// Chunks that are reserved or on their way to here; as old as the rows at most.
    pub incoming: AtomicU32,
    /// Chunks that are offered or on their way from here; as old as the rows at most.
    pub outgoing: AtomicU32,
    /// How fast it came.
    pub speed: Speed,
    /// Where what is missing could come from; as old as the rows at most.
    pub outlook: Mutex<Outlook>,
    /// Why the active policy decided what it did, refreshed with the rows.
    pub reasons: Mutex<Vec<ReasonCount>>,
    /// Rings when the phase changes or it fails.
    pub turned: Notify,
    /// Its actor.
    pub swarm: ActorRef<Swarm>,
    /// Fetches that wait for it; changed under the lock of [`crate::shared::Shared::contents`].
    pub fetches: AtomicU32,
    /// Its share of the node's slots; 1 is usual.
    pub priority: AtomicU32,
    /// What the tracker handed out last.
    handout: Mutex<Vec<(Time, PeerHint)>>,
    /// The neighbours, and when they were looked at: a few times a second while anything happens.
    rows: Mutex<(Time, Vec<PeerRow>)>,
    rates: Mutex<Rates>,
    /// What the machine counted, as old as the rows at most.
    stats: Mutex<SwarmStats>,
    /// How a fetch of this run went that is over.
    account: Mutex<Option<Account>>,
    begun: AtomicBool,
    stage: Mutex<Stage>,
    changed: Condvar,
}

struct Stage {
    /// When each phase began, oldest first; a fetch that is parked again and again has its first few.
    began: Vec<(&'static str, Instant)>,
    phase: FetchPhase,
    stored: Option<Arc<Content>>,
    failure: Option<String>,
    withdrawn: bool,
    closed: bool,
}

impl ContentState {
    /// A content that is about to be fetched, or was published.
    pub fn new(content: ContentId, origin: bool, output: Option<PathBuf>) -> Arc<Self> {
        let stage = Stage {
            began: vec![(FetchPhase::Finding.word(), Instant::now())],
            phase: FetchPhase::Finding,
            stored: None,
            failure: None,
            withdrawn: false,
            closed: false,
        };
        Arc::new(ContentState {
            content,
            origin,
            output,
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            wasted: AtomicU64::new(0),
            done: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
            neighbours: AtomicU32::new(0),
            incoming: AtomicU32::new(0),
            outgoing: AtomicU32::new(0),
            speed: Speed::new(),
            outlook: Mutex::default(),
            reasons: Mutex::default(),
            turned: Notify::new(),
            swarm: ActorRef::default(),
            fetches: AtomicU32::new(0),
            priority: AtomicU32::new(1),
            handout: Mutex::default(),
            rows: Mutex::default(),
            rates: Mutex::default(),
            stats: Mutex::default(),
            account: Mutex::default(),
            begun: AtomicBool::new(false),
            stage: Mutex::new(stage),
            changed: Condvar::new(),
        })
    }

    /// The stored content, once its manifest is here.
    pub fn stored(&self) -> Option<Arc<Content>> {
        self.stage().stored.clone()
    }

    /// The store is ready for this content.
    pub fn set_stored(&self, stored: Arc<Content>) {
        self.stage().stored = Some(stored);
        self.changed.notify_all();
    }

    /// What is going on.
    pub fn phase(&self) -> FetchPhase {
        self.stage().phase.clone()
    }

    /// Something else is going on.
    pub fn set_phase(&self, phase: FetchPhase) {
        self.speed.news();
        {
            let mut stage = self.stage();
            let word = phase.word();
            if stage.began.len() < MAX_PHASES
                && stage.began.last().is_none_or(|(last, _)| *last != word)
            {
                stage.began.push((word, Instant::now()));
            }
            stage.phase = phase;
        }
        self.changed.notify_all();
        self.turned.notify_one();
    }

    /// How long each phase took, or has taken; the end of the last is its beginning when it is complete.
    pub fn phases(&self) -> Vec<(String, f64)> {
        let stage = self.stage();
        let ends = stage.began.iter().skip(1).map(|(_, at)| *at).chain([Instant::now()]);
        let phases = stage.began.iter().zip(ends);
        let moving = phases.filter(|((name, _), _)| *name != FetchPhase::Complete.word());
        moving
            .map(|((name, at), end)| ((*name).to_owned(), end.duration_since(*at).as_secs_f64()))
            .collect()
    }

    /// Whether chunks are still to come.
    pub fn is_fetching(&self) -> bool {
        let stage = self.stage();
        let over = stage.phase == FetchPhase::Complete || stage.closed || stage.withdrawn;
        !over && stage.failure.is_none() && !self.origin
    }

    /// For how long nothing has happened to a fetch, when that is too long. Hashing and syncing take their time
    /// without news.
    pub fn stalled_for(&self) -> Option<Duration> {
        let silent = self.speed.silent_for();
        let works = |phase: &FetchPhase| {
            matches!(phase, FetchPhase::Complete | FetchPhase::Checking | FetchPhase::Finishing)
        };
        (silent >= TOO_LONG && !works(&self.phase())).then_some(silent)
    }

    /// It cannot go on, for this reason; the first stays.
    pub fn fail(&self, why: String) {
        self.stage().failure.get_or_insert(why);
        self.changed.notify_all();
        self.turned.notify_one();
    }

    /// Why it cannot go on.
    pub fn failure(&self) -> Option<String> {
        self.stage().failure.clone()
    }

    /// Its bytes changed; nothing of it is served any more. True the first time.
    pub fn set_withdrawn(&self) -> bool {
        !std::mem::replace(&mut self.stage().withdrawn, true)
    }

    /// Whether it was withdrawn.
    pub fn is_withdrawn(&self) -> bool {
        self.stage().withdrawn
    }

    /// True the first time: the actor is to be started.
    pub fn begin(&self) -> bool {
        !self.begun.swap(true, Ordering::Relaxed)
    }

    /// Nobody wants it here any more.
    pub fn close(&self) {
        self.stage().closed = true;
        self.swarm.tell(SwarmMessage::Closed);
        self.changed.notify_all();
        self.turned.notify_one();
    }

    /// Whether its actor should live.
    pub fn is_closed(&self) -> bool {
        self.stage().closed
    }

    /// Wakes those who wait for a change of the figures, or for something of their own.
    pub fn progressed(&self) {
        // Under the lock, so that whoever has looked and is about to wait hears it.
        let _looking = self.stage();
        self.changed.notify_all();
    }

    /// Waits until something changes, `or` holds, or the time is over. `or` is looked at again whenever
    /// [`ContentState::progressed`] is called.
    pub fn wait_change(&self, at_most: Duration, or: impl Fn() -> bool) {
        let until = Instant::now() + at_most;
        let mut stage = self.stage();
        let before = self.figures_with(&stage);
        while !or() && before == self.figures_with(&stage) {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return };
            stage = match self.changed.wait_timeout(stage, left) {
                Ok((stage, _)) => stage,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    fn figures_with(&self, stage: &Stage) -> (FetchPhase, u64, u64, u32, bool) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let neighbours = self.neighbours.load(Ordering::Relaxed);
        (stage.phase.clone(), get(&self.done), get(&self.sent), neighbours, stage.failure.is_some())
    }

    /// Everything, for a person.
    pub fn progress(&self) -> FetchProgress {
        let (phase, stored) = {
            let stage = self.stage();
            (stage.phase.clone(), stage.stored.clone())
        };
        let bytes = |counter: &AtomicU64| ByteCount(counter.load(Ordering::Relaxed));
        FetchProgress {
            phase,
            content: Some(self.content),
            total: stored.as_ref().map_or(ByteCount(0), |stored| stored.total()),
            done: bytes(&self.done),
            resumed: bytes(&self.resumed),
            chunks: stored.as_ref().map_or(0, |stored| stored.manifest().chunk_count()),
            received: bytes(&self.received),
            sent: bytes(&self.sent),
            wasted: bytes(&self.wasted),
            neighbours: self.neighbours.load(Ordering::Relaxed),
        }
    }

    /// These are the neighbours.
    pub fn set_rows(&self, now: Time, rows: Vec<PeerRow>) {
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = (now, rows);
    }

    /// The neighbours, with the age that the news of them have by now.
    pub fn rows(&self, now: Time) -> Vec<PeerRow> {
        let (at, mut rows) = self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let since = now.since(at);
        rows.iter_mut().for_each(|row| row.age += since);
        rows
    }

    /// The machine counted this so far.
    pub fn set_stats(&self, stats: SwarmStats) {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }

    /// What the machine counted.
    pub fn stats(&self) -> SwarmStats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its fetch is over, and went like this.
    pub fn set_account(&self, account: Account) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(account);
    }

    /// How its fetch went; none when it was not fetched in this run of the node.
    pub fn account(&self) -> Option<Account> {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tracker told of these.
    pub fn note_handout(&self, now: Time, hints: &[PeerHint]) {
        let mut handout = self.handout.lock().unwrap_or_else(PoisonError::into_inner);
        *handout = hints.iter().map(|hint| (now, *hint)).collect();
    }

    /// Whom the tracker told of last, and when.
    pub fn handout(&self) -> Vec<(Time, PeerHint)> {
        self.handout.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of what came and went until now, about twice a second.
    pub fn note_rates(&self, now: Time) {
        let bytes = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.note(now, bytes(&self.received), bytes(&self.sent));
    }

    /// Bytes per second that come and go just now.
    pub fn rates(&self) -> (u64, u64) {
        self.rates.lock().unwrap_or_else(PoisonError::into_inner).per_second()
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// A fetch ends a moment after its figures have their last values: whoever began to wait in between
    /// slept until the time was over.
    #[test]
    fn an_end_without_a_change_of_figures_wakes_whoever_waits() {
        let state = ContentState::new(ContentId([7; 32]), false, None);
        let ended = Arc::new(AtomicBool::new(false));
        let ((looked, looks), (woke, wakes)) = (mpsc::channel(), mpsc::channel());
        let waiting = {
            let (state, ended) = (state.clone(), ended.clone());
            thread::spawn(move || {
                state.wait_change(Duration::from_secs(3600), || {
                    let _ = looked.send(());
                    ended.load(Ordering::Relaxed)
                });
                woke.send(()).unwrap();
            })
        };
        looks.recv_timeout(Duration::from_secs(60)).expect("it looks before it waits");
        ended.store(true, Ordering::Relaxed);
        state.progressed();
        wakes.recv_timeout(Duration::from_secs(60)).expect("it does not wait for the hour to end");
        waiting.join().unwrap();
    }
}
