//! Starting a fetch: finding out what is here already, and preparing the rest.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use samara_model::{ByteCount, ContentId, Manifest, ManifestError, check_manifest};

use crate::Progress;
use crate::chunk_map::ChunkMap;
use crate::content::Content;
use crate::destination::{BadDestination, Destination};
use crate::registry::{Claim, ClaimRefused};
use crate::start::Start;
use crate::store::Store;

/// Why a fetch cannot start. Nothing at the destination was changed; a partial file of an earlier try
/// stays for the next.
#[derive(Debug, thiserror::Error)]
pub enum BeginFetchError {
    /// The manifest's bytes do not hash to the content's id.
    #[error(
        "the manifest that came for content {content} belongs to another content: take it from another peer"
    )]
    WrongId {
        /// The content.
        content: ContentId,
    },
    /// The manifest is dangerous or absurd.
    #[error("content {content} is refused, nothing was written: {source}")]
    BadManifest {
        /// The content.
        content: ContentId,
        /// What is wrong.
        source: ManifestError,
    },
    /// The output has no last part, like `/` or `..`.
    #[error(
        "content {content} cannot be written to `{output}`: give the name of a file or directory that is to be created"
    )]
    NoName {
        /// The content.
        content: ContentId,
        /// The output.
        output: PathBuf,
    },
    /// The directory above the output is missing or no directory.
    #[error(
        "content {content} cannot be written: there is no directory `{parent}`; create it, or choose another output"
    )]
    NoParent {
        /// The content.
        content: ContentId,
        /// The directory above the output.
        parent: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content is a single file, but the output is a directory.
    #[error("content {content} is the single file `{name}`, but `{output}` is a directory: name the file, for example `{example}`", example = output.join(name).display())]
    OutputIsDirectory {
        /// The content.
        content: ContentId,
        /// The output.
        output: PathBuf,
        /// The file's name when it was published.
        name: String,
    },
    /// There is something else at the output.
    #[error(
        "`{output}` exists and is not content {content}: {difference}. It was not touched: move it away, or choose another output"
    )]
    OutputExists {
        /// The content.
        content: ContentId,
        /// The output.
        output: PathBuf,
        /// The first difference.
        difference: String,
    },
    /// This store is fetching the content to another output.
    #[error(
        "content {content} is being fetched to `{output}` already; that fetch goes on: wait for it, then fetch again to copy it"
    )]
    AlreadyFetching {
        /// The content.
        content: ContentId,
        /// Where to.
        output: PathBuf,
    },
    /// Somebody else, mostly another process, writes or has just finished the same partial file.
    #[error(
        "another fetch of content {content}, perhaps of another process, writes `{part}`: wait for it, or choose another output"
    )]
    PartInUse {
        /// The content.
        content: ContentId,
        /// The partial file.
        part: PathBuf,
    },
    /// Something that we did not make has the name of the partial file.
    #[error(
        "`{part}` is in the way of fetching content {content}: {why}. It was not touched: remove it, or choose another output"
    )]
    PartInTheWay {
        /// The content.
        content: ContentId,
        /// What is in the way.
        part: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The directory may not be written.
    #[error(
        "content {content} cannot be written to the directory `{path}`: make it writable, or choose another output"
    )]
    NotWritable {
        /// The content.
        content: ContentId,
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is less free space than the content needs, beside what shall stay free.
    #[error(
        "the disk is too full for content {content}: `{path}` needs {needed} more and has {free} free{}: make room, or choose another output",
        reserved(*reserve)
    )]
    NotEnoughSpace {
        /// The content.
        content: ContentId,
        /// The directory above the output.
        path: PathBuf,
        /// Bytes still to be written.
        needed: ByteCount,
        /// Bytes free.
        free: ByteCount,
        /// Of these, bytes that shall stay free.
        reserve: ByteCount,
    },
    /// The disk refused.
    #[error("could not prepare the fetch of content {content}, at `{path}`; what is there stays")]
    Io {
        /// The content.
        content: ContentId,
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The caller raised the stop flag.
    #[error("preparing the fetch of content {content} was stopped; what is there stays")]
    Stopped {
        /// The content.
        content: ContentId,
    },
}

fn reserved(reserve: ByteCount) -> String {
    match reserve {
        ByteCount(0) => String::new(),
        _ => format!(", of which {reserve} shall stay free"),
    }
}

/// What to fetch, where to, and how to tell about it.
#[derive(Clone, Copy)]
pub(crate) struct FetchRequest<'a> {
    pub content: ContentId,
    pub output: &'a Path,
    pub progress: Progress<'a>,
    pub stop: &'a AtomicBool,
}

pub(crate) fn begin_fetch(
    store: &Store,
    request: FetchRequest<'_>,
    manifest_bytes: &[u8],
    manifest: &Manifest,
) -> Result<Arc<Content>, BeginFetchError> {
    let content = request.content;
    if *blake3::hash(manifest_bytes).as_bytes() != content.0 {
        return Err(BeginFetchError::WrongId { content });
    }
    check_manifest(manifest).map_err(|source| BeginFetchError::BadManifest { content, source })?;
    let destination = destination(&request)?;
    let claim = claim(store, &request, &destination)?;
    let mut start = Start {
        store,
        request,
        claim,
        destination,
        map: Arc::new(ChunkMap::new(manifest.clone())),
        manifest_bytes: manifest_bytes.into(),
        second_copy: false,
    };
    if let Some(here) = start.here_already() {
        if here.output() == start.destination.output {
            return Ok(here);
        }
        if !here.is_finished() {
            let output = here.output().to_owned();
            return Err(BeginFetchError::AlreadyFetching { content, output });
        }
        start.second_copy = true;
    }
    start.at_the_output()
}

fn destination(request: &FetchRequest<'_>) -> Result<Destination, BeginFetchError> {
    let content = request.content;
    Destination::new(request.output, &content).map_err(|bad| match bad {
        BadDestination::NoName => {
            BeginFetchError::NoName { content, output: request.output.to_owned() }
        }
        BadDestination::Parent(parent, source) => match source.kind() {
            io::ErrorKind::PermissionDenied => {
                BeginFetchError::NotWritable { content, path: parent, source }
            }
            _ => BeginFetchError::NoParent { content, parent, source },
        },
    })
}

fn claim<'a>(
    store: &'a Store,
    request: &FetchRequest<'_>,
    destination: &Destination,
) -> Result<Claim<'a>, BeginFetchError> {
    let content = request.content;
    let claimed = store.registry.claim(content, &destination.output, request.stop);
    claimed.map_err(|refused| match refused {
        ClaimRefused::Stopped => BeginFetchError::Stopped { content },
        ClaimRefused::ClaimedFor(output) => BeginFetchError::AlreadyFetching { content, output },
    })
}
