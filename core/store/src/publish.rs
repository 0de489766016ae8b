//! Serving a source where it lies.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use samara_model::ContentId;

use crate::chunk_map::ChunkMap;
use crate::content::{Content, Identity};
use crate::import::{Imported, single_root};
use crate::record::Meta;
use crate::registry::ClaimRefused;
use crate::source::ReadChunkError;
use crate::store::Store;

/// Why a source cannot be served. What was served before still is.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The manifest's bytes do not hash to the content's id: a fault of the caller.
    #[error("the manifest does not belong to content {content}; nothing was published")]
    WrongId {
        /// The content.
        content: ContentId,
    },
    /// The source is no longer what was hashed.
    #[error(
        "the source of content {content} changed after it was hashed; nothing was published: publish it again"
    )]
    SourceChanged {
        /// The content.
        content: ContentId,
        /// The file.
        #[source]
        source: ReadChunkError,
    },
    /// This store is just fetching the same content, which goes on.
    #[error(
        "content {content} is being fetched to `{output}`; that goes on and is served: wait for it, or cancel it"
    )]
    BeingFetched {
        /// The content.
        content: ContentId,
        /// Where to.
        output: PathBuf,
    },
    /// The source or the data directory refused.
    #[error("could not publish content {content}, at `{path}`")]
    Io {
        /// The content.
        content: ContentId,
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

pub(crate) fn publish(
    store: &Store,
    content: ContentId,
    manifest_bytes: Vec<u8>,
    imported: Imported,
    root: &Path,
) -> Result<Arc<Content>, PublishError> {
    let Imported { manifest, stamps } = imported;
    if *blake3::hash(&manifest_bytes).as_bytes() != content.0
        || stamps.len() != manifest.files.len()
    {
        return Err(PublishError::WrongId { content });
    }
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| PublishError::Io { content, path, source }
    };
    let root = root.canonicalize().map_err(io(root))?;
    let output = single_root(&root, &manifest);
    let claim =
        store.registry.claim(content, &output, &AtomicBool::new(false)).map_err(|refused| {
            let output = match refused {
                ClaimRefused::ClaimedFor(output) => output,
                ClaimRefused::Stopped => output.clone(),
            };
            PublishError::BeingFetched { content, output }
        })?;
    if let Some(ready) = claim.ready().filter(|ready| !ready.is_withdrawn()) {
        if !ready.is_finished() {
            let output = ready.output().to_owned();
            return Err(PublishError::BeingFetched { content, output });
        }
        if ready.output() == output && ready.check_unchanged().is_ok() {
            return Ok(ready);
        }
    }
    let record = store.record_dir(content);
    let meta = Meta::new(&output, true, Some(stamps.clone()));
    let identity = Identity {
        id: content,
        map: Arc::new(ChunkMap::new(manifest)),
        manifest_bytes: manifest_bytes.into(),
        output,
        record: Some(record.clone()),
    };
    let published = Content::in_place(identity, true, stamps);
    published
        .check_unchanged()
        .map_err(|source| PublishError::SourceChanged { content, source })?;
    record.create(published.manifest_bytes(), &meta).map_err(io(record.path()))?;
    let published = Arc::new(published);
    claim.set_ready(Some(published.clone()));
    Ok(published)
}
