//! `samara top` in a real terminal, which tmux draws.

use rustix::process::{Pid, Signal, kill_process};

use crate::daemon::{Daemon, folder, text};
use crate::process::{eventually, random_file, run, start};
use crate::terminal::Terminal;

fn top(node: &Daemon, variables: &str) -> String {
    let samara = env!("CARGO_BIN_EXE_samara");
    format!("{variables} {samara} top --data {} --interval 200ms", text(&node.data))
}

#[test]
fn a_transfer_is_watched_and_explained_in_a_terminal() {
    if !Terminal::is_possible("a_transfer_is_watched_and_explained_in_a_terminal") {
        return;
    }
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), 8 << 20, 5);
    let slow = ["--set", "limits.up=\"512KiB/s\""];
    let origin = Daemon::start(&path("origin"), &slow);
    origin.publish(&path("source"), "model");
    let peer = Daemon::start(&path("peer"), &["--join", &origin.address]);
    let output = path("copy");
    let fetch = start(peer.with(&["fetch", "model@1", "-o", text(&output), "--wait", "5m"]));
    let terminal = Terminal::open(&top(&peer, ""), 110, 40);
    let words = ["samara", "CONTENT", "model@1", "transferring", "chunks", "copies", "PEER"];
    terminal.until(&words);
    terminal.until(&["neighbour", "balanced", "trusted", "##", "q quit"]);
    terminal.press("Down");
    terminal.press("j");
    terminal.press("x");
    terminal.press("Escape");
    for (width, height) in [(60, 14), (40, 10), (20, 5), (110, 40)] {
        terminal.resize(width, height);
        terminal.until_so(&format!("it fits into {width} x {height}"), |screen| {
            let lines: Vec<&str> = screen.lines().collect();
            lines.len() == height as usize
                && lines.iter().all(|line| line.chars().count() <= width as usize)
                && lines.last().is_some_and(|line| line.starts_with("q quit"))
                && screen.contains("samara")
                && (height < 10 || (screen.contains("model@1") && screen.contains("chunks")))
        });
    }
    // Nobody has the rest any more, and it says so.
    origin.process.signal(Signal::KILL);
    terminal.until(&["why: ", "model@1"]);
    terminal.press("Space");
    terminal.until(&["stopped"]);
    terminal.press("Space");
    peer.process.signal(Signal::KILL);
    terminal.until(&["the picture is old: ", "no node answers"]);
    terminal.press("q");
    terminal.is_given_back(0);
    drop(fetch);
}

#[test]
fn the_terminal_is_given_back_however_it_ends_even_while_the_node_hangs() {
    if !Terminal::is_possible(
        "the_terminal_is_given_back_however_it_ends_even_while_the_node_hangs",
    ) {
        return;
    }
    let folder = folder();
    let node = Daemon::start(&folder.path().join("data"), &[]);
    // The shell says by its number whom to signal.
    let open = || {
        let terminal = Terminal::open(
            &format!("echo $$ > {}/shell; {}", text(folder.path()), top(&node, "")),
            80,
            24,
        );
        terminal.until(&["no contents", "q quit"]);
        terminal
    };
    let child = || {
        let shell = std::fs::read_to_string(folder.path().join("shell")).expect("it wrote it");
        let shell = shell.trim();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        let child = children.expect("the shell runs").trim().parse().expect("it has one child");
        Pid::from_raw(child).expect("not 0")
    };
    let control_c = open();
    control_c.press("C-c");
    control_c.is_given_back(0);
    let killed = open();
    kill_process(child(), Signal::TERM).expect("it is ours");
    killed.is_given_back(0);
    // The window is closed: once it went on reading its end.
    let closed = open();
    let left = child();
    drop(closed);
    // One that has ended and that nobody waits for has no program any more, either.
    let program = format!("/proc/{}/exe", left.as_raw_nonzero());
    eventually("it ends with its terminal", || std::fs::read_link(&program).is_err());
    let hangs = open();
    node.process.signal(Signal::STOP);
    hangs.press("Space");
    hangs.until(&["stopped"]);
    hangs.press("q");
    hangs.is_given_back(0);
    node.process.signal(Signal::CONT);
}

#[test]
fn colours_are_those_of_the_terminal_and_none_when_asked() {
    if !Terminal::is_possible("colours_are_those_of_the_terminal_and_none_when_asked") {
        return;
    }
    let folder = folder();
    let node = Daemon::start(&folder.path().join("data"), &[]);
    // 30 to 38 set a colour, 39 takes it back.
    let sets_colour = |code: &str| code.starts_with('3') && !code.starts_with("39");
    for (variables, is_coloured) in [("NO_COLOR=", true), ("NO_COLOR=1", false)] {
        let terminal = Terminal::open(&top(&node, variables), 80, 24);
        terminal.until(&["ready", "q quit"]);
        let screen = terminal.coloured_screen();
        let coloured = screen.split("\x1b[").skip(1).any(sets_colour);
        assert_eq!(coloured, is_coloured, "{variables}: {screen:?}");
        assert!(screen.contains("\x1b[1m"), "bold stays, {variables}: {screen:?}");
    }
}

#[test]
fn without_a_terminal_it_prints_one_picture_or_says_what_to_do() {
    let folder = folder();
    let node = Daemon::start(&folder.path().join("data"), &[]);
    let picture = node.fine(&["top", "--once"]);
    for words in ["samara ", "ready", "no contents", "balanced "] {
        assert!(picture.contains(words), "{words}: {picture}");
    }
    assert!(!picture.contains('\x1b'), "plain text: {picture:?}");
    let ended = node.run(&["top"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("samara top --once"), "{ended:?}");
    let nobody = run(["top", "--once", "--data", text(&folder.path().join("nobody"))]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(nobody.stderr.contains("no node answers"), "{nobody:?}");
}
