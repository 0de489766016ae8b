//! Chunks on disk: import, read, write, verify, finish.
//!
//! The only crate that opens data files. Everything here blocks; callers run it off their async workers.
//! Each type may be shared between threads.
//!
//! The way of a content: [`Store::import`] and [`Store::publish`] serve a source where it lies;
//! [`Store::begin_fetch`] prepares a partial file beside the destination, [`Content::store_chunk`] fills
//! it with verified bytes, [`Content::finish`] moves it to its final place, from where it is served.
//!
//! Deliberately not here: who sends what (`samara-engine`), sockets and the pool of blocking threads
//! (`samara-node`), and the encoding of manifests (`samara-wire`): a manifest comes in as its bytes
//! *and* decoded, and only the bytes are kept.

mod atomic_file;
mod begin_fetch;
mod chunk_map;
mod content;
mod copy_known;
mod data_dir;
mod destination;
mod existing;
mod file_lock;
mod file_source;
mod finish;
mod finisher;
mod hashing;
mod have;
mod import;
mod open_files;
mod part;
mod place;
mod publish;
mod record;
mod registry;
mod remove;
mod reopen;
mod reserve;
mod resume;
mod source;
mod stamp;
mod start;
mod store;
mod store_chunk;
mod verified;
mod walk;

#[cfg(test)]
mod tests;

pub use begin_fetch::BeginFetchError;
pub use content::Content;
pub use data_dir::OpenStoreError;
pub use finish::FinishError;
pub use import::{ImportError, Imported};
pub use publish::PublishError;
pub use record::Record;
pub use reopen::ReopenError;
pub use source::{ChunkSource, FileRange, ReadChunkError};
pub use stamp::FileStamp;
pub use store::Store;
pub use store_chunk::{StoreChunkError, Stored};

/// Told how many bytes of how many were read or copied; never called by two threads at once.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);
