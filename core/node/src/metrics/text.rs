//! Prometheus's text format, and the figures that are looked at when somebody asks for the page.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::declared::{METRICS, Metric, Taken};

/// A page while it is written.
#[derive(Debug)]
pub struct Text(String);

/// Values of the metrics that are taken when asked; what nobody sets is 0.
#[derive(Debug, Default)]
pub struct Reading(BTreeMap<&'static str, Vec<f64>>);

impl Text {
    /// An empty page with room for all.
    pub fn new() -> Self {
        Text(String::with_capacity(48 << 10))
    }

    /// Lines in the same format, from elsewhere.
    pub fn add(&mut self, lines: &str) {
        self.0.push_str(lines);
    }

    /// What a metric is; its series follow.
    pub fn head(&mut self, metric: &Metric) {
        let Metric { name, help, kind, .. } = metric;
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", kind.word());
    }

    /// A series with its value.
    pub fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (at, (label, is)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{is}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {}", Number(value));
    }

    /// The page.
    pub fn into_page(self) -> String {
        self.0
    }
}

/// A value as Prometheus reads it.
struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == f64::INFINITY { f.write_str("+Inf") } else { write!(f, "{}", self.0) }
    }
}

impl Reading {
    /// The values of a metric, in the order of [`Metric::combinations`].
    pub fn set(&mut self, name: &'static str, values: &[f64]) {
        debug_assert!(
            METRICS.iter().any(|one| one.name == name
                && one.taken == Taken::WhenAsked
                && one.combinations().len() == values.len()),
            "{name} is not declared so"
        );
        self.0.insert(name, values.to_vec());
    }

    /// Writes all of them.
    pub fn write(&self, text: &mut Text) {
        for metric in METRICS.iter().filter(|one| one.taken == Taken::WhenAsked) {
            text.head(metric);
            let values = self.0.get(metric.name).map_or(&[][..], Vec::as_slice);
            for (at, labels) in metric.combinations().iter().enumerate() {
                text.line(metric.name, labels, values.get(at).copied().unwrap_or(0.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_set_is_there_as_zero() {
        let mut reading = Reading::default();
        reading.set("samara_ready", &[1.0]);
        reading.set("samara_peers", &[3.0, 0.5, 0.0]);
        reading.set("process_max_fds", &[f64::INFINITY]);
        let mut text = Text::new();
        reading.write(&mut text);
        let text = text.into_page();
        for line in [
            "# TYPE samara_ready gauge",
            "samara_ready 1",
            "samara_peers{state=\"suspect\"} 0.5",
            "samara_slots{direction=\"sent\"} 0",
            "process_max_fds +Inf",
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
        assert!(!text.contains("samara_received_bytes_total"), "that one is counted at once");
    }
}
