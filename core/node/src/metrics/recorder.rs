//! Counts what happens: handles of the `metrics` facade, kept by `metrics-exporter-prometheus`.
//!
//! Each node has a recorder of its own, which is never installed for the process, so that several nodes in one
//! process do not mix their figures. Every series of [`METRICS`] that is counted as it happens is there, as 0,
//! before anything happened. Observations of histograms wait in a list until the page is asked for or
//! [`Recorder::upkeep`] is called, which the node does every second: nothing grows when nobody asks.

use std::sync::Arc;

use metrics::{Histogram, Key, KeyName, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::declared::{Kind, METRICS, Metric, Taken};
use super::text::Text;

/// All that one node counts.
pub struct Recorder {
    series: Vec<Series>,
    exporter: PrometheusHandle,
}

/// The series of one metric, in the order of [`Metric::combinations`]. Cheap to clone.
#[derive(Clone)]
pub struct Series {
    metric: &'static Metric,
    cells: Arc<[Cell]>,
}

/// One series.
enum Cell {
    Count(metrics::Counter),
    Histogram(Histogram),
}

/// One series of a counter, for those who count it elsewhere.
#[derive(Clone)]
pub struct Counter {
    series: Series,
    place: usize,
}

impl Recorder {
    /// Everything at 0. Without `count` nothing is ever counted, and nothing is on the page.
    pub fn new(count: bool) -> Self {
        let at_once = || METRICS.iter().filter(|one| one.taken == Taken::AtOnce);
        if !count {
            let series = at_once().map(|metric| Series { metric, cells: Arc::new([]) }).collect();
            return Recorder {
                series,
                exporter: PrometheusBuilder::new().build_recorder().handle(),
            };
        }
        let recorder = at_once().fold(PrometheusBuilder::new(), with_buckets).build_recorder();
        let series = at_once().map(|metric| Series::new(metric, &recorder)).collect();
        Recorder { series, exporter: recorder.handle() }
    }

    /// All series of a metric.
    pub fn series(&self, name: &'static str) -> Series {
        let found = self.series.iter().find(|one| one.metric.name == name);
        found.unwrap_or_else(|| unreachable!("{name} is not declared")).clone()
    }

    /// Puts waiting observations into their buckets.
    pub fn upkeep(&self) {
        self.exporter.run_upkeep();
    }

    /// Writes all of it in Prometheus's text format.
    pub fn write(&self, text: &mut Text) {
        text.add(&self.exporter.render());
    }
}

fn with_buckets(builder: PrometheusBuilder, metric: &Metric) -> PrometheusBuilder {
    let Kind::Histogram(bounds) = metric.kind else { return builder };
    let buckets = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds);
    buckets.unwrap_or_else(|error| unreachable!("{} has no buckets: {error}", metric.name))
}

/// The table does not compile with such a line.
fn not_counted(metric: &Metric) -> ! {
    unreachable!("{} is a gauge, and gauges are not counted at once", metric.name)
}

impl Series {
    fn new(metric: &'static Metric, recorder: &PrometheusRecorder) -> Self {
        static FROM: Metadata<'static> = Metadata::new("samara", Level::INFO, None);
        let (name, help) = (KeyName::from_const_str(metric.name), metric.help.into());
        match metric.kind {
            Kind::Histogram(_) => recorder.describe_histogram(name, None, help),
            Kind::Counter => recorder.describe_counter(name, None, help),
            Kind::Gauge => not_counted(metric),
        }
        let cell = |labels: &Vec<(&'static str, &'static str)>| {
            let labels = labels.iter().map(|(label, is)| Label::from_static_parts(label, is));
            let key = Key::from_parts(metric.name, labels.collect::<Vec<_>>());
            match metric.kind {
                Kind::Histogram(_) => Cell::Histogram(recorder.register_histogram(&key, &FROM)),
                Kind::Counter => Cell::Count(recorder.register_counter(&key, &FROM)),
                Kind::Gauge => not_counted(metric),
            }
        };
        let cells = metric.combinations().iter().map(cell).collect();
        Series { metric, cells }
    }

    /// Counts for the series at this place.
    pub fn add(&self, place: usize, amount: u64) {
        if let Some(Cell::Count(count)) = self.cells.get(place) {
            count.increment(amount);
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
        if let Some(Cell::Histogram(histogram)) = self.cells.get(place) {
            histogram.record(value);
        }
    }
}

impl Counter {
    /// Counts.
    pub fn add(&self, amount: u64) {
        self.series.add(self.place, amount);
    }
}
