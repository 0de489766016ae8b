//! `samara policy inspect`.

use std::fmt::Write;
use std::path::PathBuf;

use samara_policy::Hook;
use samara_policy::{Description, Parameter, ParameterKind, WindowOrder};
use samara_policy_host::{CONTRACT, Limits, Module, show_value};
use serde::Serialize;

use super::module;
use crate::exit::Failure;
use crate::json;
use crate::output::written;

/// Show what a policy says of itself
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The policy: a `.wasm` file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    file: String,
    id: String,
    size_bytes: usize,
    contract: &'static str,
    name: &'a str,
    version: &'a str,
    hooks: Vec<&'static str>,
    window: &'static str,
    labels: &'a [String],
    columns: &'a [u32],
    parameters: Vec<ParameterDocument<'a>>,
}

#[derive(Serialize)]
struct ParameterDocument<'a> {
    name: &'a str,
    help: &'a str,
    kind: &'static str,
    default: u64,
    min: u64,
    max: u64,
}

/// Runs the command.
///
/// # Errors
/// When the file is not a policy.
pub fn run(args: &Args) -> Result<(), Failure> {
    let module = module::load(&args.file, Limits::default())?;
    let document = document(&args.file.display().to_string(), &module);
    if args.json {
        return written(json::write_line(&document));
    }
    written(write_text(&text(&document, module.description())))
}

fn document<'a>(file: &str, module: &'a Module) -> Document<'a> {
    let description = module.description();
    let hooks = Hook::ALL.into_iter().filter(|hook| description.hooks.wants(*hook));
    Document {
        file: file.to_owned(),
        id: module.id().to_string(),
        size_bytes: module.size(),
        contract: CONTRACT,
        name: &description.name,
        version: &description.version,
        hooks: hooks.map(Hook::name).collect(),
        window: match description.window {
            WindowOrder::Rarest => "rarest",
            WindowOrder::LowestIndex => "lowest-index",
        },
        labels: &description.labels,
        columns: &description.columns,
        parameters: description.parameters.iter().map(parameter).collect(),
    }
}

fn parameter(parameter: &Parameter) -> ParameterDocument<'_> {
    ParameterDocument {
        name: &parameter.name,
        help: &parameter.help,
        kind: match parameter.kind {
            ParameterKind::Number => "number",
            ParameterKind::Flag => "flag",
            ParameterKind::Permille => "permille",
            ParameterKind::Bytes => "bytes",
            ParameterKind::Micros => "micros",
        },
        default: parameter.default,
        min: parameter.min,
        max: parameter.max,
    }
}

fn text(document: &Document<'_>, description: &Description) -> String {
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(" "),
    };
    let hooks: Vec<String> = document.hooks.iter().map(|hook| (*hook).to_owned()).collect();
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key:<11} {value}");
    };
    line("policy", &format!("{} {}", document.name, document.version));
    line("id", &document.id);
    line("size", &format!("{} bytes", document.size_bytes));
    line("contract", document.contract);
    line("imports", "none");
    line("hooks", &list(&hooks));
    line("window", document.window);
    line("labels", &list(document.labels));
    let columns: Vec<String> = document.columns.iter().map(u32::to_string).collect();
    line("columns", &list(&columns));
    if description.parameters.is_empty() {
        line("parameters", "none");
    }
    for parameter in &description.parameters {
        let show = |value| show_value(parameter.kind, value);
        let range = format!("{} to {}", show(parameter.min), show(parameter.max));
        let value = format!("{}={} ({range})", parameter.name, show(parameter.default));
        line("parameter", &format!("{value:<36} {}", parameter.help));
    }
    text
}

fn write_text(text: &str) -> std::io::Result<()> {
    use std::io::Write;
    std::io::stdout().lock().write_all(text.as_bytes())
}
