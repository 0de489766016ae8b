//! The terminal: another screen for as long as it is watched, and everything as it was afterwards, also after a
//! panic or a signal.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::widgets::Widget;
use rustix::termios::tcgetattr;

/// How often it is looked whether the terminal is still there.
const IS_THERE: Duration = Duration::from_millis(500);

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Quit,
    Up,
    Down,
    Pause,
    /// The terminal has another size: everything is drawn anew.
    Resized,
}

/// See the module.
pub struct Screen {
    terminal: DefaultTerminal,
    colours: bool,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When stdin and stdout are none.
    pub fn open() -> io::Result<Screen> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(io::Error::other("this is no terminal"));
        }
        // Also sees to it that a panic gives the terminal back before it says what is wrong.
        let terminal = ratatui::try_init().inspect_err(|_| {
            let _ = ratatui::try_restore();
        })?;
        thread::spawn(end_with_the_terminal);
        Ok(Screen { terminal, colours: colours(std::env::var_os("NO_COLOR").as_deref()) })
    }

    /// Draws what has changed since the last time.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, picture: impl Widget) -> io::Result<()> {
        let colours = self.colours;
        self.terminal.draw(|frame| {
            frame.render_widget(picture, frame.area());
            if !colours {
                without_colours(frame.buffer_mut());
            }
        })?;
        Ok(())
    }

    /// The next key that means something, if one comes within this time.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn key(&self, within: Duration) -> io::Result<Option<Key>> {
        Ok(if event::poll(within)? { meaning(&event::read()?) } else { None })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.terminal.show_cursor();
        let _ = ratatui::try_restore();
    }
}

/// A terminal that was closed has nothing more to give back. `crossterm` would read its end again and again, and
/// never come back to see that somebody asked to stop.
fn end_with_the_terminal() {
    while tcgetattr(io::stdin()).is_ok() {
        thread::park_timeout(IS_THERE);
    }
    std::process::exit(1);
}

/// As <https://no-color.org> asks: whatever it says, unless it is empty.
fn colours(no_color: Option<&std::ffi::OsStr>) -> bool {
    no_color.is_none_or(std::ffi::OsStr::is_empty)
}

/// Bold and reversed stay. Left to itself, crossterm would print empty colour codes, which end these, too.
fn without_colours(buffer: &mut ratatui::buffer::Buffer) {
    for cell in &mut buffer.content {
        cell.fg = ratatui::style::Color::Reset;
        cell.bg = ratatui::style::Color::Reset;
    }
}

fn meaning(event: &Event) -> Option<Key> {
    match event {
        Event::Resize(..) => Some(Key::Resized),
        Event::Key(key) if key.kind != KeyEventKind::Release => of_key(key),
        _ => None,
    }
}

fn of_key(key: &KeyEvent) -> Option<Key> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        // In raw mode Ctrl-C is a key as any other.
        KeyCode::Char('c' | 'd') if control => Some(Key::Quit),
        // Escape is none of them: over a slow line the first byte of an arrow looks like it.
        KeyCode::Char('q' | 'Q') => Some(Key::Quit),
        KeyCode::Char('k') | KeyCode::Up => Some(Key::Up),
        KeyCode::Char('j') | KeyCode::Down => Some(Key::Down),
        KeyCode::Char(' ') => Some(Key::Pause),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
