//! The policy instances: takes the swarms' questions to the active policy, to the shadow beside it, and to the
//! built-in one when the engine says so.
//!
//! Questions and answers are values, so that a module answers on threads of its own and may be late. What is
//! loaded, and what is thought of it, is in [`crate::selector::Desk`], which outlives this actor.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use samara_engine::swarm::SwarmInput;
use samara_model::ContentId;
use samara_policy::{Policy, Question};
use samara_policy_balanced::Balanced;

use crate::selector::{Asked, Asker, ask};
use crate::shared::Shared;
use crate::supervise::{Alive, Told};
use crate::swarm_actor::SwarmMessage;

/// What the selector is asked.
pub enum SelectorMessage {
    /// Put a question to the active policy.
    Ask {
        /// Whose question it is.
        asker: Asker,
        /// Echoed.
        token: u64,
        /// The question.
        question: Box<Question>,
        /// After this time nobody waits for the answer.
        deadline: Duration,
    },
    /// Put a question of a content's swarm to the built-in policy.
    AskBuiltIn {
        /// The content.
        content: ContentId,
        /// Echoed.
        token: u64,
        /// The question.
        question: Box<Question>,
    },
    /// For tests of the supervision.
    Panic,
}

/// The actor. See the module.
pub struct Selector {
    shared: Arc<Shared>,
    _alive: Alive,
}

impl Selector {
    /// An incarnation; it knows nothing that an earlier one did not.
    pub fn new(shared: Arc<Shared>, alive: Alive) -> Self {
        Selector { shared, _alive: alive }
    }
}

impl Actor for Selector {
    type Context = Context<Self>;
}

impl Handler<Told<SelectorMessage>> for Selector {
    type Result = ();

    fn handle(&mut self, told: Told<SelectorMessage>, _ctx: &mut Context<Self>) {
        let shared = self.shared.clone();
        let (message, _working) = told.open(&shared.metrics);
        match message {
            SelectorMessage::Ask { asker, token, question, deadline } => {
                ask(&self.shared, Asked { asker, token, question, deadline })
            }
            SelectorMessage::AskBuiltIn { content, token, question } => {
                let answer = Balanced.answer(&question);
                if let Some(swarm) = self.shared.swarm(&content) {
                    swarm.tell(SwarmMessage::Input(SwarmInput::PolicyAnswered { token, answer }));
                }
            }
            #[allow(clippy::panic, reason = "this is the fault that the tests inject")]
            SelectorMessage::Panic => panic!("injected into the selector"),
        }
    }
}
