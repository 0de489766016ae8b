//! A section of the picture, and who gets the rows of a low terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::{StatefulWidget, Table, TableState, Widget};

use super::Look;

/// See the module.
#[derive(Debug, Clone)]
pub struct Section {
    /// With fewer rows it is left out.
    pub least: u16,
    /// With more rows it has nothing more to show.
    pub natural: u16,
    /// Who has less is served first.
    pub rank: u8,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Lines(Text<'static>),
    Table { table: Box<Table<'static>>, chosen: Option<usize> },
}

impl Section {
    /// Lines, of which this many must be seen.
    pub fn lines(rank: u8, least: usize, lines: Vec<Line<'static>>) -> Section {
        let natural = rows(lines.len());
        let least = rows(least).min(natural);
        Section { least, natural, rank, what: What::Lines(Text::from(lines)) }
    }

    /// A heading, and as many rows as there is room for; the chosen one is always among them.
    pub fn table(rank: u8, table: Table<'static>, count: usize, chosen: Option<usize>) -> Section {
        let natural = rows(count.saturating_add(1));
        let what = What::Table { table: Box::new(table), chosen };
        Section { least: natural.min(2), natural, rank, what }
    }

    /// An empty row, where there is room.
    pub fn gap() -> Section {
        Section::lines(u8::MAX, 0, vec![Line::default()])
    }

    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        match &self.what {
            What::Lines(text) => text.render(area, buffer),
            What::Table { table, chosen } => {
                let mut state = TableState::new().with_selected(*chosen);
                StatefulWidget::render(table.as_ref(), area, buffer, &mut state);
            }
        }
    }
}

fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// How high each section is: first what must be seen, by rank, then what may.
pub fn heights(sections: &[Section], rows: u16) -> Vec<u16> {
    let mut by_rank: Vec<usize> = (0..sections.len()).collect();
    by_rank.sort_by_key(|at| sections[*at].rank);
    let (mut heights, mut left) = (vec![0; sections.len()], rows);
    for at in &by_rank {
        if sections[*at].least <= left {
            heights[*at] = sections[*at].least;
            left -= sections[*at].least;
        }
    }
    for at in by_rank {
        let section = &sections[at];
        if heights[at] == section.least {
            let more = left.min(section.natural - section.least);
            heights[at] += more;
            left -= more;
        }
    }
    heights
}

/// As many of these as fit side by side, the first ones first.
pub fn fitting(parts: Vec<ratatui::text::Span<'static>>, width: u16) -> Line<'static> {
    let (mut line, mut left) = (Line::default(), usize::from(width));
    for part in parts {
        let gap = if line.spans.is_empty() { "" } else { "  " };
        let needed = gap.len() + part.width();
        if needed > left && !line.spans.is_empty() {
            break;
        }
        left = left.saturating_sub(needed);
        line.push_span(gap);
        line.push_span(part);
    }
    line
}

/// A sentence in as many lines as it takes.
pub fn wrapped(look: Look, sentence: &str, width: u16) -> Vec<Line<'static>> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split_whitespace() {
        let room = usize::from(width).saturating_sub(Line::raw(word).width() + 1);
        match lines.last_mut() {
            Some(line) if Line::raw(line.as_str()).width() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(|line| look.of(line).into()).collect()
}
