//! What can go wrong in one call.

use std::time::Duration;

/// Why a call gave no answer. The instance has been thrown away; the next call gets a fresh one, and nothing
/// of the node's state has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It used up its fuel.
    #[error("used up its {0} units of fuel")]
    Fuel(u64),
    /// It ran past its deadline.
    #[error("had no answer after its deadline of {0:?}")]
    Deadline(Duration),
    /// It was refused more memory, and gave up.
    #[error("wanted more than its {0} bytes of memory")]
    Memory(usize),
    /// Its calls nested too deeply.
    #[error("used up its stack of {0} bytes")]
    Stack(usize),
    /// It stopped by itself (a Rust guest panicked) or did what no guest may do.
    #[error("trapped: {0}")]
    Trap(String),
    /// Its answer does not have the form that the contract gives it.
    #[error("gave a malformed answer: {0}")]
    Malformed(#[from] Malformed),
    /// Its answer is larger than allowed.
    #[error("gave an answer of more than {0} bytes")]
    TooBig(usize),
    /// No fresh instance could be made.
    #[error("could not be started: {0}")]
    Start(String),
    /// It was not asked: the question had waited too long for a free thread.
    #[error("was not asked, because every thread was busy for too long")]
    Queue,
}

/// What is wrong with the form of an answer. Whether its rows and chunks make sense is the engine's to check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Two columns of one table differ in length.
    #[error("column `{column}` has {has} rows where {wanted} belong")]
    Length {
        /// The column.
        column: &'static str,
        /// Its rows.
        has: usize,
        /// What it should have.
        wanted: usize,
    },
    /// A value has no meaning.
    #[error("column `{column}` has the value {value} in row {row}")]
    Value {
        /// The column.
        column: &'static str,
        /// Its row.
        row: usize,
        /// The value.
        value: u32,
    },
    /// What the guest returned could not be read at all: a list outside its memory, text that is not UTF-8.
    #[error("{0}")]
    Unreadable(String),
}

impl Fault {
    /// A short, stable name, for metrics and for looking it up in `docs/policies/limits.md`.
    pub fn label(&self) -> &'static str {
        match self {
            Fault::Fuel(_) => "fuel",
            Fault::Deadline(_) => "deadline",
            Fault::Memory(_) => "memory",
            Fault::Stack(_) => "stack",
            Fault::Trap(_) => "trap",
            Fault::Malformed(_) => "malformed",
            Fault::TooBig(_) => "too-big",
            Fault::Start(_) => "start",
            Fault::Queue => "queue",
        }
    }

    /// Every label, in the order of the variants.
    pub const LABELS: [&'static str; 9] =
        ["fuel", "deadline", "memory", "stack", "trap", "malformed", "too-big", "start", "queue"];
}
