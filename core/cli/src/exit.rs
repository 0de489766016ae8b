//! How a command ends when it does not end well: one `error:` block, one exit code.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use crate::json::Event;

/// Why a command ends without having done its job, told for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: Status,
    doing: String,
    why: String,
    /// More lines of what is wrong.
    list: String,
    still: Option<String>,
    next: Option<String>,
    /// The document on stdout says so already.
    told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// It was tried and did not work: exit code 1.
    Failed,
    /// It cannot work as it was asked for: exit code 2.
    Usage,
    /// Whoever read our output went away: exit code 1, and nobody to tell.
    OutputClosed,
}

impl Failure {
    /// `doing` could not be done, `why` says what happened. Exit code 1.
    pub fn new(doing: impl Into<String>, why: impl fmt::Display) -> Failure {
        Failure::with(Status::Failed, doing.into(), why.to_string())
    }

    /// Like [`Failure::new`], with everything that `error`'s chain of causes has to say.
    pub fn because(doing: impl Into<String>, error: &dyn Error) -> Failure {
        Failure::with(Status::Failed, doing.into(), chain(error))
    }

    /// The command was given values that make no sense together. Exit code 2.
    pub fn usage(why: impl fmt::Display) -> Failure {
        Failure::with(Status::Usage, why.to_string(), String::new())
    }

    /// The reader of stdout went away; ends the process quietly.
    pub fn output_closed() -> Failure {
        Failure::with(Status::OutputClosed, "the output was closed".to_owned(), String::new())
    }

    fn with(status: Status, doing: String, why: String) -> Failure {
        Failure { status, doing, why, list: String::new(), still: None, next: None, told: false }
    }

    /// Everything that is wrong, where that is more than one sentence.
    pub fn list(mut self, list: impl Into<String>) -> Failure {
        self.list = list.into();
        self
    }

    /// What is still true afterwards, for example that nothing is lost.
    pub fn still(mut self, still: impl Into<String>) -> Failure {
        self.still = Some(still.into());
        self
    }

    /// What else is still true.
    pub fn also(mut self, also: &str) -> Failure {
        self.still = Some(match self.still {
            Some(still) => format!("{still}; {also}"),
            None => also.to_owned(),
        });
        self
    }

    /// What the person can do now.
    pub fn next(mut self, next: impl Into<String>) -> Failure {
        self.next = Some(next.into());
        self
    }

    /// With `--json`, the command has already put a document on stdout that says as much.
    pub fn already_told(mut self) -> Failure {
        self.told = true;
        self
    }

    /// 1 or 2.
    pub fn exit_code(&self) -> ExitCode {
        match self.status {
            Status::Usage => ExitCode::from(2),
            Status::Failed | Status::OutputClosed => ExitCode::FAILURE,
        }
    }

    /// Writes the block to stderr and, with `json`, a `failed` event to stdout. Never fails itself.
    pub fn report(&self, json: bool) {
        if self.status == Status::OutputClosed {
            return;
        }
        if json && !self.told && self.status == Status::Failed {
            let _ = Event::from(self).write();
        }
        let _ = writeln!(std::io::stderr(), "{self}");
    }
}

impl From<&Failure> for Event {
    fn from(failure: &Failure) -> Event {
        let doing = &failure.doing;
        Event::Failed {
            error: if failure.why.is_empty() {
                doing.clone()
            } else {
                format!("{doing}: {}", failure.why)
            },
            still: failure.still.clone(),
            next: failure.next.clone(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.doing)?;
        if !self.why.is_empty() {
            write!(f, "\n  why:   {}", self.why)?;
        }
        if !self.list.is_empty() {
            write!(f, "\n  {}", self.list.replace('\n', "\n  "))?;
        }
        if let Some(still) = &self.still {
            write!(f, "\n  still: {still}")?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next:  {next}")?;
        }
        Ok(())
    }
}

/// The error and its causes on one line; a cause that the text before already quotes is not repeated.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let words = deeper.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = deeper.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|layer| layer as &dyn Error)
        }
    }

    #[test]
    fn a_failure_says_what_why_what_remains_and_what_next() {
        let cause = Layer("disk is full", None);
        let error = Layer("cannot write /x", Some(Box::new(cause)));
        let failure = Failure::because("could not fetch a@1", &error)
            .still("2 MiB are kept")
            .next("make room");
        assert_eq!(
            failure.to_string(),
            "error: could not fetch a@1\n  why:   cannot write /x: disk is full\n  \
             still: 2 MiB are kept\n  next:  make room"
        );
    }

    #[test]
    fn a_cause_that_is_already_quoted_is_not_repeated() {
        let error = Layer("cannot bind: port in use", Some(Box::new(Layer("port in use", None))));
        assert_eq!(chain(&error), "cannot bind: port in use");
    }
}
