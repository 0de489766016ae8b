//! `samara top`: a live view of the node of this machine, in a terminal.

mod gather;
mod line;
mod terminal;
mod view;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use self::gather::{Gatherer, Seen};
use self::terminal::{Key, Terminal};
use self::view::Choice;
use crate::admin::NodeArg;
use crate::exit::Failure;
use crate::output;
use crate::signals::{Second, Stop};
use crate::units;

/// How often keys and the terminal's size are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Watch the node of this machine: contents, peers, rates, chunks, the policy, and why something waits.
///
/// Keys: up and down (or k and j) choose a content, space stops and goes on, q quits. Works over ssh.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    node: NodeArg,
    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = units::duration)]
    interval: Duration,
    /// Print one picture as plain text and end
    #[arg(long)]
    once: bool,
}

/// Runs the command.
///
/// # Errors
/// When no node answers at the start, or there is no terminal.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut gatherer = Gatherer::new(args.node.admin());
    let mut choice = Choice::default();
    let first = gatherer.look(&mut choice)?;
    if args.once {
        let lines = view::picture(&first, &choice, 100, usize::MAX);
        let text: Vec<String> = lines.iter().map(|line| line.plain()).collect();
        return output::written(writeln!(io::stdout(), "{}", text.join("\n")));
    }
    let stop = Stop::on_signals(Second::ExitsAtOnce)?;
    let mut terminal = Terminal::open().map_err(|why| {
        Failure::because("could not watch the node in a terminal", &why)
            .next("use `samara top --once`, or `samara status`")
    })?;
    // Faster than this nobody reads, and the node has other things to do.
    let interval = args.interval.max(Duration::from_millis(100));
    watch(&mut terminal, &mut gatherer, choice, first, interval, &stop)
}

/// Until somebody has seen enough. A node that goes away is waited for.
fn watch(
    terminal: &mut Terminal,
    gatherer: &mut Gatherer,
    mut choice: Choice,
    mut seen: Seen,
    interval: Duration,
    stop: &Stop,
) -> Result<(), Failure> {
    let (mut due, mut paused, mut shown) = (Instant::now() + interval, false, None);
    loop {
        let size = terminal.size();
        if shown != Some(size) {
            draw(terminal, &seen, &choice, size, paused)?;
            shown = Some(size);
        }
        match terminal.key(LOOK) {
            Some(Key::Quit) => return Ok(()),
            Some(Key::Up) => choice.up(&seen),
            Some(Key::Down) => choice.down(&seen),
            Some(Key::Pause) => paused = !paused,
            None if stop.is_set() => return Ok(()),
            None if paused || Instant::now() < due => continue,
            None => {}
        }
        match gatherer.look(&mut choice) {
            Ok(now) => seen = now,
            Err(failure) => seen.gone = Some(failure.to_string()),
        }
        due = Instant::now() + interval;
        shown = None;
    }
}

fn draw(
    terminal: &mut Terminal,
    seen: &Seen,
    choice: &Choice,
    (width, height): (usize, usize),
    paused: bool,
) -> Result<(), Failure> {
    let mut lines = view::picture(seen, choice, width, height.saturating_sub(1));
    lines.push(view::keys(paused));
    terminal
        .draw(&lines, width, height)
        .map_err(|why| Failure::because("could not write to the terminal", &why))
}
