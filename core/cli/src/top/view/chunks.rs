//! The chosen content: why it waits, and where its gaps are.

use ratatui::text::Line;
use samara_node::documents::{ContentDocument, MapDocument, StretchDocument};

use super::Look;
use super::contents::name_of;
use super::section::{Section, wrapped};
use crate::top::gather::Seen;

/// In front of the two rows of the map.
const CHUNKS: &str = "chunks ";
const COPIES: &str = "copies ";

/// Of a content that the node was not asked about yet, its name only.
pub fn sections(one: &ContentDocument, seen: Option<&Seen>, width: u16) -> Vec<Section> {
    let chunks = format!("  {} of {} chunks here", one.chunks_here, one.chunks);
    let title = Line::from(vec![Look::Bold.of(name_of(one)), Look::Plain.of(chunks)]);
    let mut sections = vec![Section::lines(2, 1, vec![title])];
    let Some(seen) = seen else { return sections };
    let why = seen.why.iter().flat_map(|why| &why.reasons);
    for reason in why.filter(|one| one.code != "moving") {
        let mut lines = wrapped(Look::Bad, &format!("why: {}", reason.text), width);
        let least = lines.len();
        lines.extend(wrapped(Look::Plain, &reason.remedy, width));
        sections.push(Section::lines(3, least, lines));
    }
    if let Some(map) = seen.map.as_ref().filter(|map| !map.stretches.is_empty()) {
        let cells = usize::from(width).saturating_sub(CHUNKS.len()).max(1);
        let line = |title: &str, look: Look, cells: String| {
            Line::from(vec![Look::Dim.of(title), look.of(cells)])
        };
        let lines = vec![
            line(CHUNKS, Look::Good, here(map, cells)),
            line(COPIES, Look::Plain, copies(map, cells)),
        ];
        sections.push(Section::lines(4, 2, lines));
    }
    sections
}

/// How full each part of the content is.
fn here(map: &MapDocument, cells: usize) -> String {
    const STEPS: [char; 5] = ['·', '░', '▒', '▓', '█'];
    let cell = |part: &[StretchDocument]| {
        let (here, all) = part
            .iter()
            .fold((0u64, 0u64), |(h, a), one| (h + u64::from(one.here), a + u64::from(one.chunks)));
        // Full and empty are only what is quite so.
        let step = (here * 4).checked_div(all).unwrap_or(4).min(4);
        STEPS[if step == 0 && here > 0 { 1 } else { step as usize }]
    };
    parts(map, cells).map(cell).collect()
}

/// How many neighbours have the rarest chunk of each part.
fn copies(map: &MapDocument, cells: usize) -> String {
    let cell = |part: &[StretchDocument]| {
        let least = part.iter().map(|one| one.least_holders).min().unwrap_or(0);
        char::from_digit(least, 10).unwrap_or('+')
    };
    parts(map, cells).map(cell).collect()
}

/// The stretches in at most so many groups.
fn parts(map: &MapDocument, cells: usize) -> impl Iterator<Item = &[StretchDocument]> {
    map.stretches.chunks(map.stretches.len().div_ceil(cells.max(1)).max(1))
}

/// For the tests of the picture.
#[cfg(test)]
pub fn map_of(map: &MapDocument, cells: usize) -> (String, String) {
    (here(map, cells), copies(map, cells))
}
