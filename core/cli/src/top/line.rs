//! A line of text in parts of different looks, cut to a width.

/// How a part looks. Colours are those of the terminal, so that light and dark ones both can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
    Chosen,
}

impl Look {
    fn code(self) -> &'static str {
        match self {
            Look::Plain => "",
            Look::Bold => "\x1b[1m",
            Look::Dim => "\x1b[2m",
            Look::Good => "\x1b[32m",
            Look::Bad => "\x1b[1;31m",
            Look::Chosen => "\x1b[7m",
        }
    }
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(Vec<(Look, String)>);

impl Line {
    /// One part.
    pub fn of(look: Look, text: impl AsRef<str>) -> Line {
        Line::default().and(look, text)
    }

    /// One part more. What a terminal would obey in it is made harmless: names come from others.
    pub fn and(mut self, look: Look, text: impl AsRef<str>) -> Line {
        let safe = text.as_ref().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
        self.0.push((look, safe.collect()));
        self
    }

    /// Without looks.
    pub fn plain(&self) -> String {
        let text: String = self.0.iter().map(|(_, text)| text.as_str()).collect();
        text.trim_end().to_owned()
    }

    /// For the terminal, cut to `width` characters.
    pub fn coloured(&self, width: usize) -> String {
        let (mut written, mut left) = (String::new(), width);
        for (look, text) in &self.0 {
            let cut: String = text.chars().take(left).collect();
            left -= cut.chars().count();
            written.push_str(look.code());
            written.push_str(&cut);
            if *look != Look::Plain {
                written.push_str("\x1b[0m");
            }
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_and_never_commands_the_terminal() {
        let line = Line::of(Look::Bold, "na\x1b[2Jme").and(Look::Plain, " and more");
        assert_eq!(line.plain(), "na\u{fffd}[2Jme and more");
        assert_eq!(line.coloured(5), "\x1b[1mna\u{fffd}[2\x1b[0m");
        assert_eq!(Line::of(Look::Plain, "äöü").coloured(2), "äö");
        assert_eq!(line.coloured(0), "\x1b[1m\x1b[0m");
    }
}
