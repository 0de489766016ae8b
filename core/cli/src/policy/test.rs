//! `samara policy test`: golden cases.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use samara_policy::Hook;
use samara_policy::testing::{Case, Expected};
use samara_policy_host::{Instance, Limits};
use serde::Serialize;

use super::module::{Loaded, ModuleArgs, fitted};
use crate::exit::Failure;
use crate::json;
use crate::output::written;

/// Ask a policy recorded questions and compare its answers with what is expected
///
/// A case is a text file that ends in `.case`; docs/policies/cases.md describes it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    module: ModuleArgs,
    /// Cases, or folders of cases
    #[arg(value_name = "CASE", default_value = "tests/cases")]
    cases: Vec<PathBuf>,
    /// Print one JSON document per case
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Outcome {
    case: String,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When a case cannot be read, or an answer is not as expected.
pub fn run(args: &Args) -> Result<(), Failure> {
    let loaded = args.module.load(Limits::for_simulation())?;
    let cases = find(&args.cases)?;
    let mut instance = loaded.module.instance();
    let mut failed = 0;
    for path in &cases {
        let case = read(path)?;
        let why = ask(&loaded, &mut instance, case).err();
        failed += usize::from(why.is_some());
        let outcome = Outcome { case: path.display().to_string(), passed: why.is_none(), why };
        written(if args.json { json::write_line(&outcome) } else { print(&outcome) })?;
    }
    if failed == 0 {
        return Ok(());
    }
    let doing = format!("{failed} of {} cases failed", cases.len());
    Err(Failure::new(doing, "").already_told())
}

fn print(outcome: &Outcome) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match &outcome.why {
        None => writeln!(stdout, "ok      {}", outcome.case),
        Some(why) => writeln!(stdout, "FAILED  {}: {why}", outcome.case),
    }
}

/// All `.case` files, in the order of their names.
fn find(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut cases = Vec::new();
    for path in given {
        if path.is_dir() {
            cases.extend(in_folder(path).map_err(|error| unreadable(path, &error))?);
        } else {
            cases.push(path.clone());
        }
    }
    cases.sort();
    if cases.is_empty() {
        let given: Vec<String> = given.iter().map(|path| path.display().to_string()).collect();
        let doing = format!("there is no `.case` file in {}", given.join(", "));
        return Err(Failure::new(doing, "").next("docs/policies/cases.md shows one"));
    }
    Ok(cases)
}

fn in_folder(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "case") {
            cases.push(path);
        }
    }
    Ok(cases)
}

fn read(path: &Path) -> Result<Case, Failure> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    Case::parse(&text).map_err(|error| {
        Failure::because(format!("could not read case {}", path.display()), &error)
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("could not read {}", path.display()), error)
}

/// Parameters that the case sets stay; otherwise it gets those of the command line.
fn ask(loaded: &Loaded, instance: &mut Instance, case: Case) -> Result<(), String> {
    let (description, hook) = (loaded.module.description(), Hook::of(&case.question));
    if !description.hooks.wants(hook) {
        return Err(format!("the policy does not want to be asked `{}`", hook.name()));
    }
    let question = fitted(case.question.clone(), description, &loaded.values);
    let answer = instance.answer(&question).map_err(|fault| format!("it {fault}"))?;
    match case.difference(&answer) {
        None => Ok(()),
        Some((Expected { column, values }, has)) => {
            Err(format!("`{column}` is {has:?} and should be {values:?}"))
        }
    }
}
