//! `samara policy check`: whether a node should load it.

use std::io::{self, Write};

use samara_policy::Hook;
use samara_policy::Question;
use samara_policy::testing::{columns_of, golden, scenario, stray};
use samara_policy_host::{CONTRACT, Fault, Limits, ModuleId};
use serde::Serialize;

use super::module::{Loaded, ModuleArgs, fitted, labelled};
use crate::exit::Failure;
use crate::json;
use crate::output::written;

/// Check a policy as a node would, and whether it is a pure function
///
/// Every golden view is asked twice, of a fresh and of a used instance; decisions must name only what the
/// view showed. Ends with exit code 1 when a check fails; warnings do not fail.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    module: ModuleArgs,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document {
    file: String,
    id: String,
    passed: bool,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    outcome: Outcome,
    detail: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ok,
    Warning,
    Failed,
}

/// Runs the command.
///
/// # Errors
/// When the file is not a policy, or a check fails.
pub fn run(args: &Args) -> Result<(), Failure> {
    // Without a deadline: a slow machine must not fail a good policy, and fuel says the same everywhere.
    let loaded = args.module.load(Limits::for_simulation())?;
    let questions = questions(&loaded)?;
    let checks = vec![
        ok("contract", CONTRACT.to_owned()),
        ok("imports", "none".to_owned()),
        size(&loaded),
        description(&loaded),
        answers(&loaded, &questions),
        rows(&loaded, &questions),
        purity(&loaded, &questions),
        decides(&loaded, &questions),
    ];
    let file = args.module.file.display().to_string();
    let passed = checks.iter().all(|check| check.outcome != Outcome::Failed);
    let document = Document { file, id: loaded.module.id().to_string(), passed, checks };
    if args.json {
        written(json::write_line(&document))?;
    } else {
        written(print(&document, loaded.module.id()))?;
    }
    if passed {
        return Ok(());
    }
    let failure = Failure::new(format!("`{}` does not pass", document.file), failed(&document));
    Err(failure.next("see docs/policies/limits.md for the remedy of each").already_told())
}

fn print(document: &Document, id: ModuleId) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}  {id}", document.file)?;
    for Check { name, outcome, detail } in &document.checks {
        let mark = match outcome {
            Outcome::Ok => "ok",
            Outcome::Warning => "warning",
            Outcome::Failed => "FAILED",
        };
        writeln!(stdout, "  {mark:<8} {name:<12} {detail}")?;
    }
    Ok(())
}

fn failed(document: &Document) -> String {
    let failed = document.checks.iter().filter(|check| check.outcome == Outcome::Failed);
    failed.map(|check| format!("{}: {}", check.name, check.detail)).collect::<Vec<_>>().join("; ")
}

/// The golden views, and full windows of up to 256 peers, for the hooks that it wants; for a policy that looks at
/// labels, each with labels and without.
fn questions(loaded: &Loaded) -> Result<Vec<Question>, Failure> {
    let golden =
        golden().map_err(|error| Failure::because("could not read golden views", &error))?;
    let golden = golden.into_iter().map(|golden| golden.case.question);
    let sizes = [1, 16, 64, 256];
    let large = Hook::ALL
        .into_iter()
        .flat_map(|hook| sizes.into_iter().map(move |peers| scenario(hook, peers, 1024, 1)));
    let description = loaded.module.description();
    Ok(golden
        .chain(large)
        .filter(|question| description.hooks.wants(Hook::of(question)))
        .map(|question| fitted(question, description, &loaded.values))
        .flat_map(|question| [labelled(question.clone(), description), Some(question)])
        .flatten()
        .collect())
}

fn ok(name: &'static str, detail: String) -> Check {
    Check { name, outcome: Outcome::Ok, detail }
}

fn size(loaded: &Loaded) -> Check {
    let (has, limit) = (loaded.module.size(), loaded.module.limits().file_bytes);
    ok("size", format!("{has} of {limit} bytes"))
}

fn description(loaded: &Loaded) -> Check {
    let description = loaded.module.description();
    let parameters = description.parameters.len();
    let detail = format!("{} {}, {parameters} parameters", description.name, description.version);
    ok("description", detail)
}

/// Every question has an answer, with fuel to spare.
fn answers(loaded: &Loaded, questions: &[Question]) -> Check {
    let name = "limits";
    let (limit, mut most) = (loaded.module.limits().fuel, 0);
    let mut instance = loaded.module.instance();
    for question in questions {
        if let Err(fault) = instance.answer(question) {
            return fault_in(name, question, &fault);
        }
        most = most.max(instance.called().fuel);
    }
    let detail =
        format!("{} answers; the most expensive used {most} of {limit} fuel", questions.len());
    // Views of a real fleet may be more expensive than these.
    let outcome = if most > limit / 4 { Outcome::Warning } else { Outcome::Ok };
    Check { name, outcome, detail }
}

fn rows(loaded: &Loaded, questions: &[Question]) -> Check {
    let name = "rows";
    let mut instance = loaded.module.instance();
    for question in questions {
        let answer = match instance.answer(question) {
            Ok(answer) => answer,
            Err(fault) => return fault_in(name, question, &fault),
        };
        if let Some(stray) = stray(question, &answer) {
            let hook = Hook::of(question).name();
            let detail = format!("in `{hook}`, {stray}; the engine would drop it");
            return Check { name, outcome: Outcome::Failed, detail };
        }
    }
    ok(name, "every decision names what its view showed".to_owned())
}

/// Fresh against used, and twice in a row.
fn purity(loaded: &Loaded, questions: &[Question]) -> Check {
    let name = "purity";
    let mut used = loaded.module.instance();
    for question in questions.iter().chain(questions.iter().rev()) {
        let fresh = loaded.module.instance().answer(question);
        let (first, second) = (used.answer(question), used.answer(question));
        let hook = Hook::of(question).name();
        let failed = |detail| Check { name, outcome: Outcome::Failed, detail };
        if first != second {
            return failed(format!("`{hook}` answers the same view differently when asked again"));
        }
        if fresh != first {
            return failed(format!("`{hook}` of a fresh instance differs from that of a used one"));
        }
    }
    ok(name, "fresh and used instances answer alike".to_owned())
}

/// Something to do and nothing done, always: no fault, but a transfer would live on the built-in policy.
fn decides(loaded: &Loaded, questions: &[Question]) -> Check {
    let name = "decides";
    let mut instance = loaded.module.instance();
    let hooks = Hook::ALL.into_iter().filter(|hook| loaded.module.description().hooks.wants(*hook));
    let idle = hooks.filter(|hook| {
        let mut own = questions.iter().filter(|question| Hook::of(question) == *hook);
        own.all(|question| match instance.answer(question) {
            Ok(answer) => columns_of(&answer).iter().all(|(_, values)| values.is_empty()),
            Err(_) => false,
        })
    });
    let idle: Vec<&str> = idle.map(Hook::name).collect();
    if idle.is_empty() {
        return ok(name, "every hook that it wants decides something".to_owned());
    }
    let detail = format!("no view made `{}` decide anything", idle.join("`, `"));
    Check { name, outcome: Outcome::Warning, detail }
}

fn fault_in(name: &'static str, question: &Question, fault: &Fault) -> Check {
    let detail = format!("`{}` {fault}", Hook::of(question).name());
    Check { name, outcome: Outcome::Failed, detail }
}
