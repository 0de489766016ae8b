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
        let columns = if self.output.has_bars() { columns() } else { usize::MAX };
        let (bar, text) = split(columns);
        for (index, (meter, speed)) in self.rows.iter_mut().enumerate() {
            let Some(runner) = race.runners.get(index) else { continue };
            let done = runner.progress.done_bytes;
            speed.record(now, done);
            meter.resize(bar);
            meter.show(done, size, || row(text, index, runner, size, speed, race.start));
        }
        let (meter, speed) = &mut self.total;
        let done = race.done_bytes();
        speed.record(now, done);
        let text = total_line(text, race, &self.settings, speed, self.rows.len());
        if self.output.has_bars() {
            meter.resize(bar);
            meter.show(done, size.saturating_mul(self.settings.peers.into()), || text);
        } else {
            self.output.note(&text);
        }
    }
}

/// Columns for the bar and for the text beside it. The short form of every line needs 63 of 80 columns, the
/// long one 77; of what is left over the bar gets a third.
fn split(columns: usize) -> (usize, usize) {
    let bar = match columns {
        ..102 => columns.saturating_sub(64).clamp(8, 24),
        _ => (24 + (columns - 102) / 3).min(48),
    };
    (bar, columns.saturating_sub(bar + 1))
}

/// The first form that fits, else the last.
fn fitting<const FORMS: usize>(columns: usize, forms: [String; FORMS]) -> String {
    let fits = |form: &String| form.chars().count() <= columns;
    let at = forms.iter().position(fits).unwrap_or(FORMS - 1);
    forms.into_iter().nth(at).unwrap_or_default()
}

fn row(
    columns: usize,
    index: usize,
    runner: &Runner,
    size: u64,
    speed: &Speed,
    start: Instant,
) -> String {
    let progress = &runner.progress;
    let share = units::per_cent(progress.done_bytes, size);
    let name = format!("peer {:02}  {share:3} %", index + 1);
    match (&runner.complete, &runner.trouble) {
        (Some((at, _)), _) => {
            let time = units::for_people(at.duration_since(start));
            let sent = ByteCount(progress.sent_bytes);
            let name = format!("peer {:02}  100 %", index + 1);
            fitting(
                columns,
                [
                    format!("{name}  complete after {time}, sent {sent}"),
                    format!("{name}  complete after {time}"),
                    format!("{name}  {time}"),
                    name,
                ],
            )
        }
        (None, Some(why)) => format!("{name}  failed: {why}"),
        (None, None) => {
            let rate = BytesPerSecond(speed.per_second() as u64).to_string();
            let neighbours = progress.neighbours;
            fitting(
                columns,
                [
                    format!("{name}  {rate:>11}  {neighbours:2} neighbours  {}", progress.phase),
                    format!("{name}  {rate:>11}  {}", progress.phase),
                    format!("{name}  {rate:>11}"),
                    name,
                ],
            )
        }
    }
}

fn total_line(
    columns: usize,
    race: &Race,
    settings: &Settings,
    speed: &Speed,
    rows: usize,
) -> String {
    let all = settings.size.0.saturating_mul(settings.peers.into());
    let name = format!("total    {:3} %", units::per_cent(race.done_bytes(), all));
    let rate = BytesPerSecond(speed.per_second() as u64).to_string();
    let copies = race.origin_copies(settings);
    let killed = race.killed_at.is_some();
    let (origin, short_origin) =
        if killed { ("origin (killed)", "killed") } else { ("origin", "origin") };
    let (finished, peers) = (race.finished(), settings.peers);
    let elapsed = race.start.elapsed().as_secs_f64();
    let hidden = (peers as usize).saturating_sub(rows);
    let (hidden, short_hidden) = match rows > 0 && hidden > 0 {
        true => (format!(", {hidden} peers not shown"), format!(", {hidden} more")),
        false => Default::default(),
    };
    let long = format!(
        "{name}  {rate:>11}  {origin} sent {copies:.2} copies  {finished} of {peers} complete  \
         {elapsed:.1} s"
    );
    let short = format!(
        "{name}  {rate:>11}  {short_origin} {copies:.2} x  {finished}/{peers} done  {elapsed:.1} s"
    );
    fitting(
        columns,
        [
            format!("{long}{hidden}"),
            format!("{short}{short_hidden}"),
            short,
            format!("{name}  {finished}/{peers} done  {elapsed:.1} s"),
            format!("{name}  {elapsed:.1} s"),
            name,
        ],
    )
}

