//! How a fetch can end without its file.

use std::time::Duration;

use samara_model::{ByteCount, ContentId, ContentRef, ReleaseName};

/// Why a fetch ended without its file. What was verified stays, and the same fetch goes on from there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No node answered at any join address.
    #[error(
        "cannot fetch {content}: no node answered within {waited:?} ({last}). Check the join address, \
         and that a node listens there"
    )]
    NobodyThere {
        /// What was wanted.
        content: ContentRef,
        /// For how long.
        waited: Duration,
        /// The last attempt's outcome.
        last: String,
    },
    /// Nodes answered, and none knows the release.
    #[error(
        "cannot fetch {release}: no node that answered knows it. Check name and version, or publish it"
    )]
    UnknownRelease {
        /// What was wanted.
        release: ReleaseName,
    },
    /// Nodes answered, and none has the content.
    #[error(
        "cannot fetch {content}: no node that answered has it. Check the id, and that its origin is up"
    )]
    UnknownContent {
        /// What was wanted.
        content: ContentId,
    },
    /// Everybody who had the rest is gone.
    #[error(
        "the fetch of {content} stopped at {done} of {total}: no peer that has any of the {missing} missing \
         chunks (of {chunks}) was found for {waited:?}; {connected}. What is here stays: run the same \
         fetch again when a peer that has the rest is up, or with a longer wait"
    )]
    Abandoned {
        /// What was wanted.
        content: ContentId,
        /// Verified so far.
        done: ByteCount,
        /// Of this much.
        total: ByteCount,
        /// Chunks that are missing.
        missing: u32,
        /// Chunks in all.
        chunks: u32,
        /// Who is connected, for a person.
        connected: String,
        /// For how long nobody had any of them.
        waited: Duration,
    },
    /// The same content is being fetched to another place.
    #[error(
        "content {content} is being fetched to {other} by this node. Wait for it, then fetch again: \
         it is copied then"
    )]
    AlreadyFetching {
        /// The content.
        content: ContentId,
        /// Where to.
        other: std::path::PathBuf,
    },
    /// This node cannot: destination, disk, manifest.
    #[error("cannot fetch {content}: {why}")]
    Impossible {
        /// The content.
        content: ContentId,
        /// Why, for a person.
        why: String,
    },
    /// Cancelled, or the node stopped.
    #[error("the fetch was cancelled; what is here stays, and the same fetch goes on from there")]
    Cancelled,
}
