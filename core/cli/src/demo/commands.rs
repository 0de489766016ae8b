//! The command lines of the processes of a demo: the ones a person would type, and a capped link.

use std::ffi::OsString;
use std::path::Path;

use super::settings::Settings;
use super::workplace::Workplace;

/// `samara serve` for the source.
pub fn origin(settings: &Settings, workplace: &Workplace) -> Vec<OsString> {
    let source = workplace.source();
    let mut args = words(&["serve", "--name", "demo", "--version", "1"]);
    args.push(source.clone().into());
    if let Some(size) = settings.asked_chunk_size {
        args.extend(words(&["--chunk-size", &size.to_string()]));
    }
    if settings.discovery.has_tracker() {
        args.extend(words(&["--play-tracker"]));
    }
    args.extend(node(settings, workplace, &source));
    args
}

/// `samara fetch` into `copy`; a finished peer goes on serving until the demo ends.
pub fn peer(
    settings: &Settings,
    workplace: &Workplace,
    copy: &Path,
    content: &str,
    origin: &str,
) -> Vec<OsString> {
    let mut args = words(&["fetch", content, "--join", origin]);
    args.extend(words(&["--linger", "forever", "--wait", "60s", "--output"]));
    args.push(copy.into());
    args.extend(node(settings, workplace, copy));
    args
}

fn node(settings: &Settings, workplace: &Workplace, file: &Path) -> Vec<OsString> {
    // Whole bytes per second: the way people write rates has no more digits than people need.
    let rate = format!("{}b/s", settings.rate.0);
    let mut args = words(&["--listen", "127.0.0.1:0", "--cluster", "samara-demo"]);
    args.extend(words(&["--limit-up", &rate, "--limit-down", &rate]));
    args.extend(words(&["--discovery", settings.discovery.word(), "--data"]));
    args.push(workplace.state(file).into());
    args
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
