//! What is wrong with a configuration, for the person who wrote it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where each key came from.
pub type Places = BTreeMap<String, Where>;

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// In the file, counted from one.
    Line(usize),
    /// On the command line: `--set a.b=c`, `--listen …`.
    CommandLine(String),
    /// Nowhere: it is about the file as a whole, or about a default.
    Whole,
}

impl Where {
    /// Lines first, in their order.
    pub(super) fn order(&self) -> (usize, String) {
        match self {
            Where::Line(line) => (*line, String::new()),
            Where::CommandLine(option) => (usize::MAX - 1, option.clone()),
            Where::Whole => (usize::MAX, String::new()),
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub place: Where,
    /// Which key, `limits.up`; empty where it is about none.
    pub key: String,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Mistake {
    pub(super) fn new(place: Where, key: impl Into<String>, what: impl Into<String>) -> Mistake {
        Mistake { place, key: key.into(), what: what.into() }
    }

    pub(super) fn unreadable(why: &io::Error) -> Mistake {
        let what = format!("the file cannot be read ({why}): check the path and its permissions");
        Mistake::new(Where::Whole, "", what)
    }

    /// The same, at the place of its key.
    pub(super) fn at(mut self, places: &Places) -> Mistake {
        if let Some(place) = places.get(&self.key) {
            self.place = place.clone();
        }
        self
    }
}

/// Everything that is wrong with a configuration. Nothing was started with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// What is wrong, in the order of the lines; never empty.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for ConfigError {
    /// One line for each mistake: `node.toml:12: limits.up: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.mistakes.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            match (&mistake.place, &self.file) {
                (Where::Line(line), Some(file)) => write!(f, "{}:{line}: ", file.display())?,
                (Where::Line(line), None) => write!(f, "line {line}: ")?,
                (Where::CommandLine(option), _) => write!(f, "{option}: ")?,
                (Where::Whole, Some(file)) => write!(f, "{}: ", file.display())?,
                (Where::Whole, None) => {}
            }
            if !mistake.key.is_empty() {
                write!(f, "{}: ", mistake.key)?;
            }
            f.write_str(&mistake.what)?;
        }
        Ok(())
    }
}
