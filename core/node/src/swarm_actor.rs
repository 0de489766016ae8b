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
use samara_model::{BytesPerSecond, PeerMessage};

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

/// How often the rows for people are refreshed, and a parked transfer looks for room.
const REFRESH: Duration = Duration::from_millis(500);
/// A question to an actor that is down is asked again after this time.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// The actor. See the module.
pub struct Swarm {
    shared: Arc<Shared>,
    state: Arc<ContentState>,
    machine: Machine,
    links: HashMap<LinkKey, LinkHandle>,
    timer: Option<SpawnHandle>,
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

    /// Rebuilds what an incarnation before this one knew.
    fn rebuild(&mut self, ctx: &mut Context<Self>) {
        self.follow_policy(ctx);
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
                swarm.follow_policy(ctx);
                swarm.refresh();
            }
        });
    }
}

impl Handler<Told<SwarmMessage>> for Swarm {
    type Result = ();

    fn handle(&mut self, told: Told<SwarmMessage>, ctx: &mut Context<Self>) {
        let shared = self.shared.clone();
        let (message, _working) = told.open(&shared.metrics);
        match message {
            SwarmMessage::Input(input) => self.input(input, ctx),
            SwarmMessage::Connected { handle, resumed } => self.connected(handle, resumed, ctx),
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
            SwarmMessage::Map { stretches, answer } => {
                let _ = answer.send(self.machine.chunk_map(stretches));
            }
            #[allow(clippy::panic, reason = "this is the fault that the tests inject")]
            SwarmMessage::Panic => panic!("injected into the {}", ActorName::Swarm.label()),
        }
    }
}
