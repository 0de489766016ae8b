// The tests of whole commands use the rest of it.
#[allow(dead_code)]
#[path = "../../../tests/cli/terminal.rs"]
mod terminal;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Text;

use self::terminal::Terminal;
use super::*;

#[test]
fn colours_are_left_out_when_asked_and_other_looks_stay() {
    assert!(colours(None) && colours(Some("".as_ref())));
    assert!(!colours(Some("0".as_ref())), "whatever it says");
    let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
    let look = Style::new().fg(Color::Red).bg(Color::Blue).add_modifier(Modifier::BOLD);
    Text::styled("text", look).render(buffer.area, &mut buffer);
    without_colours(&mut buffer);
    let cell = &buffer[(0, 0)];
    assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    assert_eq!((cell.symbol(), cell.modifier), ("t", Modifier::BOLD));
}

#[test]
fn keys_mean_what_the_help_says() {
    let key = |code| meaning(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    assert_eq!(key(KeyCode::Char('q')), Some(Key::Quit));
    assert_eq!((key(KeyCode::Up), key(KeyCode::Char('k'))), (Some(Key::Up), Some(Key::Up)));
    assert_eq!((key(KeyCode::Down), key(KeyCode::Char('j'))), (Some(Key::Down), Some(Key::Down)));
    assert_eq!(key(KeyCode::Char(' ')), Some(Key::Pause));
    assert_eq!((key(KeyCode::Esc), key(KeyCode::Char('c'))), (None, None));
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(meaning(&Event::Key(control_c)), Some(Key::Quit));
    assert_eq!(meaning(&Event::Resize(1, 1)), Some(Key::Resized));
    assert_eq!(meaning(&Event::FocusLost), None);
}

/// Run by the test below, in a terminal.
#[test]
#[ignore = "needs a terminal of its own, which the next test gives it"]
fn panics_in_a_terminal() {
    let mut screen = Screen::open().expect("this is a terminal");
    screen.draw(Text::raw("all is well")).expect("drawn");
    while screen.key(Duration::from_secs(1)).expect("the terminal is there").is_none() {}
    panic!("words of the panic");
}

#[test]
fn a_panic_gives_the_terminal_back_and_its_words_are_read() {
    if !Terminal::is_possible("a_panic_gives_the_terminal_back_and_its_words_are_read") {
        return;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let test = "--ignored --exact top::screen::tests::panics_in_a_terminal --nocapture";
    let terminal = Terminal::open(&format!("{} {test}", program.display()), 100, 30);
    terminal.until(&["all is well"]);
    terminal.press("q");
    terminal.until(&["words of the panic"]);
    terminal.is_given_back(101);
}
