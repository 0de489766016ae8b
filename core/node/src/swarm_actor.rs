//! One content being fetched or served: drives `samara_engine::swarm` and carries out what it wants.
//!
//! What a dead incarnation knew is rebuilt: chunks from the store, neighbours from the live links, which are
//! asked to say again what they have.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, SpawnHandle};
use samara_engine::swarm::{
    LinkKey, ManifestFacts, Swarm as Machine, SwarmConfig, SwarmEvent, SwarmInput, SwarmOutput,
};
use samara_model::{BytesPerSecond, ChunkIndex, Holding, PeerMessage};
use samara_store::{Content, ReadChunkError, StoreChunkError};

use crate::api::{ActorName, FetchPhase, Notice, PeerRow, PeerSource};
use crate::chunk_store_actor::{ChunkStoreMessage, Order, Work};
use crate::content_state::ContentState;
use crate::link::{CloseReason, LinkCommand, LinkHandle, LinkId};
use crate::router::key;
use crate::seeder_actor::SeederMessage;
use crate::selector_actor::SelectorMessage;
use crate::shared::Shared;
use crate::supervise::{Alive, Told};

/// How often the rows for people are refreshed, and a parked transfer looks for room.
const REFRESH: Duration = Duration::from_millis(500);
/// A question to an actor that is down is asked again after this time.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// What a swarm is told.
pub enum SwarmMessage {
    /// Straight to the machine.
    Input(SwarmInput),
    /// A link for this content stands.
    Connected {
        /// The link.
        handle: LinkHandle,
        /// It stood before this incarnation.
        resumed: bool,
    },
    /// A chunk is verified and written.
    Stored {
        /// From whom.
        link: LinkId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Its length.
        bytes: u32,
    },
    /// A chunk had the wrong hash.
    Rejected {
        /// From whom.
        link: LinkId,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// A chunk's bytes were thrown away.
    Discarded {
        /// From whom.
        link: LinkId,
        /// The chunk.
        chunk: ChunkIndex,
        /// How many came.
        bytes: u32,
    },
    /// A verified chunk could not be written.
    StoreFailed {
        /// From whom.
        link: LinkId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Why.
        error: Arc<StoreChunkError>,
    },
    /// A chunk was sent and acknowledged.
    Sent {
        /// To whom.
        link: LinkId,
        /// The chunk.
        chunk: ChunkIndex,
        /// Its length.
        bytes: u32,
    },
    /// A chunk could not be read.
    ServeFailed(ServeProblem),
    /// The manifest was looked at.
    Prepared(Prepared),
    /// The finished content was put in place, or not.
    Finished(Result<(), String>),
    /// The own copy of a chunk was hashed again.
    Verified {
        /// Who rejected it.
        link: LinkKey,
        /// The chunk.
        chunk: ChunkIndex,
        /// Whether it is right; not readable counts as wrong.
        good: bool,
    },
    /// An order to the store came to nothing.
    OrderLost(Work),
    /// There is room on the disk again.
    RoomFound,
    /// For tests of the supervision.
    Panic,
}

/// A chunk that could not be served.
pub struct ServeProblem {
    /// To whom.
    pub link: LinkId,
    /// The chunk.
    pub chunk: ChunkIndex,
    /// Why.
    pub error: Arc<ReadChunkError>,
}

/// What came of the manifest.
pub enum Prepared {
    /// The store is ready.
    Ready(Arc<Content>),
    /// The bytes are not this content's manifest.
    Refused(String),
    /// The manifest is right, but this node cannot fetch to that place.
    Impossible(String),
}

/// The actor. See the module.
pub struct Swarm {
    shared: Arc<Shared>,
    state: Arc<ContentState>,
    machine: Machine,
    links: HashMap<LinkKey, LinkHandle>,
    timer: Option<SpawnHandle>,
    demand: (bool, bool),
    park_reason: String,
    first: bool,
    _alive: Alive,
}

impl Swarm {
    /// An incarnation for this content.
    pub fn new(shared: Arc<Shared>, state: Arc<ContentState>, alive: Alive, first: bool) -> Self {
        let machine = Machine::new(
            config_of(&shared),
            shared.me,
            state.content,
            state.origin,
            shared.next_random_seed(),
        )
        .with_labels(shared.labels.clone());
        Swarm {
            shared,
            state,
            machine,
            links: HashMap::new(),
            timer: None,
            demand: (true, true),
            park_reason: String::new(),
            first,
            _alive: alive,
        }
    }

