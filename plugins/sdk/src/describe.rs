//! What a policy says of itself.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// A policy's own description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name, as in `policies/NAME`: lower-case letters, digits and dashes, at most 64.
    pub name: String,
    /// Its version, at most 64 bytes.
    pub version: String,
    /// Which hooks are called.
    pub hooks: Hooks,
    /// Which chunks it is shown when more than [`crate::MAX_WINDOW`] are wanted.
    pub window: WindowOrder,
    /// Names of the peers' labels that it wants to see, at most [`crate::MAX_LABELS`].
    pub labels: Vec<String>,
    /// Its parameters, in the order in which [`crate::Me::parameters`] gives their values, at most
    /// [`crate::MAX_PARAMETERS`].
    pub parameters: Vec<Parameter>,
    /// Columns of later minor versions that it wants to see, by their ids: see [`crate::column`]. An older node
    /// does not give them.
    pub columns: Vec<u32>,
}

/// Which hooks a policy wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hooks {
    /// [`crate::Policy::neighbours`]
    pub neighbours: bool,
    /// [`crate::Policy::offers`]
    pub offers: bool,
    /// [`crate::Policy::requests`]
    pub requests: bool,
    /// [`crate::Policy::overdue`]
    pub overdue: bool,
}

/// Which chunks come into the window first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WindowOrder {
    /// Fewest known holders first, ties in an order drawn anew for each node.
    #[default]
    Rarest,
    /// Lowest index first.
    LowestIndex,
}

/// A tunable number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it does.
    pub help: String,
    /// How its value is written.
    pub kind: ParameterKind,
    /// Its value when nobody sets it.
    pub default: u64,
    /// Lowest value.
    pub min: u64,
    /// Highest value.
    pub max: u64,
}

/// How a parameter's value is written and what its number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParameterKind {
    /// A plain number.
    #[default]
    Number,
    /// Yes or no: 1 or 0.
    Flag,
    /// Thousandths, written `25%` or `0.25`.
    Permille,
    /// Bytes, written `4 MiB`.
    Bytes,
    /// Microseconds, written `250ms`.
    Micros,
}

impl Description {
    /// All hooks, the rarest chunks, no labels, no parameters.
    pub fn new(name: &str, version: &str) -> Description {
        Description {
            name: name.to_string(),
            version: version.to_string(),
            hooks: Hooks::ALL,
            window: WindowOrder::Rarest,
            labels: Vec::new(),
            parameters: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// Calls only these hooks.
    pub fn hooks(self, hooks: Hooks) -> Description {
        Description { hooks, ..self }
    }

    /// Shows other chunks when not all fit.
    pub fn window(self, window: WindowOrder) -> Description {
        Description { window, ..self }
    }

    /// Wants to see one label more.
    pub fn label(mut self, name: &str) -> Description {
        self.labels.push(name.to_string());
        self
    }

    /// Wants to see one column more.
    pub fn column(mut self, id: u32) -> Description {
        self.columns.push(id);
        self
    }

    /// Has one parameter more; its place is the number of those before it.
    pub fn parameter(mut self, parameter: Parameter) -> Description {
        self.parameters.push(parameter);
        self
    }
}

impl Parameter {
    /// A parameter whose value is written as `kind` says.
    pub fn new(
        kind: ParameterKind,
        name: &str,
        help: &str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Parameter {
        let (name, help) = (name.to_string(), help.to_string());
        Parameter { name, help, kind, default, min: *range.start(), max: *range.end() }
    }

    /// A plain number.
    pub fn number(name: &str, help: &str, default: u64, range: RangeInclusive<u64>) -> Parameter {
        Parameter::new(ParameterKind::Number, name, help, default, range)
    }

    /// A share in thousandths, from none to all.
    pub fn permille(name: &str, help: &str, default: u64) -> Parameter {
        Parameter::new(ParameterKind::Permille, name, help, default, 0..=1000)
    }

    /// A duration in microseconds.
    pub fn micros(name: &str, help: &str, default: u64, range: RangeInclusive<u64>) -> Parameter {
        Parameter::new(ParameterKind::Micros, name, help, default, range)
    }
}

impl Hooks {
    /// Every hook.
    pub const ALL: Hooks = Hooks { neighbours: true, offers: true, requests: true, overdue: true };

    /// One bit per hook, as in the contract.
    pub fn bits(self) -> u32 {
        u32::from(self.neighbours)
            | u32::from(self.offers) << 1
            | u32::from(self.requests) << 2
            | u32::from(self.overdue) << 3
    }

    /// Reads the bits; `None` when there is one that this version does not know.
    pub fn from_bits(bits: u32) -> Option<Hooks> {
        (bits < 16).then_some(Hooks {
            neighbours: bits & 1 != 0,
            offers: bits & 2 != 0,
            requests: bits & 4 != 0,
            overdue: bits & 8 != 0,
        })
    }
}

impl WindowOrder {
    /// Its number in the contract.
    pub fn code(self) -> u32 {
        match self {
            WindowOrder::Rarest => 0,
            WindowOrder::LowestIndex => 1,
        }
    }

    /// Reads the number; `None` when this version does not know it.
    pub fn from_code(code: u32) -> Option<WindowOrder> {
        match code {
            0 => Some(WindowOrder::Rarest),
            1 => Some(WindowOrder::LowestIndex),
            _ => None,
        }
    }
}

impl ParameterKind {
    /// Its number in the contract.
    pub fn code(self) -> u32 {
        match self {
            ParameterKind::Number => 0,
            ParameterKind::Flag => 1,
            ParameterKind::Permille => 2,
            ParameterKind::Bytes => 3,
            ParameterKind::Micros => 4,
        }
    }

    /// Reads the number; `None` when this version does not know it.
    pub fn from_code(code: u32) -> Option<ParameterKind> {
        use ParameterKind::*;
        [Number, Flag, Permille, Bytes, Micros].into_iter().find(|kind| kind.code() == code)
    }
}
