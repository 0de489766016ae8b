//! `samara policy new`: a folder to start from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::output::written;

// The SDK and the contract of this version, as `(path, text)`.
include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// The files of the template; `NAME` in them is the policy's name.
const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("README.md", include_str!("template/README.md.txt")),
    (".gitignore", "target\n"),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("tests/cases/the-nearer-peer-is-served.case", include_str!("template/nearer.case.txt")),
];

/// The same in C: `policies/random-c`, which knows the contract without the SDK.
const C: &[(&str, &str)] = &[
    ("README.md", include_str!("template/README.c.md.txt")),
    (".gitignore", "target\n"),
    ("policy.c", include_str!("../../../../policies/random-c/policy.c")),
    ("samara_policy.h", include_str!("../../../../policies/random-c/samara_policy.h")),
    ("contract.c", include_str!("../../../../policies/random-c/contract.c")),
    ("policy.wit", include_str!("../../../../plugins/wit/v1/policy.wit")),
    (
        "tests/cases/a-peer-that-lacks-something-is-served.case",
        include_str!("template/lacks.case.txt"),
    ),
];

/// Make a folder with an example policy
///
/// In Rust it carries the SDK and the contract of this version, so that it builds and passes its tests anywhere;
/// in C, the contract as a header, and it needs clang and lld.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the policy and of the folder: lower-case letters, digits and dashes
    #[arg(value_name = "NAME")]
    name: String,
    /// Language of the example
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// Where to make the folder
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    parent: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    Rust,
    C,
}

/// Runs the command.
///
/// # Errors
/// When the name is none, or the folder exists or cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    check_name(&args.name)?;
    let folder = args.parent.join(&args.name);
    let doing = || format!("could not make {}", folder.display());
    fs::create_dir(&folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::new(doing(), "it exists already").next("choose another name, or remove it")
        }
        _ => Failure::new(doing(), error),
    })?;
    fill(&folder, args).map_err(|error| Failure::new(doing(), error))?;
    written(tell(&folder, args))
}

fn check_name(name: &str) -> Result<(), Failure> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    // cargo wants a letter in front.
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if begins && name.len() <= 64 && name.chars().all(good) && !RESERVED.contains(&name) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`{name}` is no name for a policy: use lower-case letters, digits and dashes, for example \
         `near-first`"
    )))
}

/// What cargo would not take as a package, or would confuse with the SDK.
const RESERVED: &[&str] = &["test", "core", "std", "alloc", "proc-macro", "samara-policy"];

fn fill(folder: &Path, args: &Args) -> io::Result<()> {
    let (template, sdk) = match args.lang {
        Language::Rust => (RUST, SDK),
        Language::C => (C, &[][..]),
    };
    for (path, text) in template {
        write(
            &folder.join(path),
            &text.replace("random-c", &args.name).replace("NAME", &args.name),
        )?;
    }
    for (path, text) in sdk {
        write(&folder.join("samara").join(path), text)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

fn tell(folder: &Path, args: &Args) -> io::Result<()> {
    use std::io::Write;
    let (folder, name) = (folder.display(), &args.name);
    let native = if args.lang == Language::Rust { "\n  cargo test" } else { "" };
    let module = format!("target/policies/{name}.wasm");
    writeln!(
        io::stdout().lock(),
        "made {folder}\n\nnext:\n  cd {folder}{native}\n  samara policy build\n  samara policy check \
         {module}\n  samara policy test {module}"
    )
}
