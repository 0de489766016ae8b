//! From a file to a policy that can be asked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use samara_policy::ParameterKind;
use samara_policy_host::{HostError, LoadError, ParameterError, parameter_values};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::loaded::Loaded;

/// Which policy to load, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyRequest {
    /// The `.wasm` file; `built-in` is the policy that is part of the node.
    pub file: PathBuf,
    /// What for.
    #[serde(default)]
    pub mode: PolicyMode,
    /// Values of its parameters, as people write them.
    #[serde(default)]
    pub parameters: Vec<(String, String)>,
}

/// What a policy is loaded for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyMode {
    /// It decides.
    #[default]
    Active,
    /// It is asked beside the active one, and compared; nothing that it decides is done.
    Shadow,
}

/// A policy was not taken. Whatever was active is active still.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("could not read the policy {file}: {why}; check the path")]
    Read {
        /// The file.
        file: String,
        /// Why.
        why: io::Error,
    },
    /// The file is no policy that this node can run.
    #[error("{file} {why}")]
    Load {
        /// The file.
        file: String,
        /// What is wrong, and the remedy.
        why: LoadError,
    },
    /// A parameter is wrong.
    #[error(
        "the policy `{name}` of {file} {}; `samara policy inspect` lists its parameters",
        in_words(.why)
    )]
    Parameter {
        /// The policy.
        name: String,
        /// The file.
        file: String,
        /// What is wrong.
        why: ParameterError,
    },
    /// No module can be run on this machine.
    #[error("this node cannot run policies")]
    Host(#[from] HostError),
    /// The system gives no threads.
    #[error("could not start the threads that ask policies")]
    Threads(#[source] io::Error),
    /// There is nothing to go back to.
    #[error(
        "there is no policy to go back to: none was active before this one. Activate another one instead"
    )]
    NothingBefore,
    /// There is no shadow to take away.
    #[error("no policy runs in shadow")]
    NoShadow,
}

/// The name under which the built-in policy is activated.
pub(super) const BUILT_IN: &str = "built-in";

/// Reads a file that should be a policy, at most one byte more than `limit`: a larger one is refused for its
/// size, and not read to find that out.
pub(super) fn read(file: &Path, limit: usize) -> Result<Vec<u8>, PolicyError> {
    use io::Read;
    let failed = |why| PolicyError::Read { file: file.display().to_string(), why };
    let opened = fs::File::open(file).map_err(failed)?;
    let size = opened.metadata().map_err(failed)?.len();
    if size > limit as u64 {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        return Err(refused(file, LoadError::FileSize { size, limit }));
    }
    let mut bytes = Vec::new();
    opened.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// A file that is no policy.
pub(super) fn refused(file: &Path, why: LoadError) -> PolicyError {
    PolicyError::Load { file: file.display().to_string(), why }
}

/// The values of the parameters, or why they cannot be.
pub(super) fn parameters(
    description: &samara_policy::Description,
    request: &PolicyRequest,
) -> Result<Vec<u64>, PolicyError> {
    let given = request.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    parameter_values(description, given).map_err(|why| PolicyError::Parameter {
        name: description.name.clone(),
        file: request.file.display().to_string(),
        why,
    })
}

/// What is wrong with a parameter, to follow "the policy `NAME` of FILE".
fn in_words(error: &ParameterError) -> String {
    match error {
        ParameterError::Unknown { name, known, .. } if known.is_empty() => {
            format!("has no parameter `{name}`; it has none")
        }
        ParameterError::Unknown { name, known, .. } => {
            format!("has no parameter `{name}`; it has `{}`", known.join("`, `"))
        }
        ParameterError::Value { name, value, kind } => {
            let wanted = match kind {
                ParameterKind::Number => "number, for example 4",
                ParameterKind::Flag => "yes or no",
                ParameterKind::Permille => "share, for example 25% or 0.25",
                ParameterKind::Bytes => "size, for example `4 MiB`",
                ParameterKind::Micros => "duration, for example 250ms or 2s",
            };
            format!("has a parameter `{name}`, but `{value}` is no {wanted}")
        }
        ParameterError::Range { name, value, min, max } => {
            format!("has a parameter `{name}` from {min} to {max}, and {value} is outside")
        }
        ParameterError::Twice(name) => format!("has a parameter `{name}`, which is given twice"),
    }
}

/// The built-in policy with parameters of its own.
pub(super) fn built_in(request: &PolicyRequest) -> Result<Loaded, PolicyError> {
    let mut loaded = Loaded::built_in();
    loaded.parameters = parameters(&loaded.description, request)?;
    Ok(loaded)
}
