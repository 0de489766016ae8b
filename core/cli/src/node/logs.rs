//! Logs of the daemon: to stderr, as text or JSON, with a level that can change while it runs.

use std::io::IsTerminal;

use samara_node::config::{LogFormat, LogLevel, LogTable};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// The running log.
pub struct Logs {
    filter: reload::Handle<EnvFilter, Registry>,
}

impl Logs {
    /// Starts to log.
    pub fn start(table: &LogTable) -> Logs {
        let (filter, handle) = reload::Layer::new(filter(table.level));
        let lines =
            fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
        let all = tracing_subscriber::registry().with(filter);
        match table.format {
            LogFormat::Text => all.with(lines.with_target(false)).init(),
            LogFormat::Json => all.with(lines.json().flatten_event(true)).init(),
        }
        Logs { filter: handle }
    }

    /// Logs more or less from now on.
    pub fn set_level(&self, level: LogLevel) {
        // It fails only when nothing is logged any more.
        let _ = self.filter.reload(filter(level));
    }
}

/// Our own crates at this level, others only when they warn. SAMARA_LOG wins.
fn filter(level: LogLevel) -> EnvFilter {
    if let Ok(filter) = EnvFilter::try_from_env("SAMARA_LOG") {
        return filter;
    }
    let ours = ["samara", "samara_node", "samara_store", "samara_engine", "samara_policy_host"];
    let word = level.word();
    let others = if matches!(level, LogLevel::Off | LogLevel::Error) { word } else { "warn" };
    let directives = ours.map(|name| format!("{name}={word}")).join(",");
    EnvFilter::new(format!("{others},{directives}"))
}
