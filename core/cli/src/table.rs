//! Tables for people: columns as wide as they need to be, numbers to the right.

/// A column.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// Text, to the left.
    Text(&'static str),
    /// A number, to the right.
    Number(&'static str),
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Column::Text(name) | Column::Number(name) => name,
        }
    }
}

/// The rows under their names; nothing follows the last cell of a line.
pub fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let wide = |text: &str| text.chars().count();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| wide(cell));
            cells.chain([wide(column.name())]).max().unwrap_or(0)
        })
        .collect();
    let head: Vec<String> = columns.iter().map(|column| column.name().to_owned()).collect();
    let mut text = String::new();
    for row in [&head].into_iter().chain(rows) {
        let mut line = String::new();
        for ((column, cell), width) in columns.iter().zip(row).zip(&widths) {
            let space = " ".repeat(width.saturating_sub(wide(cell)));
            match column {
                Column::Text(_) => line.extend([cell.as_str(), &space, "  "]),
                Column::Number(_) => line.extend([space.as_str(), cell, "  "]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let columns = [Column::Text("NAME"), Column::Number("SIZE"), Column::Text("PATH")];
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["é", "1 MiB", "/a"]), row(["llama@2.1", "2", ""])];
        assert_eq!(
            table(&columns, &rows),
            "NAME        SIZE  PATH\né          1 MiB  /a\nllama@2.1      2\n"
        );
    }
}
