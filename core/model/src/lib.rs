//! The nouns and messages of Samara.
//!
//! Everything that two crates talk about is defined here: who ([`PeerId`]), what ([`ContentId`],
//! [`Manifest`], [`ChunkSet`], [`Release`]), how much ([`ByteCount`], [`BytesPerSecond`]), when
//! ([`Time`]) and what peers say to each other ([`PeerMessage`]). Nothing here does I/O, reads a clock
//! or hashes: encoding lives in `samara-wire`, hashing in `samara-store`.

#![no_std]

extern crate alloc;

mod chunk_set;
mod ids;
mod labels;
pub mod limit;
mod manifest;
mod manifest_check;
mod message;
mod release;
mod time;
mod units;

pub use chunk_set::{ChunkSet, ChunkSetError};
pub use ids::{ContentId, ParseIdError, PeerId};
pub use labels::{
    HOST, Label, LabelError, LabelNumbers, Labels, MAX_LABEL_KEY, MAX_LABEL_VALUE, MAX_LABELS,
    Place, RACK, ZONE, is_key,
};
pub use manifest::{
    ChunkHash, Chunking, Extent, FileEntry, FileKind, MAX_CHUNK_SIZE, MIN_CHUNK_SIZE, Manifest,
    auto_chunk_size,
};
pub use manifest_check::{ManifestError, check_manifest};
pub use message::{
    Channel, DeclineReason, HaveSummary, Holding, MAX_CANDIDATES, MAX_MANIFEST_PART, MemberRecord,
    PeerHint, PeerMessage, RejectReason, START_OVER,
};
pub use release::{
    ContentRef, ParseReleaseNameError, Release, ReleaseConflict, ReleaseName, conflict_between,
};
pub use time::Time;
pub use units::{ByteCount, BytesPerSecond, ParseUnitError, parse_duration};

/// Index of a chunk within its content, `0 .. manifest.chunk_count()`.
pub type ChunkIndex = u32;
