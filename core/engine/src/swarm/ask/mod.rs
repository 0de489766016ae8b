//! Questions to the policy and what comes of the answers. An answer is checked decision by decision; what
//! does not hold is dropped and reported. While a question is open no second one of its kind is asked.
//!
//! One file per hook: when it is asked, what its view is, and how its decisions are checked.

mod neighbours;
mod offers;
mod overdue;
mod requests;

pub(super) use offers::Standby;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use samara_model::{ChunkIndex, PeerId, Time};
use samara_policy::{Answer, Hook, Question};

use super::policy::DropReason;
use super::views::For;
use super::window::Window;
use super::{LinkKey, Outputs, Swarm, SwarmEvent, SwarmOutput};

/// Most decisions of one answer that are looked at; a view has fewer rows worth deciding on.
const MAX_DECISIONS: usize = 1024;

/// An open question.
#[derive(Debug)]
struct Ask {
    token: u64,
    at: Time,
    reader: For,
    about: About,
}

/// What a question was about, to read the answer back.
#[derive(Debug)]
enum About {
    Neighbours(Vec<PeerId>),
    Offers { rows: Vec<LinkKey>, window: Window },
    Requests { rows: Vec<LinkKey>, window: Window },
    Overdue { rows: Vec<LinkKey>, transfers: Vec<(LinkKey, ChunkIndex)> },
}

/// All open questions, at most one of each kind.
#[derive(Debug, Default)]
pub struct Asks {
    open: Vec<Ask>,
    next_token: u64,
    policy_deadline: Duration,
}

impl About {
    fn hook(&self) -> Hook {
        match self {
            About::Neighbours(_) => Hook::Neighbours,
            About::Offers { .. } => Hook::Offers,
            About::Requests { .. } => Hook::Requests,
            About::Overdue { .. } => Hook::Overdue,
        }
    }
}

impl Asks {
    /// When the first answer is late.
    pub(super) fn deadline(&self) -> Option<Time> {
        let asked = self.open.iter().filter(|ask| ask.reader == For::Active);
        asked.map(|ask| ask.at + self.policy_deadline).min()
    }

    /// Whether a question of this kind waits for its answer.
    pub(super) fn is_open(&self, hook: Hook) -> bool {
        self.open.iter().any(|ask| ask.about.hook() == hook)
    }

    fn take(&mut self, token: u64) -> Option<Ask> {
        let at = self.open.iter().position(|ask| ask.token == token)?;
        Some(self.open.swap_remove(at))
    }
}

impl Swarm {
    fn ask(&mut self, about: About, question: Question, reader: For, out: &mut Outputs) {
        self.asks.policy_deadline = self.config.policy_deadline;
        self.asks.next_token += 1;
        self.stats.questions += 1;
        let token = self.asks.next_token;
        self.asks.open.retain(|ask| ask.about.hook() != about.hook());
        self.asks.open.push(Ask { token, at: self.now, reader, about });
        let question = Box::new(question);
        out.push(match reader {
            For::BuiltIn => SwarmOutput::AskBuiltIn { token, question },
            For::Active => {
                let deadline = self.config.policy_deadline;
                SwarmOutput::AskPolicy { token, question, deadline }
            }
        });
    }

    pub(super) fn on_answer(&mut self, token: u64, answer: Answer, out: &mut Outputs) {
        let Some(ask) = self.asks.take(token) else { return };
        let (hook, reader) = (ask.about.hook(), ask.reader);
        let decided = match (ask.about, answer) {
            (About::Neighbours(rows), Answer::Neighbours(answer)) => {
                self.apply_neighbours(&rows, &answer, reader, out)
            }
            (About::Offers { rows, window }, Answer::Offers(answer)) => {
                self.apply_offers(&rows, &window, &answer, reader, out)
            }
            (About::Requests { rows, window }, Answer::Requests(answer)) => {
                self.apply_requests(&rows, &window, &answer, reader, out)
            }
            (About::Overdue { rows, transfers }, Answer::Overdue(answer)) => {
                self.apply_overdue(&rows, &transfers, &answer, reader, out)
            }
            _ => {
                dropped(hook, DropReason::OtherHook, out);
                false
            }
        };
        if decided && reader == For::Active {
            self.policy_decided(hook);
        }
    }

    pub(super) fn on_policy_failed(&mut self, token: u64, out: &mut Outputs) {
        if let Some(ask) = self.asks.take(token) {
            self.fall_back(ask, "failed", out);
        }
    }

    /// Late answers are not waited for: the built-in policy is asked instead.
    pub(super) fn expire_asks(&mut self, out: &mut Outputs) {
        let (now, deadline) = (self.now, self.config.policy_deadline);
        let late = |ask: &Ask| ask.reader == For::Active && now.since(ask.at) > deadline;
        while let Some(at) = self.asks.open.iter().position(late) {
            let ask = self.asks.open.swap_remove(at);
            self.fall_back(ask, "late", out);
        }
        // A built-in answer that never comes was lost with its asker: the question is free again.
        self.asks.open.retain(|ask| now.since(ask.at) < Duration::from_secs(2));
    }

    fn fall_back(&mut self, ask: Ask, why: &'static str, out: &mut Outputs) {
        if ask.reader == For::Active {
            let hook = ask.about.hook();
            out.push(SwarmOutput::Report(SwarmEvent::FellBack { hook, why }));
            self.question(hook, For::BuiltIn, out);
        }
    }

    /// Puts a question of this kind, when there is anything to decide.
    pub(super) fn question(&mut self, hook: Hook, reader: For, out: &mut Outputs) {
        match hook {
            Hook::Neighbours => self.question_neighbours(reader, out),
            Hook::Offers => self.question_offers(reader, out),
            Hook::Requests => self.question_requests(reader, out),
            Hook::Overdue => self.question_overdue(reader, out),
        }
    }

    /// Notes that a decision was carried out, and why it was made.
    fn carried_out(&mut self, hook: Hook, reason: u32, reader: For) {
        if reader == For::Active {
            self.reasons.count(hook, reason);
        }
    }

    fn link_of(&self, peer: &PeerId) -> Option<LinkKey> {
        self.neighbours.iter().find(|(_, one)| one.peer == *peer).map(|(link, _)| *link)
    }
}

/// The decisions of an answer that are looked at.
fn bounded<'a, T>(hook: Hook, decisions: &'a [T], out: &mut Outputs) -> &'a [T] {
    if decisions.len() > MAX_DECISIONS {
        dropped(hook, DropReason::TooMany, out);
    }
    &decisions[..decisions.len().min(MAX_DECISIONS)]
}

fn dropped(hook: Hook, why: DropReason, out: &mut Outputs) {
    out.push(SwarmOutput::Report(SwarmEvent::DecisionDropped { hook, why }));
}
