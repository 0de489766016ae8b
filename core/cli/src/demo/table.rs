//! The live view of a demo: one bar per peer and a total on a terminal, a line per second elsewhere.

use std::time::{Duration, Instant};

use samara_model::{ByteCount, BytesPerSecond};

use super::race::{Race, Runner};
use super::settings::Settings;
use crate::meter::{Meter, Speed};
use crate::output::Output;
use crate::units;

/// Redrawing more often than this costs CPU time that the swarm needs.
const REDRAW_EVERY: Duration = Duration::from_millis(200);
const LINE_EVERY: Duration = Duration::from_secs(1);
/// Lines of the terminal that are not bars of peers: the total, the cursor, and some air.
const OTHER_LINES: usize = 4;

/// The live view.
pub struct Table {
    output: Output,
    settings: Settings,
    rows: Vec<(Meter, Speed)>,
    total: (Meter, Speed),
    last: Option<Instant>,
}

impl Table {
    /// An empty view with as many bars as fit.
    pub fn new(output: &Output, settings: &Settings) -> Table {
        let output = output.with_own_bars();
        let bars = if output.has_bars() { settings.peers as usize } else { 0 };
        let rows = (0..bars.min(rows_that_fit())).map(|_| (output.meter(), Speed::default()));
        let rows = rows.collect();
        let total = (output.meter(), Speed::default());
        Table { output, settings: settings.clone(), rows, total, last: None }
    }

    /// Shows the state of the race, if the last time was long enough ago.
    pub fn show(&mut self, race: &Race) {
        let pause = if self.output.has_bars() { REDRAW_EVERY } else { LINE_EVERY };
        if self.last.is_some_and(|at| at.elapsed() < pause) {
            return;
        }
        self.last = Some(Instant::now());
        self.draw(race);
    }

    /// Shows the end of the race; the bars stay.
    pub fn finish(&mut self, race: &Race) {
        self.draw(race);
        self.rows.iter().for_each(|(meter, _)| meter.keep());
        self.total.0.keep();
    }

    fn draw(&mut self, race: &Race) {
        let now = Instant::now();
        let size = self.settings.size.0;
        for (index, (meter, speed)) in self.rows.iter_mut().enumerate() {
            let Some(runner) = race.runners.get(index) else { continue };
            let done = runner.progress.done_bytes;
            speed.record(now, done);
            meter.show(done, size, || row(index, runner, size, speed, race.start));
        }
        let (meter, speed) = &mut self.total;
        let done = race.done_bytes();
        speed.record(now, done);
        let text = total_line(race, &self.settings, speed, self.rows.len());
        if self.output.has_bars() {
            meter.show(done, size.saturating_mul(self.settings.peers.into()), || text);
        } else {
            self.output.note(&text);
        }
    }
}

fn row(index: usize, runner: &Runner, size: u64, speed: &Speed, start: Instant) -> String {
    let progress = &runner.progress;
    let name = format!("peer {:02}", index + 1);
    let share = units::per_cent(progress.done_bytes, size);
    match (&runner.complete, &runner.trouble) {
        (Some((at, _)), _) => {
            let time = units::for_people(at.duration_since(start));
            format!("{name}  100 %  complete after {time}, sent {}", ByteCount(progress.sent_bytes))
        }
        (None, Some(why)) => format!("{name}  {share:3} %  failed: {why}"),
        (None, None) => {
            let rate = BytesPerSecond(speed.per_second() as u64).to_string();
            let neighbours = progress.neighbours;
            format!(
                "{name}  {share:3} %  {rate:>11}  {neighbours:2} neighbours  {}",
                progress.phase
            )
        }
    }
}

fn total_line(race: &Race, settings: &Settings, speed: &Speed, rows: usize) -> String {
    let all = settings.size.0.saturating_mul(settings.peers.into());
    let share = units::per_cent(race.done_bytes(), all);
    let rate = BytesPerSecond(speed.per_second() as u64).to_string();
    let origin = if race.killed_at.is_some() { "origin (killed)" } else { "origin" };
    let copies = race.origin_copies(settings);
    let elapsed = race.start.elapsed().as_secs_f64();
    let hidden = match (settings.peers as usize).saturating_sub(rows) {
        more if rows > 0 && more > 0 => format!(", {more} peers not shown"),
        _ => String::new(),
    };
    format!(
        "total    {share:3} %  {rate:>11}  {origin} sent {copies:.2} copies  {} of {} complete  \
         {elapsed:.1} s{hidden}",
        race.finished(),
        settings.peers
    )
}

/// Bars for peers that fit on the terminal.
fn rows_that_fit() -> usize {
    let lines = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(24, |size| size.ws_row);
    usize::from(lines).saturating_sub(OTHER_LINES).max(1)
}
