//! Manifests as bytes. They are encoded once, by the publisher; everybody else keeps and passes on the
//! bytes as they are, because the content's id is their digest.

use samara_model::{ContentId, Manifest, ManifestError, check_manifest};

use crate::codec;

/// Most bytes of a manifest, 64 MiB: two million chunks.
pub const MAX_MANIFEST: usize = 64 << 20;

/// Bytes that are no usable manifest. Nothing of the content was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeManifestError {
    /// Longer than [`MAX_MANIFEST`].
    #[error("the manifest has {size} bytes; at most {MAX_MANIFEST} are allowed")]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// Not a manifest, or bytes after it.
    #[error("the manifest cannot be read: {0}")]
    Malformed(String),
    /// A manifest that cannot be trusted.
    #[error(transparent)]
    Refused(#[from] ManifestError),
}

/// The bytes of a manifest, to be stored and sent as they are.
pub fn encode_manifest(manifest: &Manifest) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(manifest.hashes.len() + 64 * manifest.files.len() + 64);
    codec::encode(manifest, &mut bytes);
    bytes
}

/// Reads a manifest and checks everything that its author could have made up.
///
/// # Errors
/// When it is too large, is not a manifest, or fails [`check_manifest`].
pub fn decode_manifest(bytes: &[u8]) -> Result<Manifest, DecodeManifestError> {
    if bytes.len() > MAX_MANIFEST {
        return Err(DecodeManifestError::TooLarge { size: bytes.len() });
    }
    let manifest =
        codec::decode(bytes).map_err(|error| DecodeManifestError::Malformed(error.to_string()))?;
    check_manifest(&manifest)?;
    Ok(manifest)
}

/// The id of the content that a manifest's bytes describe.
pub fn manifest_id(bytes: &[u8]) -> ContentId {
    ContentId(*blake3::hash(bytes).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use samara_model::{Chunking, FileEntry, FileKind};

    fn small() -> Manifest {
        Manifest {
            format_version: 1,
            chunking: Chunking::Fixed { size: 16384 },
            files: vec![FileEntry {
                path: "a".into(),
                kind: FileKind::Regular { size: 20000, mode: 0o644 },
            }],
            hashes: vec![7; 64],
        }
    }

    #[test]
    fn a_manifest_survives_its_bytes() {
        assert_eq!(decode_manifest(&encode_manifest(&small())), Ok(small()));
    }

    #[test]
    fn bytes_after_the_manifest_are_refused() {
        let mut bytes = encode_manifest(&small());
        bytes.push(0);
        assert!(matches!(decode_manifest(&bytes), Err(DecodeManifestError::Malformed(_))));
    }

    #[test]
    fn a_manifest_is_checked_when_it_is_read() {
        let mut absurd = small();
        absurd.hashes.clear();
        let verdict = decode_manifest(&encode_manifest(&absurd));
        assert!(matches!(verdict, Err(DecodeManifestError::Refused(_))));
    }

    proptest! {
        #[test]
        fn any_change_of_a_byte_gives_a_manifest_or_an_error(at in 0usize..100, byte: u8) {
            let mut bytes = encode_manifest(&small());
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = decode_manifest(&bytes);
        }

        #[test]
        fn any_bytes_give_a_manifest_or_an_error(bytes: Vec<u8>) {
            let _ = decode_manifest(&bytes);
        }
    }
}