    fn input(&mut self, input: SwarmInput, ctx: &mut Context<Self>) {
        if let SwarmInput::PeerDisconnected { link } = &input {
            self.links.remove(link);
        }
        let moves_neighbours = matches!(
            input,
            SwarmInput::PeerDisconnected { .. }
                | SwarmInput::MessageReceived {
                    message: PeerMessage::Open { .. } | PeerMessage::Close { .. },
                    ..
                }
        );
        let mut outputs = Vec::new();
        self.machine.handle(self.shared.clock.now(), input, &mut outputs);
        for output in outputs {
            self.carry_out(output, ctx);
        }
        if moves_neighbours {
            self.count_neighbours();
        }
    }

    fn count_neighbours(&mut self) {
        let neighbours = self.machine.neighbour_count();
        if self.state.neighbours.swap(neighbours, Ordering::Relaxed) != neighbours {
            self.state.progressed();
        }
        self.tell_demand();
    }

    fn carry_out(&mut self, output: SwarmOutput, ctx: &mut Context<Self>) {
        match output {
            SwarmOutput::Send { link, message } => self.send(link, message),
            SwarmOutput::ServeChunk { link, chunk } => self.serve(link, chunk, ctx),
            SwarmOutput::CancelServe { link, chunk } => {
                self.command(link, LinkCommand::CancelServe { content: self.state.content, chunk })
            }
            SwarmOutput::DropIncoming { link, chunk } => {
                self.command(link, LinkCommand::DropIncoming { content: self.state.content, chunk })
            }
            SwarmOutput::Connect { peer, address } => self.connect(peer, address),
            SwarmOutput::Disconnect { link, why } => {
                self.command(link, LinkCommand::Close(CloseReason::Local(why.to_string())))
            }
            SwarmOutput::CheckManifest { bytes } => {
                self.state.set_phase(FetchPhase::Checking);
                self.order(Work::Prepare(Some(bytes.into())))
            }
            SwarmOutput::VerifyOwn { link, chunk } => self.order(Work::Verify { link, chunk }),
            SwarmOutput::AskPolicy { token, question, .. } => self.ask(token, question, false, ctx),
            SwarmOutput::AskBuiltIn { token, question } => self.ask(token, question, true, ctx),
            SwarmOutput::StartTimer { token, after } => self.start_timer(token, after, ctx),
            SwarmOutput::Report(event) => self.report(event),
        }
    }

    fn send(&self, link: LinkKey, message: PeerMessage) {
        self.command(link, LinkCommand::Send { content: Some(self.state.content), message });
    }

    /// A closed link needs no answer: its `Disconnected` is on the way.
    fn command(&self, link: LinkKey, command: LinkCommand) {
        if let Some(handle) = self.links.get(&link) {
            let _ = handle.command(command);
        }
    }

    fn serve(&mut self, link: LinkKey, chunk: ChunkIndex, ctx: &mut Context<Self>) {
        let Some(content) = self.state.stored().filter(|stored| !stored.is_withdrawn()) else {
            ctx.notify_later(Later(SwarmInput::ServeFailed { link, chunk }), Duration::ZERO);
            return;
        };
        self.command(link, LinkCommand::Serve { content, chunk });
    }

    fn connect(&self, peer: samara_model::PeerId, address: std::net::SocketAddr) {
        let (shared, swarm) = (self.shared.clone(), self.state.swarm.clone());
        self.shared.data_plane.spawn(async move {
            let Some(links) = shared.links() else { return };
            let dialled = links.dial(address, Some(peer)).await;
            match dialled {
                Ok(handle) => {
                    swarm.deliver(SwarmMessage::Connected { handle, resumed: false }).await;
                }
                Err(error) => {
                    tracing::debug!(peer = %peer.short(), %address, %error, "no connection");
                    swarm.deliver(SwarmMessage::Input(SwarmInput::ConnectFailed { peer })).await;
                }
            }
        });
    }

