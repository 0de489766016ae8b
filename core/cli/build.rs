//! Collects the SDK and the contract, which `samara policy new` puts into every new policy.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What is copied from `plugins/`, and only these: tests of the SDK's own stay here.
const FOLDERS: &[&str] = &["sdk/src", "sdk/golden", "wit/v1"];

fn main() -> io::Result<()> {
    let plugins = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?)
        .join("../../plugins")
        .canonicalize()?;
    let mut files = Vec::new();
    for folder in FOLDERS {
        println!("cargo::rerun-if-changed={}", plugins.join(folder).display());
        collect(&plugins.join(folder), &mut files)?;
    }
    files.sort();
    let mut list = String::from("const SDK: &[(&str, &str)] = &[\n");
    let manifest = manifest(&env::var("CARGO_PKG_VERSION").map_err(io::Error::other)?);
    let _ = writeln!(list, "    (\"sdk/Cargo.toml\", {manifest:?}),");
    for file in files {
        let name = file.strip_prefix(&plugins).map_err(io::Error::other)?;
        let _ = writeln!(list, "    ({:?}, include_str!({file:?})),", name.display().to_string());
    }
    list.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("sdk.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// The SDK's manifest as it is outside of this workspace.
fn manifest(version: &str) -> String {
    format!(
        "[package]\nname = \"samara-policy\"\nversion = \"{version}\"\nedition = \"2024\"\n\
         license = \"MIT OR Apache-2.0\"\npublish = false\n\n[features]\ntesting = []\n"
    )
}
