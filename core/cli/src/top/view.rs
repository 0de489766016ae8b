//! The picture: what was seen, as sections one above the other. Nothing here asks or draws on a terminal.

mod chunks;
mod contents;
mod head;
mod peers;
mod policies;
mod section;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use self::section::Section;
use super::choice::{Choice, key_of};
use super::gather::Seen;

/// What was seen, and how it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    pub seen: &'a Seen,
    pub choice: &'a Choice,
    /// Nothing is asked for at the moment.
    pub paused: bool,
}

/// How a part of a line looks. Colours are those of the terminal, so that light and dark ones both can be read,
/// and never the only sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
}

impl Look {
    fn style(self) -> Style {
        match self {
            Look::Plain => Style::new(),
            Look::Bold => Style::new().add_modifier(Modifier::BOLD),
            Look::Dim => Style::new().add_modifier(Modifier::DIM),
            Look::Good => Style::new().fg(Color::Green),
            Look::Bad => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        }
    }

    /// Text that looks so. What a terminal would obey in it is made visible: names come from others.
    fn of(self, text: impl AsRef<str>) -> Span<'static> {
        let safe = text.as_ref().chars().map(|c| if is_order(c) { '\u{fffd}' } else { c });
        Span::styled(safe.collect::<String>(), self.style())
    }
}

/// Control characters, and those that turn the direction of writing round.
fn is_order(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl Picture<'_> {
    /// Without a terminal: as wide as this, as high as it takes.
    pub fn plain(&self, width: u16) -> String {
        let sections = self.sections(width);
        let height = sections.iter().map(|one| u32::from(one.natural)).sum::<u32>();
        let area = Rect::new(0, 0, width, u16::try_from(height).unwrap_or(u16::MAX));
        let mut buffer = Buffer::empty(area);
        stack(&sections, area, &mut buffer);
        let rows = buffer.content.chunks(usize::from(width));
        rows.map(|row| text_of(row).trim_end().to_owned() + "\n").collect()
    }

    /// From top to bottom.
    fn sections(&self, width: u16) -> Vec<Section> {
        let mut sections = vec![head::section(self.seen, width)];
        sections.push(Section::gap());
        sections.push(contents::section(self.seen, self.choice, width));
        if let Some(one) = self.choice.content(self.seen) {
            sections.push(Section::gap());
            // The choice may have moved on since the node was asked.
            let is_known = self.seen.of.as_ref() == Some(&key_of(one));
            let seen = Some(self.seen).filter(|_| is_known);
            sections.extend(chunks::sections(one, seen, width));
            sections.extend(seen.map(|seen| peers::section(&seen.peers, width)));
        }
        sections.push(Section::gap());
        sections.extend(policies::sections(self.seen, width));
        sections
    }

    fn keys(&self) -> Line<'static> {
        let keys = Look::Dim.of("q quit   up/down choose   space stop/go on");
        if self.paused { Line::from(vec![Look::Bad.of("stopped   "), keys]) } else { keys.into() }
    }
}

impl Widget for Picture<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let [above, last] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
        stack(&self.sections(area.width), above, buffer);
        self.keys().render(last, buffer);
    }
}

/// One section above the other, each as high as there is room.
fn stack(sections: &[Section], area: Rect, buffer: &mut Buffer) {
    let heights = section::heights(sections, area.height);
    let places = Layout::vertical(heights.iter().map(|rows| Constraint::Length(*rows))).split(area);
    for (section, place) in sections.iter().zip(places.iter()) {
        section.draw(*place, buffer);
    }
}

/// The text of cells of one row. Behind a wide character its second cell is left out.
fn text_of(row: &[ratatui::buffer::Cell]) -> String {
    let mut text = String::new();
    let mut cells = row.iter();
    while let Some(cell) = cells.next() {
        text.push_str(cell.symbol());
        let width = Span::raw(cell.symbol()).width();
        for _ in 1..width {
            cells.next();
        }
    }
    text
}

#[cfg(test)]
mod tests;
