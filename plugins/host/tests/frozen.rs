//! Modules of the past work for ever: they are loaded, understand views with columns that came later, and
//! answer as they did on the day that they were built.

mod support;

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use samara_policy::Hook;
use samara_policy::testing::{Case, columns_of, fields};
use samara_policy::{Column, Question};
use samara_policy_host::{Host, Instance, Limits};

fn folder() -> PathBuf {
    support::root().join("plugins/host/tests/frozen")
}

/// The views of the day, in the order of their names.
fn views() -> Vec<(String, Question)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder().join("v1"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let view = |path: &PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let case = Case::parse(&fs::read_to_string(path).expect("a text")).expect("a case");
        (name, case.question)
    };
    paths.iter().map(view).collect()
}

fn load(name: &str) -> Instance {
    let bytes = fs::read(folder().join(format!("{name}.wasm"))).expect("a module");
    let host = Host::new(Limits::for_simulation()).expect("a host");
    host.load(&bytes).expect("a module of the past is loaded").instance()
}

/// One line per view and column.
fn answers(instance: &mut Instance, change: impl Fn(&mut Question)) -> String {
    let mut text = String::new();
    for (name, mut question) in views() {
        change(&mut question);
        let answer = instance.answer(&question).expect("an answer");
        for (column, values) in columns_of(&answer) {
            let _ = writeln!(text, "{name} {column} {values:?}");
        }
    }
    text
}

fn check(name: &str) {
    let file = format!("{name}.answers");
    let expected = fs::read_to_string(folder().join(&file)).unwrap_or_default();
    let mut instance = load(name);
    let now = answers(&mut instance, |_| ());
    if now != expected {
        let made = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
        fs::write(&made, now).expect("a temporary file");
        panic!("{name} answers as in {}, and not as it did", made.display());
    }

    let with_later_columns = answers(&mut instance, |question| {
        fields(question, &mut |_, field| {
            if let samara_policy::testing::Field::More(more) = field {
                more.push(Column { id: 4_000_000_000, values: vec![u64::MAX; 100] });
                more.push(Column { id: 17, values: vec![] });
            }
        });
    });
    assert!(with_later_columns == expected, "{name} is confused by columns that it does not know");
}

#[test]
fn a_policy_from_the_sdk_of_version_1_answers_as_it_did() {
    check("v1-balanced");
}

#[test]
fn a_policy_without_an_sdk_answers_as_it_did() {
    check("v1-nonsense");
}

#[test]
fn every_hook_has_a_frozen_view() {
    for hook in Hook::ALL {
        assert!(views().iter().any(|(_, question)| Hook::of(question) == hook), "{hook:?}");
    }
}
