//! Writes what is generated in this folder: the page of metrics and the dashboards of Grafana.
//!
//! `cargo run --release -p samara-dashboards` after a change of the metrics or of a dashboard.

use std::path::Path;
use std::process::ExitCode;

/// A file of this folder and its text.
struct Document {
    path: String,
    text: String,
}

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for Document { path, text } in documents() {
        if let Err(why) = std::fs::write(folder.join(&path), text) {
            eprintln!("error: could not write {path}: {why}");
            return ExitCode::FAILURE;
        }
        println!("{path}");
    }
    ExitCode::SUCCESS
}

/// Everything that is generated.
fn documents() -> Vec<Document> {
    vec![Document { path: "METRICS.md".into(), text: samara_node::metrics::markdown() }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_generated_is_up_to_date() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        for Document { path, text } in documents() {
            let found = std::fs::read_to_string(folder.join(&path)).unwrap_or_default();
            assert!(found == text, "{path}: run `cargo run --release -p samara-dashboards`");
        }
    }
}
