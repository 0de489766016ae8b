//! The policy instances: asks the active one, and the built-in one when the engine says so.
//!
//! The active policy is the built-in one, compiled natively, until modules can be loaded; whoever loads them
//! puts another [`Policy`] into `active`. Questions and answers are values, so that a module may answer on
//! its own threads and be late.

use std::sync::Arc;

use actix::{Actor, Context, Handler};
use samara_engine::swarm::SwarmInput;
use samara_model::ContentId;
use samara_policy::{Policy, Question};
use samara_policy_balanced::Balanced;

use crate::shared::Shared;
use crate::supervise::{Alive, Told};
use crate::swarm_actor::SwarmMessage;

/// What the selector is asked.
pub enum SelectorMessage {
    /// Answer a question of a content's swarm.
    Ask {
        /// The content.
        content: ContentId,
        /// Echoed.
        token: u64,
        /// The question.
        question: Box<Question>,
        /// Ask the built-in policy.
        built_in: bool,
    },
    /// For tests of the supervision.
    Panic,
}

/// The actor. See the module.
pub struct Selector {
    shared: Arc<Shared>,
    active: Box<dyn Policy>,
    built_in: Balanced,
    _alive: Alive,
}

impl Selector {
    /// With the built-in policy active.
    pub fn new(shared: Arc<Shared>, alive: Alive) -> Self {
        Selector { shared, active: Box::new(Balanced), built_in: Balanced, _alive: alive }
    }
}

impl Actor for Selector {
    type Context = Context<Self>;
}

impl Handler<Told<SelectorMessage>> for Selector {
    type Result = ();

    fn handle(&mut self, told: Told<SelectorMessage>, _ctx: &mut Context<Self>) {
        match told.into_inner() {
            SelectorMessage::Ask { content, token, question, built_in } => {
                let policy: &dyn Policy = if built_in { &self.built_in } else { &*self.active };
                let answer = policy.answer(&question);
                if let Some(swarm) = self.shared.swarm(&content) {
                    let input = SwarmInput::PolicyAnswered { token, answer };
                    swarm.tell(SwarmMessage::Input(input));
                }
            }
            #[allow(clippy::panic, reason = "this is the fault that the tests inject")]
            SelectorMessage::Panic => panic!("injected into the selector"),
        }
    }
}
