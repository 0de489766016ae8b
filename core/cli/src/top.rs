//! `samara top`: a live view of the node of this machine, in a terminal.

mod choice;
mod gather;
mod screen;
mod view;
mod watcher;

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use self::choice::Choice;
use self::gather::Gatherer;
use self::screen::{Key, Screen};
use self::view::Picture;
use self::watcher::Watcher;
use crate::admin::NodeArg;
use crate::exit::Failure;
use crate::output;
use crate::signals::{Second, Stop};
use crate::units;

/// How often keys and news of the node are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Faster than this nobody reads, and the node has other things to do.
const FASTEST: Duration = Duration::from_millis(100);
/// Between the two looks of a picture that nobody watches.
const ONCE: Duration = Duration::from_millis(500);
/// Columns of a picture that nobody watches.
const WIDTH_OF_ONE: u16 = 100;

/// Watch the node of this machine: contents, peers, rates, chunks, the policy, and why something waits.
///
/// Keys: up and down (or k and j) choose a content, space stops and goes on, q quits. Works over ssh;
/// NO_COLOR=1 does without colours.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    node: NodeArg,
    /// How often to look, at most ten times a second
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
    let seen = gatherer.look(&Choice::default())?;
    let choice = Choice::first(&seen);
    if args.once {
        // Rates of peers are what came between two looks.
        thread::sleep(ONCE);
        let seen = gatherer.look(&choice)?;
        let text = Picture { seen: &seen, choice: &choice, paused: false }.plain(WIDTH_OF_ONE);
        return output::written(io::stdout().write_all(text.as_bytes()));
    }
    // A second signal changes nothing: giving the terminal back is short, and must not be cut off.
    let stop = Stop::on_signals(Second::IsIgnored)?;
    let mut screen = Screen::open().map_err(|why| {
        Failure::because("could not watch the node in a terminal", &why)
            .next("use `samara top --once`, or `samara status`")
    })?;
    let watcher = Watcher::start(gatherer, args.interval.max(FASTEST), choice.clone());
    watch(&mut screen, &watcher, seen, choice, &stop)
        .map_err(|why| Failure::because("could not use the terminal", &why))
}

/// Until somebody has seen enough. A node that goes away is waited for.
fn watch(
    screen: &mut Screen,
    watcher: &Watcher,
    mut seen: gather::Seen,
    mut choice: Choice,
    stop: &Stop,
) -> io::Result<()> {
    let (mut paused, mut stale) = (false, true);
    while !stop.is_set() {
        if stale {
            screen.draw(Picture { seen: &seen, choice: &choice, paused })?;
        }
        let key = screen.key(LOOK)?;
        match key {
            Some(Key::Quit) => return Ok(()),
            Some(Key::Up) => choice.up(&seen),
            Some(Key::Down) => choice.down(&seen),
            Some(Key::Pause) => paused = !paused,
            Some(Key::Resized) | None => {}
        }
        if matches!(key, Some(Key::Up | Key::Down)) {
            watcher.look_at(choice.clone());
        }
        stale = key.is_some();
        // What comes while it is stopped is not lost: the next one says more.
        if let Some(news) = watcher.news()?.filter(|_| !paused) {
            match news {
                Ok(now) => seen = now,
                Err(why) => seen.gone = Some(why),
            }
            choice.keep_valid(&seen);
            stale = true;
        }
    }
    Ok(())
}
