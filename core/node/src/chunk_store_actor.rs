//! The store's front desk: gives slow work (checking a manifest, hashing what is there, finishing, looking at
//! files) to the disk pool and brings the result to whom it concerns. The index itself is in
//! `samara_store::Store`, so that a restart loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler};
use samara_engine::swarm::LinkKey;
use samara_model::{ByteCount, ChunkIndex};
use samara_store::{BeginFetchError, ReadChunkError};

use crate::content_state::ContentState;
use crate::seeder_actor::SeederMessage;
use crate::shared::Shared;
use crate::supervise::{Alive, Told};
use crate::swarm_actor::{Prepared, SwarmMessage};

/// A parked transfer goes on when this much is free.
const ROOM: ByteCount = ByteCount(8 << 20);

/// Another fetch of the same content is waited for this long, when it should be ending.
const CLAIMED: Duration = Duration::from_secs(5);
/// How often that wait looks whether it is still wanted.
const CLAIM_CHECK: Duration = Duration::from_millis(250);

/// What the chunk store is asked.
pub enum ChunkStoreMessage {
    /// Do this for a content's swarm.
    Work(Order),
    /// Look whether files that are served in place are as they were.
    CheckUnchanged {
        /// The contents.
        states: Vec<Arc<ContentState>>,
    },
    /// Look whether a parked transfer can go on.
    LookForRoom {
        /// The content.
        state: Arc<ContentState>,
    },
    /// For tests of the supervision.
    Panic,
}

/// Slow work for the swarm of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Check a manifest and make the store ready for its content. Without bytes: the manifest that an
    /// earlier run left, if there is one.
    Prepare(Option<Arc<[u8]>>),
    /// Put a complete content in place.
    Finish,
    /// Hash a chunk that a peer rejected again.
    Verify {
        /// Who rejected it.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
    },
}

/// Work that somebody waits for. An order that is lost, because the actor dies with it in its mailbox or the
/// work itself panics, tells the swarm, which gives it again.
pub struct Order {
    state: Arc<ContentState>,
    work: Option<Work>,
}

impl Order {
    /// An order for the swarm of `state`.
    pub fn new(state: Arc<ContentState>, work: Work) -> Self {
        Order { state, work: Some(work) }
    }

    fn carry_out(mut self, shared: &Shared) -> Option<SwarmMessage> {
        let state = self.state.clone();
        let message = match self.work.clone()? {
            Work::Prepare(bytes) => {
                let known = || shared.store.known_manifest(&state.content).map(Arc::from);
                let bytes = bytes.or_else(known);
                bytes.map(|bytes| SwarmMessage::Prepared(prepare(shared, &state, bytes)))
            }
            Work::Finish => Some(SwarmMessage::Finished(finish(&state))),
            Work::Verify { link, chunk } => {
                Some(SwarmMessage::Verified { link, chunk, good: verify(&state, chunk) })
            }
        };
        self.work = None;
        message
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.state.swarm.tell(SwarmMessage::OrderLost(work));
        }
    }
}

/// The actor. See the module.
pub struct ChunkStore {
    shared: Arc<Shared>,
    _alive: Alive,
}

impl ChunkStore {
    /// An incarnation.
    pub fn new(shared: Arc<Shared>, alive: Alive) -> Self {
        ChunkStore { shared, _alive: alive }
    }

    /// Runs slow work, and tells the content's swarm what came of it.
    fn run(
        &self,
        state: Arc<ContentState>,
        work: impl FnOnce(&Shared, &ContentState) -> Option<SwarmMessage> + Send + 'static,
    ) {
        let shared = self.shared.clone();
        self.shared.data_plane.spawn(async move {
            let (inside, of) = (shared.clone(), state.clone());
            let done = tokio::task::spawn_blocking(move || work(&inside, &of)).await;
            // The swarm may be in the middle of a restart: it then asks again by itself.
            if let Ok(Some(message)) = done {
                state.swarm.deliver(message).await;
            }
        });
    }
}

