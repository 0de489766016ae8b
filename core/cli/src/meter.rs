//! Progress for a person: a bar on a terminal, now and then a line elsewhere, or nothing; and the speed.

use std::collections::VecDeque;
use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Pause between two plain lines: a log stays readable, and a person sees that something happens.
const LINE_EVERY: Duration = Duration::from_secs(2);
/// Width of a bar that was not told another one.
const CELLS: usize = 24;
/// Span over which speed is averaged: long enough to be calm, short enough to show a stall.
const SPEED_SPAN: Duration = Duration::from_secs(3);

/// One line of progress.
pub struct Meter {
    style: Style,
}

enum Style {
    Bar { bar: ProgressBar, cells: usize },
    Lines { last: Instant },
    Silent,
}

impl Meter {
    /// A bar below the others.
    pub fn bar(all: &MultiProgress) -> Meter {
        let bar = all.add(ProgressBar::new(1).with_style(bar_style(CELLS)));
        Meter { style: Style::Bar { bar, cells: CELLS } }
    }

    /// A moving sign of life for something that has no end.
    pub fn spinner(all: &MultiProgress) -> Meter {
        let style = style_of("{spinner:.green} {wide_msg}");
        let bar = all.add(ProgressBar::new(1).with_style(style));
        bar.enable_steady_tick(Duration::from_millis(200));
        Meter { style: Style::Bar { bar, cells: 0 } }
    }

    /// A plain line on stderr every two seconds; none for what takes less.
    pub fn lines() -> Meter {
        Meter { style: Style::Lines { last: Instant::now() } }
    }

    /// Nothing.
    pub fn silent() -> Meter {
        Meter { style: Style::Silent }
    }

    /// Makes a bar this many columns wide.
    pub fn resize(&mut self, wanted: usize) {
        if let Style::Bar { bar, cells } = &mut self.style
            && *cells != wanted
        {
            *cells = wanted;
            bar.set_style(bar_style(wanted));
        }
    }

    /// Shows that `done` of `total` are there; `text` says the rest.
    pub fn show(&mut self, done: u64, total: u64, text: impl FnOnce() -> String) {
        match &mut self.style {
            Style::Bar { bar, .. } => {
                bar.set_length(total.max(1));
                bar.set_position(done.min(total));
                bar.set_message(text());
            }
            Style::Lines { last } => {
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    let _ = writeln!(std::io::stderr(), "{}", text());
                }
            }
            Style::Silent => {}
        }
    }

    /// Leaves the bar on the terminal as it is.
    pub fn keep(&self) {
        if let Style::Bar { bar, .. } = &self.style {
            bar.abandon();
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Style::Bar { bar, .. } = &self.style {
            bar.finish_and_clear();
        }
    }
}

fn bar_style(cells: usize) -> ProgressStyle {
    style_of(&format!("{{bar:{cells}.green}} {{wide_msg}}"))
}

fn style_of(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}

/// Bytes per second over the last few seconds.
#[derive(Debug, Default)]
pub struct Speed {
    points: VecDeque<(Instant, u64)>,
}

impl Speed {
    /// Takes note that `bytes` in all had arrived at `now`.
    pub fn record(&mut self, now: Instant, bytes: u64) {
        while self.points.len() > 1
            && self.points.front().is_some_and(|(at, _)| now.duration_since(*at) > SPEED_SPAN)
        {
            self.points.pop_front();
        }
        self.points.push_back((now, bytes));
    }

    /// The average, zero at the beginning.
    pub fn per_second(&self) -> f64 {
        let (Some((start, first)), Some((end, last))) = (self.points.front(), self.points.back())
        else {
            return 0.0;
        };
        let span = end.duration_since(*start).as_secs_f64();
        if span <= 0.0 { 0.0 } else { last.saturating_sub(*first) as f64 / span }
    }

    /// How long `missing` bytes will take at this speed; `None` while nothing moves.
    pub fn time_for(&self, missing: u64) -> Option<Duration> {
        let speed = self.per_second();
        (speed >= 1.0).then(|| Duration::from_secs_f64((missing as f64 / speed).min(1e9)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_that_of_the_last_seconds() {
        let mut speed = Speed::default();
        let start = Instant::now();
        for second in 0..20u64 {
            let bytes = if second < 10 { 0 } else { (second - 10) * 1000 };
            speed.record(start + Duration::from_secs(second), bytes);
        }
        assert_eq!(speed.per_second(), 1000.0);
        assert_eq!(speed.time_for(5000), Some(Duration::from_secs(5)));
    }

    #[test]
    fn nothing_is_promised_while_nothing_moves() {
        let mut speed = Speed::default();
        assert_eq!(speed.time_for(1), None);
        speed.record(Instant::now(), 0);
        assert_eq!(speed.time_for(1), None);
    }
}
