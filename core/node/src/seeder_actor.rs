//! What this node serves and fetches: starts and ends the swarms, leases them the node's slots (driving
//! `samara_engine::seeder`), watches the files that are served in place, and withdraws those that changed.

mod rounds;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler};
use samara_engine::seeder::{Seeder as Machine, SeederConfig, SeederInput, SeederOutput};
use samara_engine::swarm::SwarmInput;
use samara_model::ContentId;

use crate::api::ActorName;
use crate::chunk_store_actor::ChunkStoreMessage;
use crate::content_state::ContentState;
use crate::shared::Shared;
use crate::supervise::{Alive, Told, supervise};
use crate::swarm_actor::{Swarm, SwarmMessage};

use rounds::Rounds;

/// How often some of the files that are served in place are looked at. A chunk is checked again whenever it is
/// served.
const WATCH: Duration = Duration::from_secs(1);

/// What the seeder is told.
pub enum SeederMessage {
    /// Take part in this content.
    Open(Arc<ContentState>),
    /// Do not take part any more; the state is closed.
    Close(Arc<ContentState>),
    /// A swarm's actor is there, perhaps again.
    SwarmStarted {
        /// The content.
        content: ContentId,
    },
    /// A swarm found or lost something to do.
    Demand {
        /// The content.
        content: ContentId,
        /// Neighbours lack what is here.
        uploads: bool,
        /// Something is missing here.
        downloads: bool,
    },
    /// A content gets another share of the slots.
    Prioritise {
        /// The content.
        content: ContentId,
        /// 1 is usual.
        priority: u32,
    },
    /// The bytes of a content changed or are gone.
    Withdraw {
        /// The content.
        content: ContentId,
        /// What changed.
        path: PathBuf,
    },
    /// For tests of the supervision.
    Panic,
}

/// The actor. See the module.
pub struct Seeder {
    shared: Arc<Shared>,
    machine: Machine,
    rounds: Rounds,
    _alive: Alive,
}

impl Seeder {
    /// An incarnation; it finds the contents of the one before in [`Shared`].
    pub fn new(shared: Arc<Shared>, alive: Alive) -> Self {
        let config = SeederConfig::default();
        shared.metrics.slots.set(&config);
        let machine = Machine::new(config, shared.next_random_seed());
        Seeder { shared, machine, rounds: Rounds::default(), _alive: alive }
    }

    fn input(&mut self, input: SeederInput) {
        let mut outputs = Vec::new();
        self.machine.handle(input, &mut outputs);
        for SeederOutput::LeaseSlots { content, upload, download } in outputs {
            if let Some(swarm) = self.shared.swarm(&content) {
                swarm.tell(SwarmMessage::Input(SwarmInput::SlotsLeased { upload, download }));
            }
        }
    }

    fn open(&mut self, state: &Arc<ContentState>) {
        let content = state.content;
        if state.begin() {
            let (shared, of, wanted) = (self.shared.clone(), state.clone(), state.clone());
            supervise(
                ActorName::Swarm,
                self.shared.clone(),
                state.swarm.clone(),
                move || !wanted.is_closed(),
                move |alive, first| Swarm::new(shared.clone(), of.clone(), alive, first),
            );
        }
        let priority = state.priority.load(Ordering::Relaxed);
        self.share(content, priority);
        self.input(SeederInput::SwarmOpened { content, priority });
    }

    /// Bytes are shared as slots are.
    fn share(&self, content: ContentId, priority: u32) {
        if let Some(links) = self.shared.links() {
            links.set_priority(content, priority);
        }
    }

    fn close(&mut self, state: &Arc<ContentState>) {
        let content = state.content;
        state.swarm.clear();
        let mut contents = self.shared.contents.write().unwrap_or_else(PoisonError::into_inner);
        if !contents.get(&content).is_some_and(|now| Arc::ptr_eq(now, state)) {
            // Another fetch has taken its place, and opens the content anew on the same links.
            return;
        }
        contents.remove(&content);
        drop(contents);
        for link in self.shared.links_of(&content) {
            let message = samara_model::PeerMessage::Close { channel: 0 };
            let send = crate::link::LinkCommand::Send { content: Some(content), message };
            let _ = link.command(send);
        }
        self.shared.hold(content, None);
        self.share(content, 1);
        self.input(SeederInput::SwarmClosed { content });
    }

    fn withdraw(&mut self, content: ContentId, path: PathBuf) {
        if let Some(state) = self.shared.content(&content) {
            self.shared.withdraw(&state, path);
        }
    }

    /// Has the store look at everything that is served from where the user can edit it, and ends what was
    /// closed while this actor was down.
    fn watch(&mut self) {
        let (closed, open): (Vec<_>, Vec<_>) =
            self.shared.contents_now().into_iter().partition(|state| state.is_closed());
        closed.iter().for_each(|state| self.close(state));
        let states = self.rounds.next(open);
        if !states.is_empty() {
            self.shared.chunk_store.tell(ChunkStoreMessage::CheckUnchanged { states });
        }
    }
}

impl Actor for Seeder {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        for state in self.shared.contents_now() {
            self.open(&state);
        }
        ctx.run_interval(WATCH, |seeder, _| seeder.watch());
    }
}

impl Handler<Told<SeederMessage>> for Seeder {
    type Result = ();

    fn handle(&mut self, told: Told<SeederMessage>, _ctx: &mut Context<Self>) {
        let shared = self.shared.clone();
        let (message, _working) = told.open(&shared.metrics);
        match message {
            SeederMessage::Open(state) => self.open(&state),
            SeederMessage::Close(state) => self.close(&state),
            SeederMessage::SwarmStarted { content } => {
                self.input(SeederInput::SwarmRestarted { content })
            }
            SeederMessage::Demand { content, uploads, downloads } => {
                self.input(SeederInput::DemandChanged { content, uploads, downloads })
            }
            SeederMessage::Prioritise { content, priority } => {
                self.share(content, priority);
                self.input(SeederInput::PriorityChanged { content, priority })
            }
            SeederMessage::Withdraw { content, path } => self.withdraw(content, path),
            #[allow(clippy::panic, reason = "this is the fault that the tests inject")]
            SeederMessage::Panic => panic!("injected into the seeder"),
        }
    }
}
