//! Who else has the chosen content, and what goes over each link. Who moves most is first.

use std::cmp::Reverse;

use ratatui::text::Span;

use super::Look;
use super::section::Section;
use super::table::{Column, left, right, table};
use crate::top::gather::Peer;
use crate::units;

const FIRST: Column = left("", 15, 0);
const COLUMNS: [Column; 5] = [
    right("HAS", 6, 0),
    right("IN", 11, 1),
    right("OUT", 11, 2),
    left("KNOWN BY", 10, 3),
    right("NEWS", 6, 4),
];

pub fn section(peers: &[Peer], width: u16) -> Section {
    let mut ordered: Vec<&Peer> = peers.iter().collect();
    ordered.sort_by_key(|one| {
        let rate = one.received_per_second + one.sent_per_second;
        (one.document.source != "neighbour", Reverse(rate as u64), one.document.address.clone())
    });
    let count = ordered.len();
    let title = if count == 1 { "1 PEER".to_owned() } else { format!("{count} PEERS") };
    let rows = ordered.into_iter().map(row).collect();
    Section::table(6, table(FIRST, title, &COLUMNS, rows, width), count, None)
}

fn row(one: &Peer) -> Vec<Span<'static>> {
    let document = &one.document;
    let look = if document.source == "neighbour" { Look::Plain } else { Look::Dim };
    let cells = [
        document.address.clone(),
        format!("{:.1}%", f64::from(document.permille) / 10.0),
        units::speed(one.received_per_second),
        units::speed(one.sent_per_second),
        document.source.clone(),
        format!("{:.0}s", document.age_seconds),
    ];
    cells.into_iter().map(|cell| look.of(cell)).collect()
}
