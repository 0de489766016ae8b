//! The exporter's recorder of one node, and the handles that are kept of it.
//!
//! Each node has its own: several in one process do not mix their figures, and none is installed for the
//! process. Every series of [`METRICS`] that is counted as it happens is made here, so that it is there, as 0,
//! before anything happened.

use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::declared::{Kind, METRICS, Metric, Taken, declared};

static HERE: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// One node's recorder.
pub struct NodeRecorder {
    recorder: PrometheusRecorder,
    page: PrometheusHandle,
}

/// The series of one metric, in the order of [`Metric::combinations`].
pub struct Counters {
    metric: &'static Metric,
    series: Vec<Counter>,
}

/// See [`Counters`].
pub struct Histograms(Vec<Histogram>);

impl NodeRecorder {
    /// With all metrics described and all buckets set.
    pub fn new() -> Self {
        let recorder = builder()
            .unwrap_or_else(|why| unreachable!("a declared histogram has no buckets: {why}"))
            .build_recorder();
        for metric in METRICS.iter().filter(|one| one.taken == Taken::AtOnce) {
            let (name, help) = (metric.name.into(), metric.help.into());
            match metric.kind {
                Kind::Counter => recorder.describe_counter(name, None, help),
                Kind::Gauge => recorder.describe_gauge(name, None, help),
                Kind::Histogram(_) => recorder.describe_histogram(name, None, help),
            }
        }
        NodeRecorder { page: recorder.handle(), recorder }
    }

    /// All series of a counter.
    pub fn counters(&self, name: &'static str) -> Counters {
        let metric = known(name);
        let make = |key: Key| self.recorder.register_counter(&key, &HERE);
        Counters { metric, series: keys(metric).map(make).collect() }
    }

    /// All series of a histogram.
    pub fn histograms(&self, name: &'static str) -> Histograms {
        let make = |key: Key| self.recorder.register_histogram(&key, &HERE);
        Histograms(keys(known(name)).map(make).collect())
    }

    /// What was counted as it happened, in Prometheus's text format.
    pub fn render(&self) -> String {
        self.page.render()
    }

    /// Sorts new observations into their buckets. Without it a histogram that nobody asks for grows.
    pub fn upkeep(&self) {
        self.page.run_upkeep();
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS {
        if let Kind::Histogram(buckets) = metric.kind {
            let matcher = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(matcher, buckets)?;
        }
    }
    Ok(builder)
}

fn known(name: &'static str) -> &'static Metric {
    declared(name).unwrap_or_else(|| unreachable!("{name} is not declared"))
}

fn keys(metric: &'static Metric) -> impl Iterator<Item = Key> {
    metric.combinations().into_iter().map(|labels| {
        let labels: Vec<Label> =
            labels.into_iter().map(|(name, value)| Label::from_static_parts(name, value)).collect();
        Key::from_parts(metric.name, labels)
    })
}

impl Counters {
    /// Counts for the series at this place.
    pub fn add(&self, place: usize, amount: u64) {
        if let Some(counter) = self.series.get(place) {
            counter.increment(amount);
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
        self.series.get(place).cloned().unwrap_or_else(Counter::noop)
    }
}

impl Histograms {
    /// Observes for the series at this place.
    pub fn observe(&self, place: usize, value: f64) {
        if let Some(histogram) = self.0.get(place) {
            histogram.record(value);
        }
    }
}