/// Columns of the terminal; it may be resized at any time.
fn columns() -> usize {
    let columns = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(80, |size| size.ws_col);
    // A terminal that does not know its size says 0.
    if columns == 0 { 80 } else { usize::from(columns) }
}

/// Bars for peers that fit on the terminal.
fn rows_that_fit() -> usize {
    let lines = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(24, |size| size.ws_row);
    usize::from(lines).saturating_sub(OTHER_LINES).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Event;
    use crate::node_args::DiscoveryArg;

    const SIZE: u64 = 64 << 20;

    fn settings(peers: u32) -> Settings {
        Settings {
            peers,
            size: ByteCount(SIZE),
            rate: BytesPerSecond(12_500_000),
            asked_chunk_size: None,
            discovery: DiscoveryArg::Both,
            kill_origin_after: None,
        }
    }

    /// A race that needs as much room as any: long numbers, one peer complete, one in mid-transfer.
    fn race(peers: u32) -> (Race, Speed) {
        let mut race = Race::new(peers);
        race.start = Instant::now() - Duration::from_secs(123);
        race.origin_sent = SIZE * 11 / 10;
        let text = r#"{"event":"complete","content":"c","output":"o","seconds":1.0,"size_bytes":67108864,
            "chunk_size":16384,"resumed_bytes":0,"received_bytes":9,"sent_bytes":0,"wasted_bytes":0,
            "was_there":false}"#;
        let Some(Event::Complete(complete)) = Event::parse(text) else { panic!("a good event") };
        for runner in &mut race.runners {
            runner.progress.done_bytes = SIZE / 2;
            runner.progress.sent_bytes = SIZE * 15 / 10 + 7;
            runner.progress.neighbours = 16;
            runner.progress.phase = "transferring".into();
        }
        race.runners[0].complete = Some((Instant::now(), complete));
        let mut speed = Speed::default();
        speed.record(race.start, 0);
        speed.record(race.start + Duration::from_secs(1), 51_300_000 / 8);
        (race, speed)
    }

    fn lines(columns: usize, peers: u32, rows: usize) -> Vec<String> {
        let (settings, (race, speed)) = (settings(peers), race(peers));
        let (bar, text) = split(columns);
        let peer = |index: usize| row(text, index, &race.runners[index], SIZE, &speed, race.start);
        let lines = [peer(0), peer(1), total_line(text, &race, &settings, &speed, rows)];
        lines.map(|line| format!("{} {line}", "-".repeat(bar))).to_vec()
    }

    #[test]
    fn every_line_fits_the_terminal() {
        for columns in [30, 40, 60, 72, 80, 100, 102, 120, 200] {
            for (peers, rows) in [(16, 16), (16, 9), (256, 20)] {
                for line in lines(columns, peers, rows) {
                    assert!(line.chars().count() <= columns, "{columns} columns: {line}");
                }
            }
        }
    }

    #[test]
    fn eighty_columns_show_everything_that_counts() {
        let [complete, running, total] = &lines(80, 16, 16)[..] else { panic!("three lines") };
        assert!(complete.contains("complete after 2 min 03 s, sent 96.0 MiB"), "{complete}");
        assert!(running.contains("51.3 Mbit/s  16 neighbours  transferring"), "{running}");
        assert!(total.contains("51.3 Mbit/s  origin 1.10 x  1/16 done  123."), "{total}");
    }

    #[test]
    fn a_wide_terminal_gets_whole_words_and_a_longer_bar() {
        let [.., total] = &lines(140, 16, 12)[..] else { panic!("three lines") };
        assert!(total.contains("origin sent 1.10 copies  1 of 16 complete"), "{total}");
        assert!(total.contains(", 4 peers not shown"), "{total}");
        assert!(split(140).0 > split(102).0);
    }
}
