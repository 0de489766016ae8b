//! One fetch, from a name to a file in place: resolves the name, finds somebody who has the content, starts
//! its swarm, and watches until it is done, failed or given up.

mod entry;
mod error;
mod patience;

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use samara_engine::swarm::SwarmInput;
use samara_model::{ByteCount, ContentId, ContentRef, ReleaseName};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

pub use error::FetchError;

use entry::{Entered, enter, is_in_place, leave};
use patience::{Patience, Standing};

use crate::api::{FetchPhase, FetchProgress, FetchRequest, Fetched};
use crate::chunk_store_actor::chain;
use crate::content_state::ContentState;
use crate::finder::Found;
use crate::gossip_actor::GossipMessage;
use crate::link::LinkId;
use crate::seeder_actor::SeederMessage;
use crate::shared::Shared;
use crate::swarm_actor::SwarmMessage;
use crate::tracker_actor::TrackerMessage;

/// How often others are asked who has the content: while nobody is known, and otherwise.
const ASK_LONELY: Duration = Duration::from_millis(500);
const ASK_SETTLED: Duration = Duration::from_secs(10);
/// Connected peers that are named when a fetch is given up.
const NAMED: usize = 4;

/// A fetch under way.
#[derive(Clone)]
pub struct FetchHandle(Arc<Job>);

pub(crate) struct Job {
    inner: Mutex<Inner>,
    changed: Condvar,
    cancelled: Notify,
}

#[derive(Default)]
struct Inner {
    state: Option<Arc<ContentState>>,
    result: Option<Result<Fetched, FetchError>>,
    cancelled: bool,
}

impl FetchHandle {
    pub(crate) fn start(shared: Arc<Shared>, request: FetchRequest) -> Self {
        let job = Arc::new(Job {
            inner: Mutex::default(),
            changed: Condvar::new(),
            cancelled: Notify::new(),
        });
        let (runtime, running) = (shared.data_plane.clone(), job.clone());
        let ending = Ending { shared: shared.clone(), job: job.clone() };
        runtime.spawn(async move {
            let result = tokio::select! {
                result = run(&shared, &request, &running) => result,
                () = running.cancelled.notified() => Err(FetchError::Cancelled),
                () = shared.stopped.notified() => Err(FetchError::Cancelled),
            };
            running.finish(&shared, result);
            drop(ending);
        });
        FetchHandle(job)
    }

    /// Where it stands.
    pub fn progress(&self) -> FetchProgress {
        match &self.0.lock().state {
            Some(state) => state.progress(),
            None => nothing_yet(),
        }
    }

    /// Waits until something changed or the time is over, and says where it stands.
    pub fn wait_change(&self, at_most: Duration) -> FetchProgress {
        let state = self.0.lock().state.clone();
        match state {
            Some(state) if self.result().is_none() => state.wait_change(at_most),
            _ => {
                let inner = self.0.lock();
                if inner.result.is_none() {
                    let _ = self.0.changed.wait_timeout(inner, at_most);
                }
            }
        }
        self.progress()
    }

