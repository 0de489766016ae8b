//! All contents of the node, the chosen one marked.

use ratatui::text::Span;
use samara_model::ByteCount;
use samara_node::documents::ContentDocument;

use super::Look;
use super::section::Section;
use super::table::{Column, left, right, table};
use crate::status::short;
use crate::top::choice::{Choice, key_of};
use crate::top::gather::Seen;
use crate::units;

/// Characters of a progress bar.
const BAR: usize = 16;
/// More contents than this are scrolled through, so that the chosen one's details have room.
const LISTED: u16 = 12;
const FIRST: Column = left("", 16, 0);
const COLUMNS: [Column; 7] = [
    left("STATE", 12, 1),
    right("DONE", 5, 0),
    left("", BAR as u16, 6),
    right("SIZE", 10, 5),
    right("IN", 11, 2),
    right("OUT", 11, 3),
    right("PEERS", 5, 4),
];

pub fn section(seen: &Seen, choice: &Choice, width: u16) -> Section {
    if seen.contents.is_empty() {
        let line = Look::Dim.of("no contents: `samara publish` or `samara fetch` adds one");
        return Section::lines(1, 1, vec![line.into()]);
    }
    let count = seen.contents.len();
    let title = if count == 1 { "CONTENT".to_owned() } else { format!("{count} CONTENTS") };
    let rows = seen.contents.iter().map(row).collect();
    let table = table(FIRST, title, &COLUMNS, rows, width);
    let mut section = Section::table(1, table, count, choice.place(seen));
    section.natural = section.natural.min(1 + LISTED);
    section
}

/// What people call it.
pub fn name_of(one: &ContentDocument) -> String {
    one.release.clone().unwrap_or_else(|| short(&key_of(one)).to_owned())
}

fn row(one: &ContentDocument) -> Vec<Span<'static>> {
    let part = done(one);
    let full = ((part * BAR as f64) as usize).min(BAR);
    let state = match one.state.as_str() {
        "complete" => Look::Good,
        "parked" | "failed" | "withdrawn" => Look::Bad,
        _ => Look::Plain,
    };
    vec![
        Look::Plain.of(name_of(one)),
        state.of(&one.state),
        Look::Plain.of(format!("{:.0}%", (part * 100.0).floor())),
        Look::Plain.of("#".repeat(full) + &"-".repeat(BAR - full)),
        Look::Plain.of(ByteCount(one.size_bytes).to_string()),
        Look::Plain.of(units::speed(one.received_bytes_per_second as f64)),
        Look::Plain.of(units::speed(one.sent_bytes_per_second as f64)),
        Look::Plain.of(one.neighbours.to_string()),
    ]
}

fn done(one: &ContentDocument) -> f64 {
    match one.size_bytes {
        0 => f64::from(u8::from(one.state == "complete")),
        size => one.done_bytes as f64 / size as f64,
    }
}
