//! Writes what is generated in this folder: the page of metrics, and the dashboards of Grafana. Its tests check
//! them, and the rules and runbooks beside them.
//!
//! `cargo run --release -p samara-dashboards` after a change of the metrics or of a dashboard.

mod board;
mod boards;
mod not_shown;
mod panel;

#[cfg(test)]
mod lint;
#[cfg(test)]
mod names;
#[cfg(test)]
mod rules;

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
    for (name, why) in not_shown::NOT_SHOWN {
        println!("not shown: {name} ({why})");
    }
    ExitCode::SUCCESS
}

/// Everything that is generated.
fn documents() -> Vec<Document> {
    let page = Document { path: "METRICS.md".into(), text: samara_node::monitoring::markdown() };
    let boards = boards::all().into_iter().map(|(name, board)| Document {
        path: format!("grafana/{name}.json"),
        text: format!("{:#}\n", board.write()),
    });
    [page].into_iter().chain(boards).collect()
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
