//! What goes where: results to stdout, everything else to stderr; `--quiet` keeps errors and results,
//! `--json` puts events on stdout and nothing but errors on stderr.

use std::io::{self, IsTerminal, Write};

use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::exit::Failure;
use crate::json::Event;
use crate::meter::Meter;

/// How much is shown, and to whom.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct OutputArgs {
    /// Print one JSON document per line on stdout instead of text
    #[arg(long)]
    pub json: bool,
    /// Print no progress and no hints, only results and errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// Where a command prints. Cheap to clone; clones share the terminal.
#[derive(Debug, Clone)]
pub struct Output {
    json: bool,
    talk: Talk,
    bars: MultiProgress,
}

/// How progress is shown on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Talk {
    Bars,
    Lines,
    Nothing,
}

impl Output {
    /// Bars on a terminal, lines elsewhere, nothing when asked so.
    pub fn new(args: OutputArgs) -> Output {
        let talk = match (args.json || args.quiet, io::stderr().is_terminal()) {
            (true, _) => Talk::Nothing,
            (false, true) => Talk::Bars,
            (false, false) => Talk::Lines,
        };
        Output { json: args.json, talk, bars: no_bars_yet() }
    }

    /// The same output with bars of its own, which may stay when later output follows below them.
    pub fn with_own_bars(&self) -> Output {
        Output { json: self.json, talk: self.talk, bars: no_bars_yet() }
    }

    /// With `--json`: one line on stdout.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn event(&self, event: &Event) -> Result<(), Failure> {
        if self.json { written(event.write()) } else { Ok(()) }
    }

    /// Without `--json`: a line of the result on stdout.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn result(&self, text: &str) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        written(self.above_bars(|| {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{text}").and_then(|()| stdout.flush())
        }))
    }

    /// A line for a person on stderr, unless nobody wants one.
    pub fn note(&self, text: &str) {
        if self.talk != Talk::Nothing {
            let _ = self.above_bars(|| writeln!(io::stderr(), "{text}"));
        }
    }

    /// Progress towards an end: a bar, or a line now and then.
    pub fn meter(&self) -> Meter {
        match self.talk {
            Talk::Bars => Meter::bar(&self.bars),
            Talk::Lines => Meter::lines(),
            Talk::Nothing => Meter::silent(),
        }
    }

    /// A sign of life on a terminal, nothing elsewhere: for what has no end, a log needs no lines.
    pub fn spinner(&self) -> Meter {
        if self.has_bars() { Meter::spinner(&self.bars) } else { Meter::silent() }
    }

    /// Whether stderr is a terminal that bars are drawn on.
    pub fn has_bars(&self) -> bool {
        self.talk == Talk::Bars
    }

    fn above_bars(&self, print: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if self.has_bars() { self.bars.suspend(print) } else { print() }
    }
}

fn no_bars_yet() -> MultiProgress {
    MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10))
}

/// Prints one document, or what it says in words.
///
/// # Errors
/// When stdout is closed.
pub fn document_or(
    json: bool,
    document: &impl serde::Serialize,
    words: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if json {
        return written(crate::json::write_line(document));
    }
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(words().as_bytes()).and_then(|()| stdout.flush()))
}

/// Turns a failed write to stdout into the quiet end of the command.
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::output_closed(),
        _ => Failure::because("could not write to stdout", &error),
    })
}
