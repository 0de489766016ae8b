//! The terminal: another screen for as long as it is watched, keys one by one, and everything as it was
//! afterwards, also after a panic.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::line::Line;

/// Another screen, no cursor, no wrapping of long lines.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";
/// The size where the terminal does not tell.
const USUAL: (usize, usize) = (80, 24);

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Quit,
    Up,
    Down,
    Pause,
}

/// See the module.
pub struct Terminal {
    before: Termios,
    bytes: Receiver<u8>,
}

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When stdin and stdout are none.
    pub fn open() -> io::Result<Terminal> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(io::Error::other("this is no terminal"));
        }
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        let (sender, bytes) = mpsc::channel();
        // Ends with the process: a read of a terminal cannot be interrupted.
        thread::spawn(move || {
            for byte in io::stdin().lock().bytes().map_while(Result::ok) {
                if sender.send(byte).is_err() {
                    return;
                }
            }
        });
        let terminal = Terminal { before, bytes };
        write(ENTER)?;
        Ok(terminal)
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        match tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                (usize::from(size.ws_col), usize::from(size.ws_row))
            }
            _ => USUAL,
        }
    }

    /// The next key that means something, if one comes within this time. A terminal that was closed quits.
    pub fn key(&self, within: Duration) -> Option<Key> {
        match self.bytes.recv_timeout(within) {
            Ok(0x1b) => self.arrow(),
            Ok(byte) => meaning(byte),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Key::Quit),
        }
    }

    /// Arrows are three bytes that come at once; a lone escape means nothing.
    fn arrow(&self) -> Option<Key> {
        let soon = Duration::from_millis(20);
        let bracket = self.bytes.recv_timeout(soon).ok()?;
        match (bracket, self.bytes.recv_timeout(soon).ok()?) {
            (b'[' | b'O', b'A') => Some(Key::Up),
            (b'[' | b'O', b'B') => Some(Key::Down),
            _ => None,
        }
    }

    /// Draws over what was there, in one write, so that nothing flickers.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, lines: &[Line], width: usize, height: usize) -> io::Result<()> {
        let mut screen = String::from("\x1b[H");
        for (at, line) in lines.iter().take(height).enumerate() {
            if at > 0 {
                screen.push_str("\r\n");
            }
            screen.push_str(&line.coloured(width));
            screen.push_str("\x1b[K");
        }
        screen.push_str("\x1b[J");
        write(&screen)
    }
}

/// In raw mode Ctrl-C is a byte as any other.
fn meaning(byte: u8) -> Option<Key> {
    match byte {
        b'q' | b'Q' | 3 => Some(Key::Quit),
        b'k' => Some(Key::Up),
        b'j' => Some(Key::Down),
        b' ' => Some(Key::Pause),
        _ => None,
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = write(LEAVE);
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
