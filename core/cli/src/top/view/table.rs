//! A table that leaves out columns where a terminal is narrow.

use ratatui::layout::{Alignment, Constraint};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Row, Table};

use super::Look;

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    /// Characters that it takes.
    pub width: u16,
    pub align: Alignment,
    /// Columns with less stay longer when it gets narrow.
    pub rank: u8,
}

/// Text.
pub const fn left(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, align: Alignment::Left, rank }
}

/// A number.
pub const fn right(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, align: Alignment::Right, rank }
}

/// A table of these rows, each with a cell for every column. The first column is named by what is in the table,
/// always there, and as wide as its longest cell if there is room, but never wider than twice its width.
pub fn table(
    first: Column,
    title: String,
    columns: &[Column],
    rows: Vec<Vec<Span<'static>>>,
    width: u16,
) -> Table<'static> {
    let shown = fitting(first.width, columns, width);
    let others: u16 = shown.iter().map(|at| columns[*at].width + 1).sum();
    let cells = rows.iter().filter_map(|row| row.first());
    let longest = cells.map(Span::width).chain([title.len()]).max().unwrap_or(0);
    let longest = u16::try_from(longest).unwrap_or(u16::MAX).min(first.width.saturating_mul(2));
    let name = longest.clamp(first.width.min(width), width.saturating_sub(others).max(first.width));
    let mut widths = vec![Constraint::Length(name)];
    widths.extend(shown.iter().map(|at| Constraint::Length(columns[*at].width)));
    let mut titles = vec![Line::from(Look::Dim.of(title))];
    titles.extend(shown.iter().map(|at| {
        let Column { title, align, .. } = columns[*at];
        Line::from(Look::Dim.of(title)).alignment(align)
    }));
    let rows = rows.into_iter().map(|row| {
        let mut cells = row.into_iter();
        let named = cells.next().map(|cell| Line::from(cut(cell, name)));
        let rest: Vec<Span<'static>> = cells.collect();
        let others = shown.iter().filter_map(|at| {
            let cell = rest.get(*at)?.clone();
            Some(Line::from(cut(cell, columns[*at].width)).alignment(columns[*at].align))
        });
        Row::new(named.into_iter().chain(others).collect::<Vec<_>>())
    });
    let chosen = Style::new().add_modifier(Modifier::REVERSED);
    Table::new(rows, widths).header(Row::new(titles)).row_highlight_style(chosen)
}

/// Which columns fit beside the first, in their order.
fn fitting(first: u16, columns: &[Column], width: u16) -> Vec<usize> {
    let mut by_rank: Vec<usize> = (0..columns.len()).collect();
    by_rank.sort_by_key(|at| columns[*at].rank);
    let (mut shown, mut left) = (Vec::new(), width.saturating_sub(first));
    for at in by_rank {
        let needed = columns[at].width + 1;
        if needed > left {
            break;
        }
        left -= needed;
        shown.push(at);
    }
    shown.sort_unstable();
    shown
}

/// Says that something is missing where it is.
fn cut(text: Span<'static>, width: u16) -> Span<'static> {
    let width = usize::from(width);
    if text.width() <= width {
        return text;
    }
    let (mut kept, mut taken) = (String::new(), 0);
    for grapheme in text.styled_graphemes(Style::new()) {
        taken += Span::raw(grapheme.symbol).width();
        if taken >= width {
            break;
        }
        kept.push_str(grapheme.symbol);
    }
    Span::styled(kept + "…", text.style)
}
