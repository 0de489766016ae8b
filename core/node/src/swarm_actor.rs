//! One content being fetched or served: drives `samara_engine::swarm` and carries out what it wants.
//!
//! What a dead incarnation knew is rebuilt: chunks from the store, neighbours from the live links, which are
//! asked to say again what they have.

mod message;
mod outputs;
mod policy;
mod results;
mod telling;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, SpawnHandle};
use samara_engine::swarm::{LinkKey, Swarm as Machine, SwarmConfig, SwarmInput};
use samara_model::{PeerMessage, Time};

pub use message::{Prepared, ServeProblem, SwarmMessage};

use crate::api::{ActorName, FetchPhase};
use crate::chunk_store_actor::Work;
use crate::content_state::ContentState;
use crate::link::LinkHandle;
use crate::router::key;
use crate::seeder_actor::SeederMessage;
use crate::shared::Shared;
use crate::supervise::{Alive, Told};

use policy::Fallbacks;

/// How often the rows for people are refreshed, and a parked transfer looks for room, while anything happens.
const REFRESH: Duration = Duration::from_millis(500);
/// A swarm that is not fetching and to which nothing happens for this long is looked at no more, until something
/// does: a node with hundreds of contents that nobody wants just now costs next to nothing. Longer than rates look
/// back, so that they end at zero.
const CALM: Duration = Duration::from_secs(4);
/// A question to an actor that is down is asked again after this time.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// The actor. See the module.
pub struct Swarm {
    shared: Arc<Shared>,
    state: Arc<ContentState>,
    machine: Machine,
    links: HashMap<LinkKey, LinkHandle>,
    timer: Option<SpawnHandle>,
    /// The looks that are taken while anything happens.
    looks: Option<SpawnHandle>,
    /// When something happened last.
    stirred: Time,
    demand: (bool, bool),
    park_reason: String,
    fallbacks: Fallbacks,
    first: bool,
    _alive: Alive,
}

impl Swarm {
    /// An incarnation for this content.
    pub fn new(shared: Arc<Shared>, state: Arc<ContentState>, alive: Alive, first: bool) -> Self {
        let machine = Machine::new(
            SwarmConfig::default(),
            shared.me,
            state.content,
            state.origin,
            shared.next_random_seed(),
        )
        .with_labels(shared.labels());
        Swarm {
            shared,
            state,
            machine,
            links: HashMap::new(),
            timer: None,
            looks: None,
            stirred: Time::ZERO,
            demand: (true, true),
            park_reason: String::new(),
            fallbacks: Fallbacks::default(),
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

    /// Something happened: looks are taken until it is calm again.
    fn stir(&mut self, ctx: &mut Context<Self>) {
        self.stirred = self.shared.clock.now();
        if self.looks.is_none() {
            self.looks = Some(ctx.run_interval(REFRESH, Self::look));
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.ends(ctx) {
            return;
        }
        self.follow_policy(ctx);
        self.follow_labels(ctx);
        self.refresh();
        if self.is_calm()
            && let Some(looks) = self.looks.take()
        {
            ctx.cancel_future(looks);
        }
    }

    fn is_calm(&self) -> bool {
        let outstanding = self.machine.outstanding();
        !self.state.is_fetching()
            && outstanding.incoming + outstanding.outgoing == 0
            && self.shared.clock.now().since(self.stirred) > CALM
    }

    /// Whether nobody wants it any more; then this actor ends.
    fn ends(&self, ctx: &mut Context<Self>) -> bool {
        let over = self.state.is_closed() || self.shared.is_stopping();
        if over {
            ctx.stop();
        }
        over
    }

    /// Rebuilds what an incarnation before this one knew.
    fn rebuild(&mut self, ctx: &mut Context<Self>) {
        self.follow_policy(ctx);
        self.follow_labels(ctx);
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

impl Actor for Swarm {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.rebuild(ctx);
        let content = self.state.content;
        self.shared.seeder.tell(SeederMessage::SwarmStarted { content });
        self.stir(ctx);
    }
}

impl Handler<Told<SwarmMessage>> for Swarm {
    type Result = ();

    fn handle(&mut self, told: Told<SwarmMessage>, ctx: &mut Context<Self>) {
        let shared = self.shared.clone();
        let (message, _working) = told.open(&shared.metrics);
        self.stir(ctx);
        match message {
            SwarmMessage::Input(input) => self.input(input, ctx),
            SwarmMessage::Connected { handle, resumed } => self.connected(handle, resumed, ctx),
            SwarmMessage::Relabelled => self.follow_labels(ctx),
            SwarmMessage::PeerRelabelled { link } => self.peer_relabelled(link, ctx),
            SwarmMessage::Stored { link, chunk, bytes } => self.stored(link, chunk, bytes, ctx),
            SwarmMessage::Rejected { link, chunk } => {
                let bytes = self.state.stored().map_or(0, |stored| stored.chunk_len(chunk));
                self.wasted(bytes);
                self.input(SwarmInput::ChunkRejected { link: key(link), chunk }, ctx);
            }
            SwarmMessage::Discarded { link, chunk, bytes } => {
                self.wasted(bytes);
                self.input(SwarmInput::ChunkDiscarded { link: key(link), chunk }, ctx);
            }
            SwarmMessage::StoreFailed { link, chunk, error } => {
                self.park_reason = error.to_string();
                let bytes = self.state.stored().map_or(0, |stored| stored.chunk_len(chunk));
                self.wasted(bytes);
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
            SwarmMessage::Closed => ctx.stop(),
            SwarmMessage::Map { stretches, answer } => {
                let _ = answer.send(self.machine.chunk_map(stretches));
            }
            #[allow(clippy::panic, reason = "this is the fault that the tests inject")]
            SwarmMessage::Panic => panic!("injected into the {}", ActorName::Swarm.label()),
        }
    }
}
