//! The node itself.

use std::time::Duration;

use ratatui::text::Line;
use samara_model::ByteCount;

use super::Look;
use super::section::{Section, fitting, wrapped};
use crate::status::{short, waiting};
use crate::top::gather::Seen;
use crate::units;

/// What a narrow terminal has no room for is last.
pub fn section(seen: &Seen, width: u16) -> Section {
    let mut lines: Vec<Line<'static>> = Vec::new();
    if let Some(why) = &seen.gone {
        lines.extend(wrapped(Look::Bad, &format!("the picture is old: {why}"), width));
    }
    let status = &seen.status;
    let up = units::for_people(Duration::from_secs_f64(status.uptime_seconds.clamp(0.0, 1e9)));
    let state = if status.state == "ready" { Look::Good } else { Look::Bad };
    let first = vec![
        Look::Bold.of("samara"),
        state.of(&status.state),
        Look::Plain.of(&status.advertise),
        Look::Plain.of(short(&status.peer)),
        Look::Plain.of(format!("up {up}")),
        Look::Plain.of(format!("cluster {}", status.cluster)),
    ];
    let traffic = &status.traffic;
    let free = status.storage.free_bytes.map_or("?".to_owned(), |free| ByteCount(free).to_string());
    let members = status.members.map(|count| format!("{count} members"));
    let mut second = vec![
        format!("in {}", units::speed(traffic.received_bytes_per_second as f64)),
        format!("out {}", units::speed(traffic.sent_bytes_per_second as f64)),
        format!("{} links", status.links),
    ];
    second.extend(members);
    second.push(format!("free {free}"));
    second.push(format!("memory {}", ByteCount(status.process.resident_bytes)));
    // Why the picture is old must be seen, whatever else is not.
    let least = lines.len() + 1;
    lines.push(fitting(first, width));
    lines.push(fitting(second.into_iter().map(|fact| Look::Plain.of(fact)).collect(), width));
    if let Some(waiting) = waiting(status) {
        lines.extend(wrapped(Look::Bad, &format!("waiting: {waiting}"), width));
    }
    Section::lines(0, least, lines)
}