    /// Gives slow work to the store; again in a moment when that is down.
    fn order(&self, work: Work) {
        let order = Order::new(self.state.clone(), work);
        // An order that is not taken is dropped, and comes back as lost.
        if !self.shared.chunk_store.tell(ChunkStoreMessage::Work(order)) {
            tracing::debug!(content = %self.state.content, "the chunk store is down");
        }
    }

    fn ask(
        &mut self,
        token: u64,
        question: samara_policy::Question,
        built_in: bool,
        ctx: &mut Context<Self>,
    ) {
        let content = self.state.content;
        let question = Box::new(question);
        let message = SelectorMessage::Ask { content, token, question, built_in };
        if !self.shared.selector.tell(message) {
            ctx.notify_later(Later(SwarmInput::PolicyFailed { token }), ASK_AGAIN);
        }
    }

    fn start_timer(&mut self, token: u64, after: Duration, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.timer = Some(ctx.run_later(after, move |swarm, ctx| {
            swarm.timer = None;
            swarm.input(SwarmInput::TimerFired { token }, ctx);
        }));
    }

    fn report(&mut self, event: SwarmEvent) {
        self.shared.metrics.swarm_event(&event);
        let content = self.state.content;
        match event {
            SwarmEvent::Completed => {
                tracing::info!(%content, stats = ?self.machine.stats(), "every chunk is here");
                self.completed()
            }
            SwarmEvent::FirstPassDone => tracing::info!(%content, "every chunk was sent once"),
            SwarmEvent::PeerBanned { peer, why } => {
                self.shared.notify(Notice::BadPeer { peer, content, why: why.to_string() })
            }
            SwarmEvent::ChunkWasBad { peer, chunk } => {
                tracing::warn!(%content, peer = %peer.short(), chunk, "a chunk had the wrong hash")
            }
            // What was cancelled does not accept anything either.
            SwarmEvent::Parked if self.state.is_closed() => {}
            SwarmEvent::Parked => {
                self.state.set_phase(FetchPhase::Parked { reason: self.park_reason.clone() });
                self.shared.notify(Notice::Warning(format!(
                    "{content} is parked: {}. It goes on by itself when there is room",
                    self.park_reason
                )));
            }
            SwarmEvent::DecisionDropped { hook, why } => {
                tracing::trace!(%content, hook = hook.label(), why = why.label(), "decision dropped")
            }
            SwarmEvent::FellBack { hook, why } => {
                tracing::warn!(%content, hook = hook.label(), why, "the built-in policy answers for the active one")
            }
            SwarmEvent::ReservationExpired { peer } => {
                tracing::debug!(%content, peer = %peer.short(), "promised a chunk and sent nothing")
            }
        }
    }

    fn completed(&mut self) {
        if self.state.origin || self.state.stored().is_some_and(|stored| stored.is_finished()) {
            self.finished(Ok(()));
        } else {
            self.state.set_phase(FetchPhase::Finishing);
            self.order(Work::Finish);
        }
    }

    fn finished(&mut self, result: Result<(), String>) {
        match result {
            Ok(()) => self.state.set_phase(FetchPhase::Complete),
            Err(why) => self.state.fail(why),
        }
        self.hold();
    }

    /// Lets gossip and tracker know how much is here.
    fn hold(&self) {
        if self.state.is_withdrawn() {
            return;
        }
        let permille = match self.machine.progress() {
            Some((_, 0)) => 1000,
            Some((have, all)) => (u64::from(have) * 1000 / u64::from(all)) as u16,
            None => 0,
        };
        let fetching = !self.machine.is_complete();
        let holding = Holding { content: self.state.content, permille, fetching };
        self.shared.hold(self.state.content, Some(holding));
    }

    fn tell_demand(&mut self) {
        let uploads = self.machine.neighbours().any(|row| row.permille < 1000);
        let demand = (uploads, !self.machine.is_complete());
        if self.demand != demand {
            self.demand = demand;
            let (content, downloads) = (self.state.content, demand.1);
            self.shared.seeder.tell(SeederMessage::Demand { content, uploads, downloads });
        }
    }

