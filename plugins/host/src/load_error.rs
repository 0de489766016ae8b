//! Why a file is not taken.

use crate::fault::Fault;

/// Why a file is not taken. The texts follow a file's name, as in "`p.wasm` is a core module, ...". Whatever
/// was active stays active.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Larger than [`crate::Limits::file_bytes`].
    #[error(
        "has {size} bytes, and at most {limit} are allowed; build it with optimisation for size, or raise \
         the limit `file_bytes`"
    )]
    FileSize {
        /// Bytes of the file.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// No WASM at all.
    #[error("is not a WASM component; build one with `samara policy build`")]
    NotWasm,
    /// WASM, but no component.
    #[error(
        "is a core WASM module and not a component; turn it into one with `samara policy build`"
    )]
    CoreModule,
    /// Code compiled for a machine.
    #[error(
        "is native code, which is never loaded; give the `.wasm` file that it was compiled from"
    )]
    Native,
    /// Its beginning is right, the rest is not.
    #[error("is a damaged or unsupported component ({0}); copy or build it again")]
    Damaged(String),
    /// It wants something from outside.
    #[error(
        "imports {}, but a policy may import nothing; build it for wasm32-unknown-unknown, without WASI",
        some(.0)
    )]
    Imports(Vec<String>),
    /// It speaks another version of the contract.
    #[error(
        "speaks {found}, and this version of Samara speaks {}; build it with an SDK of that version, or \
         update Samara",
        crate::CONTRACT
    )]
    Version {
        /// The export that it has instead.
        found: String,
    },
    /// It exports no strategy.
    #[error(
        "does not export {}; in Rust, `samara_policy::export!(YourPolicy)` does it",
        crate::CONTRACT
    )]
    MissingExport,
    /// It exports a strategy whose functions have other types.
    #[error(
        "exports {contract} with other types ({0}); build it from an unchanged `policy.wit`",
        contract = crate::CONTRACT
    )]
    WrongTypes(String),
    /// It cannot even start within its limits.
    #[error(
        "cannot start within its limits ({0}); make it smaller, or raise the limit that is named"
    )]
    Start(String),
    /// `describe` ended with a fault.
    #[error("does not answer `describe`: it {0}; see the policy's own tests")]
    Describe(Fault),
    /// `describe` says something that cannot be.
    #[error("describes itself wrongly: {0}; correct what `describe` returns")]
    Description(String),
}

impl LoadError {
    /// A short, stable name, for metrics and for looking it up in `docs/policies/limits.md`.
    pub fn label(&self) -> &'static str {
        match self {
            LoadError::FileSize { .. } => "file-size",
            LoadError::NotWasm => "not-wasm",
            LoadError::CoreModule => "core-module",
            LoadError::Native => "native-code",
            LoadError::Damaged(_) => "damaged",
            LoadError::Imports(_) => "imports",
            LoadError::Version { .. } => "contract-version",
            LoadError::MissingExport => "missing-export",
            LoadError::WrongTypes(_) => "wrong-types",
            LoadError::Start(_) => "start-limits",
            LoadError::Describe(_) => "describe-fault",
            LoadError::Description(_) => "description",
        }
    }

    /// Every label, in the order of the variants.
    pub const LABELS: [&'static str; 12] = [
        "file-size",
        "not-wasm",
        "core-module",
        "native-code",
        "damaged",
        "imports",
        "contract-version",
        "missing-export",
        "wrong-types",
        "start-limits",
        "describe-fault",
        "description",
    ];
}

fn some(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        [first, rest @ ..] => format!("`{first}` and {} more", rest.len()),
    }
}