fn prepare(shared: &Shared, state: &ContentState, bytes: Arc<[u8]>) -> Prepared {
    if samara_wire::manifest_id(&bytes) != state.content {
        return Prepared::Refused("its hash is not the content's id".into());
    }
    let manifest = match samara_wire::decode_manifest(&bytes) {
        Ok(manifest) => manifest,
        Err(error) => return Prepared::Impossible(format!("content {}: {error}", state.content)),
    };
    if let Some(known) = shared.store.get(&state.content)
        && !known.is_withdrawn()
        && state.output.as_deref().is_none_or(|output| known.output() == output)
    {
        return Prepared::Ready(known);
    }
    let Some(output) = &state.output else {
        return Prepared::Impossible("there is no place to put it".into());
    };
    if output.starts_with(shared.store.files()) {
        let needed = shared.store.still_needed(&state.content, &manifest, output);
        if let Err(why) = shared.make_room(state.content, manifest.total(), needed) {
            return Prepared::Impossible(why);
        }
    }
    let stop = AtomicBool::new(false);
    let progress = |done: u64, _total: u64| {
        state.done.store(done, Ordering::Relaxed);
        stop.store(shared.is_stopping() || state.is_closed(), Ordering::Relaxed);
    };
    let until = Instant::now() + CLAIMED;
    loop {
        let begun =
            shared.store.begin_fetch(state.content, &bytes, &manifest, output, &progress, &stop);
        match begun {
            Ok(content) => return Prepared::Ready(content),
            // A fetch to another place that was just cancelled has not let go of it yet.
            Err(BeginFetchError::AlreadyFetching { .. })
                if Instant::now() < until && !state.is_closed() && !shared.is_stopping() =>
            {
                shared.store.wait_let_go(&state.content, CLAIM_CHECK);
            }
            // A daemon is there to wait; a single fetch tells its caller at once.
            Err(error @ BeginFetchError::NotEnoughSpace { .. }) if shared.config.remember => {
                return Prepared::NoRoom { why: chain(&error), bytes };
            }
            Err(error) => return Prepared::Impossible(chain(&error)),
        }
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

fn finish(state: &ContentState) -> Result<(), String> {
    let stored = state.stored().ok_or("the store is not ready")?;
    stored.finish().map_err(|error| chain(&error))
}

fn verify(state: &ContentState, chunk: ChunkIndex) -> bool {
    let verified = state.stored().map(|stored| stored.verify_chunk(chunk));
    matches!(verified, Some(Ok(true)))
}

fn check_unchanged(shared: &Shared, state: &ContentState) {
    let Some(stored) = state.stored() else { return };
    match stored.check_unchanged() {
        Ok(()) => {}
        Err(ReadChunkError::SourceChanged { path, .. }) => {
            let content = state.content;
            shared.seeder.tell(SeederMessage::Withdraw { content, path });
        }
        Err(error) => tracing::warn!(content = %state.content, %error, "cannot look at its files"),
    }
}

fn look_for_room(state: &ContentState) -> Option<SwarmMessage> {
    let stored = state.stored()?;
    let needed = ByteCount(u64::from(stored.manifest().chunk_size()) * 2).min(ROOM);
    (stored.free_space()? >= needed).then_some(SwarmMessage::RoomFound)
}

impl Actor for ChunkStore {
    type Context = Context<Self>;
}

impl Handler<Told<ChunkStoreMessage>> for ChunkStore {
    type Result = ();

    fn handle(&mut self, told: Told<ChunkStoreMessage>, _ctx: &mut Context<Self>) {
        let shared = self.shared.clone();
        let (message, _working) = told.open(&shared.metrics);
        match message {
            ChunkStoreMessage::Work(order) => {
                self.run(order.state.clone(), |shared, _| order.carry_out(shared))
            }
            ChunkStoreMessage::CheckUnchanged { states } => {
                let shared = self.shared.clone();
                self.shared.data_plane.spawn_blocking(move || {
                    states.iter().for_each(|state| check_unchanged(&shared, state));
                });
            }
            ChunkStoreMessage::LookForRoom { state } => {
                self.run(state, |_, state| look_for_room(state))
            }
            #[allow(clippy::panic, reason = "this is the fault that the tests inject")]
            ChunkStoreMessage::Panic => panic!("injected into the chunk store"),
        }
    }
}
