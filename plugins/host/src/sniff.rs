//! What a file is, from its first bytes, so that the wrong file gets a better sentence than a parser's.

/// Kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Component,
    CoreModule,
    /// Compiled code, as wasmtime writes it: an ELF file.
    Native,
    Other,
}

const WASM: &[u8] = b"\0asm";
const CORE_VERSION: &[u8] = &[1, 0, 0, 0];
/// Layer 1 of the binary format, in the version that has been settled.
const COMPONENT_VERSION: &[u8] = &[0x0d, 0, 1, 0];

pub(crate) fn sniff(bytes: &[u8]) -> Kind {
    match (bytes.get(..4), bytes.get(4..8)) {
        (Some(WASM), Some(COMPONENT_VERSION)) => Kind::Component,
        (Some(WASM), Some(CORE_VERSION)) => Kind::CoreModule,
        (Some(b"\x7fELF"), _) => Kind::Native,
        _ => Kind::Other,
    }
}
