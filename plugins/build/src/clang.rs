//! Compiling a policy that is written in C: every `.c` file of a folder that has `policy.c` and no crate.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::BuildError;

/// No C library, no entry; the stack lies first, so that running over its end traps.
const FLAGS: &[&str] = &[
    "--target=wasm32",
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffreestanding",
    "-nostdlib",
    "-O2",
    "-mbulk-memory",
    "-Wl,--no-entry",
    "-Wl,--stack-first",
    "-Wl,-z,stack-size=65536",
    "-Wl,--strip-all",
];

/// Whether the policy in `folder` is written in C.
pub(crate) fn is_c(folder: &Path) -> bool {
    folder.join("policy.c").is_file() && !folder.join("Cargo.toml").exists()
}

/// The core module.
pub(crate) fn compile(folder: &Path) -> Result<Vec<u8>, BuildError> {
    let file = |path: &Path, source| BuildError::File { path: path.to_owned(), source };
    let output = std::env::temp_dir().join(format!("samara-policy-{}.wasm", std::process::id()));
    let mut command = Command::new("clang");
    command.args(FLAGS).arg("-o").arg(&output);
    command.args(sources(folder).map_err(|source| file(folder, source))?);
    let done = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BuildError::NoClang { folder: folder.to_owned() },
        _ => BuildError::Clang(error.to_string()),
    })?;
    if !done.status.success() {
        let messages = String::from_utf8_lossy(&done.stderr).trim_end().to_owned();
        // clang is there and its linker, a package of its own, is not.
        let no_linker = messages.contains("wasm-ld") && messages.contains("doesn't exist");
        return Err(match no_linker {
            true => BuildError::NoClang { folder: folder.to_owned() },
            false => BuildError::Clang(messages),
        });
    }
    let core = fs::read(&output).map_err(|source| file(&output, source));
    // A left-over in the folder for temporary files harms nobody.
    let _ = fs::remove_file(&output);
    core
}

fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("c")) {
            sources.push(path);
        }
    }
    sources.sort();
    Ok(sources)
}

/// The folder for products: that of the workspace around, otherwise one in the folder itself.
pub(crate) fn target(folder: &Path) -> PathBuf {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let workspace = folder.ancestors().find(|above| above.join("Cargo.lock").is_file());
    workspace.unwrap_or(&folder).join("target")
}
