//! Counts what happens, in atomic numbers that are made at the start.
//!
//! Each node has its own, so that several in one process do not mix their figures. Every series of [`METRICS`]
//! that is counted as it happens is there, as 0, before anything happened. A histogram is a number per bucket:
//! observing adds to one of them, and nothing grows when nobody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::declared::{Kind, METRICS, Metric, Taken};
use super::text::Text;

/// All that one node counts.
pub struct Recorder(Vec<Series>);

/// The series of one metric, in the order of [`Metric::combinations`]. Cheap to clone.
#[derive(Clone)]
pub struct Series {
    metric: &'static Metric,
    cells: Arc<[Cell]>,
}

/// One series.
enum Cell {
    Count(AtomicU64),
    Histogram(Buckets),
}

/// Observations by bucket; the last is for what is above all bounds.
struct Buckets {
    bounds: &'static [f64],
    counts: Box<[AtomicU64]>,
    /// Bits of an `f64`.
    sum: AtomicU64,
}

/// One series of a counter, for those who count it elsewhere.
#[derive(Clone)]
pub struct Counter {
    series: Series,
    place: usize,
}

impl Recorder {
    /// Everything at 0.
    pub fn new() -> Self {
        let at_once = METRICS.iter().filter(|one| one.taken == Taken::AtOnce);
        Recorder(at_once.map(Series::new).collect())
    }

    /// All series of a metric.
    pub fn series(&self, name: &'static str) -> Series {
        let found = self.0.iter().find(|one| one.metric.name == name);
        found.unwrap_or_else(|| unreachable!("{name} is not declared")).clone()
    }

    /// Writes all of it in Prometheus's text format.
    pub fn write(&self, text: &mut Text) {
        for series in &self.0 {
            text.head(series.metric);
            for (labels, cell) in series.metric.combinations().iter().zip(&*series.cells) {
                match cell {
                    Cell::Count(count) => {
                        text.line(series.metric.name, labels, count.load(Relaxed) as f64);
                    }
                    Cell::Histogram(buckets) => buckets.write(text, series.metric.name, labels),
                }
            }
        }
    }
}

impl Series {
    fn new(metric: &'static Metric) -> Self {
        let cell = || match metric.kind {
            Kind::Histogram(bounds) => Cell::Histogram(Buckets::new(bounds)),
            Kind::Counter | Kind::Gauge => Cell::Count(AtomicU64::new(0)),
        };
        let cells = metric.combinations().iter().map(|_| cell()).collect();
        Series { metric, cells }
    }

    /// Counts for the series at this place.
    pub fn add(&self, place: usize, amount: u64) {
        if let Some(Cell::Count(count)) = self.cells.get(place) {
            count.fetch_add(amount, Relaxed);
        }
    }

    /// Counts one for the series whose only label has this value.
    pub fn count(&self, value: &str) {
        let values = self.metric.labels.first().map_or(&[][..], |label| label.values);
        match values.iter().position(|known| *known == value) {
            Some(place) => self.add(place, 1),
            None => tracing::error!(metric = self.metric.name, value, "an undeclared label value"),
        }
    }

    /// A handle of the series at this place.
    pub fn at(&self, place: usize) -> Counter {
        Counter { series: self.clone(), place }
    }

    /// Observes for the series at this place.
    pub fn observe(&self, place: usize, value: f64) {
        if let Some(Cell::Histogram(buckets)) = self.cells.get(place) {
            buckets.observe(value);
        }
    }
}

impl Counter {
    /// Counts.
    pub fn add(&self, amount: u64) {
        self.series.add(self.place, amount);
    }
}

impl Buckets {
    fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Buckets { bounds, counts, sum: AtomicU64::new(0f64.to_bits()) }
    }

    fn observe(&self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at].fetch_add(1, Relaxed);
        let add = |bits: u64| Some((f64::from_bits(bits) + value).to_bits());
        // The closure always gives a value, so this does not fail.
        let _ = self.sum.fetch_update(Relaxed, Relaxed, add);
    }

    /// Buckets are told as "at most so much": each holds those before it.
    fn write(&self, text: &mut Text, name: &str, labels: &[(&'static str, &'static str)]) {
        let mut below = 0;
        let bounds = self.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&self.counts) {
            below += count.load(Relaxed);
            let labels = [labels, &[("le", bound.as_str())]].concat();
            text.line(&format!("{name}_bucket"), &labels, below as f64);
        }
        text.line(&format!("{name}_sum"), labels, f64::from_bits(self.sum.load(Relaxed)));
        text.line(&format!("{name}_count"), labels, below as f64);
    }
}
