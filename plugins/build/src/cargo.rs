//! Compiling a policy's crate.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::clang;
use crate::component::{ComponentError, componentize};

const TARGET: &str = "wasm32-unknown-unknown";
/// The profile of guests. Given on the command line, so that no workspace needs to know of it.
const PROFILE: &str = "policy";
const PROFILE_SETTINGS: &[&str] = &[
    "inherits='release'",
    // A third larger than 's' and 12 % faster; 80 KB are still small.
    "opt-level=3",
    "lto=true",
    "codegen-units=1",
    "panic='abort'",
    "strip=true",
    "debug=false",
    "debug-assertions=false",
    "overflow-checks=false",
];
/// Every host has SIMD, and it is deterministic.
const FLAGS: &str = "target.wasm32-unknown-unknown.rustflags=['-Ctarget-feature=+simd128']";
/// Stack inside the guest's memory. The default of 1 MiB would be most of what a policy allocates.
const STACK: &str = "link-arg=-zstack-size=131072";

/// How to build.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// Where to put the component; `NAME.wasm` in `target/policies` of the crate's workspace if not given,
    /// NAME being the folder's.
    pub output: Option<PathBuf>,
    /// Do not touch the network.
    pub offline: bool,
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// The component.
    pub component: Vec<u8>,
}

/// Why there is no component. An older one at the same place is left as it was.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No crate there.
    #[error("{folder} has no Cargo.toml with a library; `samara policy new NAME` makes one")]
    NoCrate {
        /// The folder.
        folder: PathBuf,
    },
    /// cargo is missing or cannot be run.
    #[error("could not run cargo; install Rust from https://rustup.rs")]
    Cargo(#[source] io::Error),
    /// The target is not installed.
    #[error("the compiler has no {TARGET}; `rustup target add {TARGET}` adds it")]
    Target,
    /// cargo failed. Its messages are here.
    #[error("cargo could not compile it:\n{0}")]
    Compile(String),
    /// The policy is written in C, and there is no compiler for it.
    #[error(
        "{folder} needs clang and its linker wasm-ld; `make setup` installs them (Debian: clang, lld)"
    )]
    NoClang {
        /// The folder.
        folder: PathBuf,
    },
    /// clang failed. Its messages are here.
    #[error("clang could not compile it:\n{0}")]
    Clang(String),
    /// It compiles, but is no policy.
    #[error(
        "it compiles, but is no policy: {0}; does the crate say `samara_policy::export!(...)`?"
    )]
    Component(#[from] ComponentError),
    /// A file could not be read or written.
    #[error("could not access {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Compiles the crate in `folder`, or its C sources where it has `policy.c` and no crate, and puts the component next to the crate's other products.
///
/// # Errors
/// When the crate does not compile, is no policy, or the result cannot be written.
pub fn build(folder: &Path, options: &BuildOptions) -> Result<Built, BuildError> {
    let (core, target) = if clang::is_c(folder) {
        (clang::compile(folder)?, clang::target(folder))
    } else {
        let krate = Crate::find(folder, options)?;
        let core_path = krate.compile(options)?;
        (fs::read(&core_path).map_err(|source| file(&core_path, source))?, krate.target)
    };
    let component = componentize(&core)?;
    let path = match &options.output {
        Some(path) => path.clone(),
        None => target.join("policies").join(format!("{}.wasm", name_of(folder)?)),
    };
    write(&path, &component)?;
    Ok(Built { path, component })
}

struct Crate {
    manifest: PathBuf,
    package: String,
    /// As rustc names its file.
    library: String,
    target: PathBuf,
}

impl Crate {
    fn find(folder: &Path, options: &BuildOptions) -> Result<Crate, BuildError> {
        let none = || BuildError::NoCrate { folder: folder.to_owned() };
        let manifest = folder.join("Cargo.toml");
        let manifest = fs::canonicalize(&manifest).map_err(|_| none())?;
        let mut command = cargo(&manifest, "metadata", options);
        let output = command.args(["--no-deps", "--format-version=1"]).output();
        let output = output.map_err(BuildError::Cargo)?;
        if !output.status.success() {
            return Err(compile_error(&output.stderr));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|_| none())?;
        let wanted = manifest.to_string_lossy();
        let mut packages = metadata["packages"].as_array().into_iter().flatten();
        let package = packages
            .find(|package| package["manifest_path"].as_str() == Some(&*wanted))
            .ok_or_else(none)?;
        let mut targets = package["targets"].as_array().into_iter().flatten();
        let is_library = |target: &&Value| {
            let kinds = target["kind"].as_array().into_iter().flatten();
            kinds.filter_map(Value::as_str).any(|kind| kind == "lib" || kind.ends_with("lib"))
        };
        let library = targets.find(is_library).and_then(|target| target["name"].as_str());
        Ok(Crate {
            package: package["name"].as_str().ok_or_else(none)?.to_owned(),
            library: library.ok_or_else(none)?.replace('-', "_"),
            target: metadata["target_directory"].as_str().ok_or_else(none)?.into(),
            manifest,
        })
    }

    fn compile(&self, options: &BuildOptions) -> Result<PathBuf, BuildError> {
        let mut command = cargo(&self.manifest, "rustc", options);
        command.args(["--lib", "--crate-type=cdylib", "--quiet", "--package", &self.package]);
        command.args(["--target", TARGET, "--profile", PROFILE]);
        for setting in PROFILE_SETTINGS {
            command.arg("--config").arg(format!("profile.{PROFILE}.{setting}"));
        }
        command.args(["--config", FLAGS]);
        // The flags of the surrounding build are for another machine.
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        let output = command.args(["--", "-C", STACK]).output().map_err(BuildError::Cargo)?;
        if !output.status.success() {
            return Err(compile_error(&output.stderr));
        }
        let file = format!("{}.wasm", self.library);
        Ok(self.target.join(TARGET).join(PROFILE).join(file))
    }
}

fn cargo(manifest: &Path, subcommand: &str, options: &BuildOptions) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.arg(subcommand).arg("--manifest-path").arg(manifest);
    // So that the crate's own rust-toolchain.toml and .cargo/config.toml hold.
    if let Some(folder) = manifest.parent() {
        command.current_dir(folder);
    }
    if options.offline {
        command.arg("--offline");
    }
    command
}

fn compile_error(messages: &[u8]) -> BuildError {
    let text = String::from_utf8_lossy(messages).trim_end().to_owned();
    if text.contains("can't find crate for `core`") || text.contains("can't find crate for `std`") {
        return BuildError::Target;
    }
    BuildError::Compile(text)
}

fn name_of(folder: &Path) -> Result<String, BuildError> {
    let folder = fs::canonicalize(folder).map_err(|source| file(folder, source))?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(name.unwrap_or_else(|| PROFILE.to_owned()))
}

/// Whole or not at all: somebody may be reading the older one.
fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder).map_err(|source| file(folder, source))?;
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&temporary, bytes).map_err(|source| file(&temporary, source))?;
    fs::rename(&temporary, path).map_err(|source| file(path, source))
}

fn file(path: &Path, source: io::Error) -> BuildError {
    BuildError::File { path: path.to_owned(), source }
}
