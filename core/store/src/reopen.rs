//! Serving again what an earlier run had in place.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use samara_model::{ContentId, Manifest, ManifestError, check_manifest};

use crate::chunk_map::ChunkMap;
use crate::content::{Content, Identity};
use crate::record::Meta;
use crate::store::Store;

/// Why an earlier content is not served again. Its files are untouched.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    /// The manifest's bytes do not hash to the content's id.
    #[error("the manifest does not belong to content {content}")]
    WrongId {
        /// The content.
        content: ContentId,
    },
    /// The manifest is dangerous or absurd.
    #[error("content {content} is refused: {source}")]
    BadManifest {
        /// The content.
        content: ContentId,
        /// What is wrong.
        source: ManifestError,
    },
    /// The data directory does not know it, or its fetch was interrupted.
    #[error("content {content} was not complete here: publish it, or fetch it")]
    NotFinished {
        /// The content.
        content: ContentId,
    },
    /// Its files are no longer what was verified.
    #[error(
        "the files of content {content} at `{output}` changed since they were verified; they are not served: publish them again, or fetch the content again"
    )]
    Changed {
        /// The content.
        content: ContentId,
        /// Where they were.
        output: PathBuf,
    },
    /// Another call is just starting the same content.
    #[error("content {content} is just being started at `{output}`")]
    Starting {
        /// The content.
        content: ContentId,
        /// Where.
        output: PathBuf,
    },
}

pub(crate) fn reopen(
    store: &Store,
    content: ContentId,
    manifest_bytes: Vec<u8>,
    manifest: Manifest,
) -> Result<Arc<Content>, ReopenError> {
    if *blake3::hash(&manifest_bytes).as_bytes() != content.0 {
        return Err(ReopenError::WrongId { content });
    }
    check_manifest(&manifest).map_err(|source| ReopenError::BadManifest { content, source })?;
    let record = store.record_dir(content);
    let meta = record.load().filter(|meta| meta.stamps.is_some());
    let meta = meta.ok_or(ReopenError::NotFinished { content })?;
    let output = meta.output();
    let claim = store
        .registry
        .claim(content, &output, &AtomicBool::new(false))
        .map_err(|_| ReopenError::Starting { content, output: output.clone() })?;
    if let Some(ready) = claim.ready().filter(|ready| !ready.is_withdrawn()) {
        return Ok(ready);
    }
    let identity = Identity {
        id: content,
        map: Arc::new(ChunkMap::new(manifest)),
        manifest_bytes: manifest_bytes.into(),
        output: output.clone(),
        record: Some(record),
    };
    let reopened = in_place_if_unchanged(identity, meta);
    let reopened = Arc::new(reopened.ok_or(ReopenError::Changed { content, output })?);
    claim.set_ready(Some(reopened.clone()));
    Ok(reopened)
}

/// The content at its recorded place, when it was finished and every file still has its stamp.
pub(crate) fn in_place_if_unchanged(identity: Identity, meta: Meta) -> Option<Content> {
    let stamps = meta.stamps?;
    if stamps.len() != identity.map.manifest.files.len() {
        tracing::warn!(content = %identity.id, "ignoring a record that does not fit its manifest");
        return None;
    }
    let content = Content::in_place(identity, meta.origin, stamps);
    content.check_unchanged().ok()?;
    Some(content)
}
