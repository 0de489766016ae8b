//! The four kinds of question.

use crate::{Hooks, Question};

/// A question's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// [`crate::Policy::neighbours`]
    Neighbours,
    /// [`crate::Policy::offers`]
    Offers,
    /// [`crate::Policy::requests`]
    Requests,
    /// [`crate::Policy::overdue`]
    Overdue,
}

impl Hook {
    /// All of them, in the order of [`Hooks::bits`].
    pub const ALL: [Hook; 4] = [Hook::Neighbours, Hook::Offers, Hook::Requests, Hook::Overdue];

    /// The hook that a question goes to.
    pub fn of(question: &Question) -> Hook {
        match question {
            Question::Neighbours(_) => Hook::Neighbours,
            Question::Offers(_) => Hook::Offers,
            Question::Requests(_) => Hook::Requests,
            Question::Overdue(_) => Hook::Overdue,
        }
    }

    /// Its name, as in the contract; a value of the label `hook` in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Neighbours => "neighbours",
            Hook::Offers => "offers",
            Hook::Requests => "requests",
            Hook::Overdue => "overdue",
        }
    }

    /// The hook of this name.
    pub fn named(name: &str) -> Option<Hook> {
        Hook::ALL.into_iter().find(|hook| hook.name() == name)
    }
}

impl Hooks {
    /// Whether this one is among them.
    pub fn wants(self, hook: Hook) -> bool {
        match hook {
            Hook::Neighbours => self.neighbours,
            Hook::Offers => self.offers,
            Hook::Requests => self.requests,
            Hook::Overdue => self.overdue,
        }
    }
}