    fn load(&mut self, content: Arc<Content>, ctx: &mut Context<Self>) {
        let have = content.have();
        let manifest = content.manifest();
        let done: u64 = have.iter().map(|chunk| u64::from(content.chunk_len(chunk))).sum();
        self.state.done.store(done, Ordering::Relaxed);
        if self.first {
            self.state.resumed.store(done, Ordering::Relaxed);
        }
        if !have.is_full() {
            self.state.set_phase(FetchPhase::Transferring);
        }
        let facts = ManifestFacts {
            bytes: content.manifest_bytes().clone(),
            chunk_bytes: manifest.chunk_size(),
            have,
        };
        self.state.set_stored(content.clone());
        self.input(SwarmInput::ManifestLoaded(facts), ctx);
        self.hold();
    }

    fn prepared(&mut self, prepared: Prepared, ctx: &mut Context<Self>) {
        match prepared {
            Prepared::Ready(content) => self.load(content, ctx),
            Prepared::Refused(why) => {
                tracing::warn!(content = %self.state.content, why, "the manifest is refused");
                self.state.set_phase(FetchPhase::Manifest);
                self.input(SwarmInput::ManifestRefused, ctx);
            }
            Prepared::Impossible(why) => self.state.fail(why),
        }
    }

    fn stored(&mut self, link: LinkId, chunk: ChunkIndex, bytes: u32, ctx: &mut Context<Self>) {
        self.state.received.fetch_add(u64::from(bytes), Ordering::Relaxed);
        let before = self.machine.progress().map(|(have, _)| have);
        self.input(SwarmInput::ChunkStored { link: key(link), chunk }, ctx);
        if self.machine.progress().map(|(have, _)| have) == before {
            self.state.wasted.fetch_add(u64::from(bytes), Ordering::Relaxed);
        } else {
            self.state.done.fetch_add(u64::from(bytes), Ordering::Relaxed);
        }
        self.state.progressed();
        self.hold();
    }

    fn wasted(&self, bytes: u32) {
        self.state.received.fetch_add(u64::from(bytes), Ordering::Relaxed);
        self.state.wasted.fetch_add(u64::from(bytes), Ordering::Relaxed);
    }

    fn connected(&mut self, handle: LinkHandle, resumed: bool, ctx: &mut Context<Self>) {
        let (link, peer, address) = (key(handle.id), handle.peer, handle.address);
        // The link may have ended while this waited; then its end was told already.
        if !self.shared.opened_on(&handle, self.state.content) {
            return;
        }
        let labels = handle.labels.clone();
        self.links.insert(link, handle);
        self.input(SwarmInput::PeerConnected { link, peer, address, labels, resumed }, ctx);
    }

    fn serve_failed(&mut self, problem: ServeProblem, ctx: &mut Context<Self>) {
        let ServeProblem { link, chunk, error } = problem;
        if let ReadChunkError::SourceChanged { path, .. } = &*error {
            let (content, path) = (self.state.content, path.clone());
            self.shared.seeder.tell(SeederMessage::Withdraw { content, path });
        } else {
            tracing::warn!(content = %self.state.content, chunk, %error, "cannot serve a chunk");
        }
        self.input(SwarmInput::ServeFailed { link: key(link), chunk }, ctx);
    }

    fn verified(&mut self, link: LinkKey, chunk: ChunkIndex, good: bool, ctx: &mut Context<Self>) {
        let finished = self.state.stored().is_some_and(|stored| stored.is_finished());
        if !good && (self.state.origin || finished) {
            let path = self.state.stored().map(|stored| stored.output().to_path_buf());
            let (content, path) = (self.state.content, path.unwrap_or_default());
            self.shared.seeder.tell(SeederMessage::Withdraw { content, path });
            return;
        }
        self.input(SwarmInput::OwnChunkVerified { link, chunk, good }, ctx);
    }