    /// How it ended, once it has.
    pub fn result(&self) -> Option<Result<Fetched, FetchError>> {
        self.0.lock().result.clone()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// Why there is no file.
    pub fn wait(&self) -> Result<Fetched, FetchError> {
        let mut inner = self.0.lock();
        loop {
            if let Some(result) = &inner.result {
                return result.clone();
            }
            inner = self.0.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives it up. What was verified stays.
    pub fn cancel(&self) {
        self.0.lock().cancelled = true;
        self.0.cancelled.notify_one();
    }
}

/// A fetch ends with its task, also when the node stops before the task hears of it.
struct Ending {
    shared: Arc<Shared>,
    job: Arc<Job>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.job.lock().result.is_none() {
            self.job.finish(&self.shared, Err(FetchError::Cancelled));
        }
    }
}

impl Job {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, state: Arc<ContentState>) {
        self.lock().state = Some(state);
        self.changed.notify_all();
    }

    fn finish(&self, shared: &Shared, result: Result<Fetched, FetchError>) {
        let state = self.lock().state.clone();
        if let Some(state) = &state {
            leave(shared, state);
        }
        self.lock().result = Some(result);
        self.changed.notify_all();
        if let Some(state) = state {
            state.progressed();
        }
    }
}

fn nothing_yet() -> FetchProgress {
    FetchProgress {
        phase: FetchPhase::Finding,
        content: None,
        total: ByteCount(0),
        done: ByteCount(0),
        resumed: ByteCount(0),
        chunks: 0,
        received: ByteCount(0),
        sent: ByteCount(0),
        wasted: ByteCount(0),
        neighbours: 0,
    }
}

async fn run(
    shared: &Arc<Shared>,
    request: &FetchRequest,
    job: &Job,
) -> Result<Fetched, FetchError> {
    let began = Instant::now();
    let content = resolve(shared, request).await?;
    let output = std::path::absolute(&request.output).unwrap_or(request.output.clone());
    let (state, entered) = loop {
        let (state, entered) = enter(shared, content, &output)?;
        if !matches!(entered, Entered::Complete) || is_in_place(shared, &state).await {
            break (state, entered);
        }
    };
    match entered {
        Entered::Complete if state.output.as_deref() == Some(&output) => {
            return Ok(fetched(&state, output, began, true));
        }
        Entered::Complete => return copy(shared, &state, request, began).await,
        Entered::Joined => job.watch(state.clone()),
        Entered::First { instead_of } => {
            job.watch(state.clone());
            if let Some(withdrawn) = instead_of {
                shared.seeder.deliver(SeederMessage::Close(withdrawn)).await;
            }
            shared.seeder.deliver(SeederMessage::Open(state.clone())).await;
        }
    }
    watch(shared, request, &state, began).await?;
    let was_there = state.resumed.load(Ordering::Relaxed)
        == state.stored().map_or(u64::MAX, |stored| stored.total().0)
        && state.received.load(Ordering::Relaxed) == 0;
    Ok(fetched(&state, output, began, was_there))
}

fn fetched(
    state: &ContentState,
    output: std::path::PathBuf,
    began: Instant,
    was_there: bool,
) -> Fetched {
    let stored = state.stored();
    Fetched {
        content: state.content,
        output,
        size: stored.as_ref().map_or(ByteCount(0), |stored| stored.total()),
        chunk_size: stored.as_ref().map_or(0, |stored| stored.manifest().chunk_size()),
        took: began.elapsed(),
        was_there,
        progress: state.progress(),
    }
}

/// The content is complete here in another place: the store copies it.
async fn copy(
    shared: &Arc<Shared>,
    state: &Arc<ContentState>,
    request: &FetchRequest,
    began: Instant,
) -> Result<Fetched, FetchError> {
    let (store, content, output) = (shared.store.clone(), state.content, request.output.clone());
    let impossible = |why: String| FetchError::Impossible { content, why };
    let stored = state.stored().ok_or_else(|| impossible("it is not ready yet".into()))?;
    let copied = tokio::task::spawn_blocking(move || {
        let (bytes, manifest) = (stored.manifest_bytes().to_vec(), stored.manifest().clone());
        let stop = std::sync::atomic::AtomicBool::new(false);
        let copy = store
            .begin_fetch(content, bytes, manifest, &output, &|_, _| {}, &stop)
            .map_err(|error| chain(&error))?;
        copy.finish().map_err(|error| chain(&error))
    });
    copied.await.map_err(|error| impossible(error.to_string()))?.map_err(impossible)?;
    Ok(fetched(state, request.output.clone(), began, true))
}

/// Finds out which content is meant.
async fn resolve(shared: &Arc<Shared>, request: &FetchRequest) -> Result<ContentId, FetchError> {
    let name = match &request.content {
        ContentRef::Id(id) => return Ok(*id),
        ContentRef::Release(name) => name,
    };
    let began = Instant::now();
    loop {
        let found = ask_here(shared, Some(name.clone()), None).await;
        if let Some(release) = found.and_then(|found| found.release) {
            return Ok(release.content);
        }
        let pause = ASK_LONELY.min(request.wait.saturating_sub(began.elapsed()));
        if pause.is_zero() {
            return Err(not_found(shared, request, began_error(name)));
        }
        let mut search = shared.finder.search(Some(name.clone()), None);
        let rung = shared.link_up.notified();
        for link in shared.live_links() {
            search.ask(&link);
        }
        let found = tokio::select! {
            found = timeout(pause, search.next()) => found.ok().flatten(),
            () = rung => None,
        };
        if let Some(release) = found.and_then(|found| found.release) {
            let _ = shared.add_release(&release);
            shared.gossip.deliver(GossipMessage::ReleaseAdded(release.clone())).await;
            shared.tracker.deliver(TrackerMessage::ReleaseAdded(release.clone())).await;
            return Ok(release.content);
        }
    }
}

fn began_error(name: &ReleaseName) -> FetchError {
    FetchError::UnknownRelease { release: name.clone() }
}

/// Nobody knows it, or nobody is there: which of the two?
fn not_found(shared: &Shared, request: &FetchRequest, otherwise: FetchError) -> FetchError {
    if shared.live_links().is_empty() {
        FetchError::NobodyThere {
            content: request.content.clone(),
            waited: request.wait,
            last: shared.last_dial_error(),
        }
    } else {
        otherwise
    }
}

/// What this node's own table says.
async fn ask_here(
    shared: &Shared,
    release: Option<ReleaseName>,
    content: Option<ContentId>,
) -> Option<Found> {
    let (answer, answered) = oneshot::channel();
    shared.gossip.deliver(GossipMessage::LookUp { release, content, answer }).await;
    timeout(Duration::from_millis(200), answered).await.ok()?.ok()
}

/// Watches until the content is in place.
async fn watch(
    shared: &Arc<Shared>,
    request: &FetchRequest,
    state: &Arc<ContentState>,
    began: Instant,
) -> Result<(), FetchError> {
    let mut seen = Seen::default();
    let mut patience = Patience::new(request.wait, began);
    loop {
        if state.phase() == FetchPhase::Complete {
            return Ok(());
        }
        if state.is_closed() {
            return Err(FetchError::Cancelled);
        }
        if let Some(why) = state.failure() {
            return Err(FetchError::Impossible { content: state.content, why });
        }
        let progress = state.progress();
        if let Some(without) = patience.is_over(Instant::now(), &standing(state, &progress)) {
            return Err(give_up(shared, request, state, &progress, without));
        }
        let rung = shared.link_up.notified();
        look_around(shared, state, &mut seen, progress.neighbours == 0).await;
        tokio::select! {
            () = state.turned.notified() => {}
            () = rung => {}
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
}

fn is_local_work(phase: &FetchPhase) -> bool {
    matches!(phase, FetchPhase::Checking | FetchPhase::Finishing | FetchPhase::Parked { .. })
}

fn standing(state: &ContentState, progress: &FetchProgress) -> Standing {
    Standing {
        outlook: *state.outlook.lock().unwrap_or_else(PoisonError::into_inner),
        received: progress.received.0,
        started: progress.chunks > 0,
        is_busy: is_local_work(&progress.phase),
    }
}

fn give_up(
    shared: &Shared,
    request: &FetchRequest,
    state: &ContentState,
    progress: &FetchProgress,
    without: Duration,
) -> FetchError {
    let content = state.content;
    let Some(stored) = state.stored() else {
        return not_found(shared, request, FetchError::UnknownContent { content });
    };
    FetchError::Abandoned {
        content,
        done: progress.done,
        total: progress.total,
        missing: stored.have().missing(),
        chunks: progress.chunks,
        connected: connected(state),
        waited: Duration::from_secs(without.as_secs()),
    }
}

/// Who is connected, for a person.
fn connected(state: &ContentState) -> String {
    let rows = state.rows.lock().unwrap_or_else(PoisonError::into_inner);
    let named: Vec<String> = rows.iter().take(NAMED).map(|row| row.address.to_string()).collect();
    match rows.len() {
        0 => "nobody is connected".into(),
        all if all > NAMED => {
            format!("{} and {} more are connected and lack it, too", named.join(", "), all - NAMED)
        }
        1 => format!("{} is connected and lacks it, too", named.join(", ")),
        _ => format!("{} are connected and lack it, too", named.join(", ")),
    }
}

/// Whom a fetch has asked, and when.
#[derive(Default)]
struct Seen {
    links: HashSet<LinkId>,
    asked: Option<Instant>,
}

/// Opens the content on links that are new, and asks from time to time who has it.
async fn look_around(
    shared: &Arc<Shared>,
    state: &Arc<ContentState>,
    seen: &mut Seen,
    lonely: bool,
) {
    let swarm = &state.swarm;
    let links = shared.live_links();
    let fresh: Vec<_> = links.iter().filter(|link| seen.links.insert(link.id)).cloned().collect();
    let pause = if lonely { ASK_LONELY } else { ASK_SETTLED };
    let due = seen.asked.is_none_or(|asked| asked.elapsed() > pause);
    // The nodes that were joined may have the content themselves: that saves asking.
    if lonely {
        for handle in &fresh {
            // If the actor is down, its next incarnation finds it there.
            shared.opened_on(handle, state.content);
            let connected = SwarmMessage::Connected { handle: handle.clone(), resumed: false };
            swarm.deliver(connected).await;
        }
    }
    if !due && (fresh.is_empty() || !lonely) {
        return;
    }
    seen.asked = Some(Instant::now());
    if let Some(found) = ask_here(shared, None, Some(state.content)).await {
        swarm.deliver(SwarmMessage::Input(SwarmInput::HintsReceived(found.holders))).await;
    }
    let (shared, state) = (shared.clone(), state.clone());
    let asked = if due { links } else { fresh };
    shared.data_plane.clone().spawn(async move {
        let mut search = shared.finder.search(None, Some(state.content));
        for link in &asked {
            search.ask(link);
        }
        while let Ok(Some(found)) = timeout(Duration::from_secs(2), search.next()).await {
            let hints = SwarmInput::HintsReceived(found.holders);
            state.swarm.deliver(SwarmMessage::Input(hints)).await;
        }
    });
}
