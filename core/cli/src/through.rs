//! Watching what a node does, also while it is restarted.

mod order;

use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::admin::{Admin, AskError};
use crate::exit::Failure;
use crate::output::Output;

pub use order::Watch;

/// How often progress is looked at.
pub const POLL: Duration = Duration::from_millis(200);
/// A node that was there is waited for this long: an upgrade takes its time.
const RESTART: Duration = Duration::from_secs(120);

/// Asks a node that was there a moment ago.
pub struct Patient<'a> {
    admin: &'a Admin,
    output: &'a Output,
    gone: Option<Instant>,
    was_gone: bool,
}

impl<'a> Patient<'a> {
    pub fn new(admin: &'a Admin, output: &'a Output) -> Patient<'a> {
        Patient { admin, output, gone: None, was_gone: false }
    }

    /// Whether it did not answer for a while, since this was asked last.
    pub fn was_gone(&mut self) -> bool {
        std::mem::take(&mut self.was_gone)
    }

    /// Reads a document; while nobody answers it is asked again.
    ///
    /// # Errors
    /// When the node refuses, or does not come back.
    pub fn get<T: DeserializeOwned>(&mut self, doing: &str, path: &str) -> Result<T, Failure> {
        let ended = self.ask("GET", path, None);
        ended.map_err(|error| self.admin.failure(doing, error))
    }

    /// Like [`Patient::get`], for any request that may be given twice.
    ///
    /// # Errors
    /// When the node refuses, or does not come back.
    pub fn ask<T: DeserializeOwned>(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<T, AskError> {
        loop {
            let error = match self.admin.ask(method, path, body) {
                Err(AskError::Unreachable(error)) => error,
                answered => {
                    if self.gone.take().is_some() {
                        self.was_gone = true;
                        self.output.note("the node is back");
                    }
                    return answered;
                }
            };
            if self.gone.is_none() {
                self.output.note("the node does not answer; waiting for it to come back");
            }
            let since = *self.gone.get_or_insert_with(Instant::now);
            if since.elapsed() > RESTART {
                return Err(AskError::Unreachable(error));
            }
            thread::sleep(POLL);
        }
    }
}
