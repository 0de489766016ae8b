//! Why a benchmark could not go on. This is an application: one type, with what was being done.

use std::io;

/// Shorthand for everything here that can fail.
pub type Result<T> = std::result::Result<T, Failure>;

/// The benchmark stopped. Whatever it had built is taken down by the owners of those things.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Somebody pressed Ctrl-C, or sent SIGTERM or SIGHUP. No result of this run is kept.
    #[error("interrupted")]
    Interrupted,
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    System {
        /// What was being done, for example "reading /proc/stat".
        doing: String,
        /// The refusal.
        source: io::Error,
    },
    /// Anything else, as a sentence for the user.
    #[error("{0}")]
    Because(String),
}

impl Failure {
    /// A failure that is a sentence.
    pub fn because(sentence: impl Into<String>) -> Self {
        Self::Because(sentence.into())
    }
}

/// Adds what was being done to an error of the operating system.
pub trait Doing<T> {
    /// `doing` completes the sentence "failed while ...".
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure::System { doing: doing(), source: error.into() })
    }
}
