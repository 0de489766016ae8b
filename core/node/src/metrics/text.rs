//! Prometheus's text format for the figures that are looked at when somebody asks for the page.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::declared::{METRICS, Metric, Taken};

/// Values of the metrics that are taken when asked; what nobody sets is 0.
#[derive(Debug, Default)]
pub struct Reading(BTreeMap<&'static str, Vec<f64>>);

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

    /// All of them as text.
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(16 << 10);
        for metric in METRICS.iter().filter(|one| one.taken == Taken::WhenAsked) {
            let values = self.0.get(metric.name);
            write_metric(&mut text, metric, values.map_or(&[], Vec::as_slice));
        }
        text
    }
}

fn write_metric(text: &mut String, metric: &Metric, values: &[f64]) {
    let Metric { name, help, .. } = metric;
    // Writing to a string does not fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", metric.kind.word());
    for (at, labels) in metric.combinations().iter().enumerate() {
        let value = values.get(at).copied().unwrap_or(0.0);
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(text, "{name}{labels} {value}");
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
        let text = reading.render();
        for line in [
            "# TYPE samara_ready gauge",
            "samara_ready 1",
            "samara_peers{state=\"suspect\"} 0.5",
            "samara_slots{direction=\"sent\"} 0",
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
        assert!(!text.contains("samara_received_bytes_total"), "that one is counted at once");
    }
}