    fn refresh(&mut self) {
        let now = self.shared.clock.now();
        let rows = self.machine.neighbours().map(|row| PeerRow {
            peer: row.peer,
            address: row.address,
            place: row.place,
            permille: row.permille,
            source: PeerSource::Neighbour,
            age: now.since(row.heard),
        });
        let rows = rows.collect();
        *self.state.rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = rows;
        self.count_neighbours();
        if matches!(self.state.phase(), FetchPhase::Parked { .. }) {
            self.shared
                .chunk_store
                .tell(ChunkStoreMessage::LookForRoom { state: self.state.clone() });
        }
    }

    /// Rebuilds what an incarnation before this one knew.
    fn rebuild(&mut self, ctx: &mut Context<Self>) {
        if let Some(stored) = self.state.stored() {
            self.load(stored, ctx);
        } else {
            self.order(Work::Prepare(None));
        }
        for handle in self.shared.links_of(&self.state.content) {
            self.connected(handle, true, ctx);
        }
    }
}

/// The engine's figures, with the caps that policies should know.
fn config_of(shared: &Shared) -> SwarmConfig {
    let cap = |limit: Option<BytesPerSecond>| limit.map_or(0, |limit| limit.0);
    SwarmConfig {
        upload_cap: cap(shared.config.limit_up),
        download_cap: cap(shared.config.limit_down),
        ..SwarmConfig::default()
    }
}

/// An input that the actor gives itself.
struct Later(SwarmInput);

impl actix::Message for Later {
    type Result = ();
}

impl Handler<Later> for Swarm {
    type Result = ();

    fn handle(&mut self, later: Later, ctx: &mut Context<Self>) {
        self.input(later.0, ctx);
    }
}

impl Actor for Swarm {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.rebuild(ctx);
        let content = self.state.content;
        self.shared.seeder.tell(SeederMessage::SwarmStarted { content });
        ctx.run_interval(REFRESH, |swarm, ctx| {
            if swarm.state.is_closed() || swarm.shared.is_stopping() {
                ctx.stop();
            } else {
                swarm.refresh();
            }
        });
    }
}

impl Handler<Told<SwarmMessage>> for Swarm {
    type Result = ();

    fn handle(&mut self, told: Told<SwarmMessage>, ctx: &mut Context<Self>) {
        match told.into_inner() {
            SwarmMessage::Input(input) => self.input(input, ctx),
            SwarmMessage::Connected { handle, resumed } => self.connected(handle, resumed, ctx),
            SwarmMessage::Stored { link, chunk, bytes } => self.stored(link, chunk, bytes, ctx),
            SwarmMessage::Rejected { link, chunk } => {
                let bytes = self.state.stored().map_or(0, |stored| stored.chunk_len(chunk));
                self.shared.metrics.chunk_rejected(bytes);
                self.wasted(bytes);
                self.input(SwarmInput::ChunkRejected { link: key(link), chunk }, ctx);
            }
            SwarmMessage::Discarded { link, chunk, bytes } => {
                self.wasted(bytes);
                self.input(SwarmInput::ChunkDiscarded { link: key(link), chunk }, ctx);
            }
            SwarmMessage::StoreFailed { link, chunk, error } => {
                self.park_reason = error.to_string();
                self.input(SwarmInput::StoreFailed { link: key(link), chunk }, ctx);
            }
            SwarmMessage::Sent { link, chunk, bytes } => {
                self.state.sent.fetch_add(u64::from(bytes), Ordering::Relaxed);
                self.input(SwarmInput::ChunkSent { link: key(link), chunk }, ctx);
            }
            SwarmMessage::ServeFailed(problem) => self.serve_failed(problem, ctx),
            SwarmMessage::Prepared(prepared) => self.prepared(prepared, ctx),
            SwarmMessage::Finished(result) => self.finished(result),
            SwarmMessage::Verified { link, chunk, good } => self.verified(link, chunk, good, ctx),
            SwarmMessage::OrderLost(work) => {
                ctx.run_later(ASK_AGAIN, |swarm, _| swarm.order(work));
            }
            SwarmMessage::RoomFound => {
                self.state.set_phase(FetchPhase::Transferring);
                self.input(SwarmInput::Resumed, ctx);
            }
            #[allow(clippy::panic, reason = "this is the fault that the tests inject")]
            SwarmMessage::Panic => panic!("injected into the {}", ActorName::Swarm.label()),
        }
    }
}
