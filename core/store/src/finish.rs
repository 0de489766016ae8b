//! From the partial file to the finished one: durable first, then visible, never over something else.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use samara_model::ContentId;

use crate::atomic_file::sync_dir;
use crate::content::{Content, Place};
use crate::destination::Layout;
use crate::file_source::{Expect, FileSource};
use crate::finisher::Finisher;
use crate::record::Meta;
use crate::stamp::FileStamp;

/// Why the content is not at its final place. Unless said otherwise, all chunks are still there, beside
/// the destination, and served; another try may succeed.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// Chunks are missing.
    #[error("content {content} cannot be finished: {missing} chunks are missing")]
    Incomplete {
        /// The content.
        content: ContentId,
        /// How many.
        missing: u32,
    },
    /// Something has appeared at the output since the fetch began.
    #[error(
        "content {content} is complete, but `{output}` has appeared meanwhile and was not touched: move it away and fetch again; the bytes wait in `{part}`"
    )]
    OutputAppeared {
        /// The content.
        content: ContentId,
        /// The output.
        output: PathBuf,
        /// Where the bytes are.
        part: PathBuf,
    },
    /// Somebody removed or replaced the partial file. What it held is lost.
    #[error(
        "`{path}`, the partial file of content {content}, was removed or replaced: fetch the content again"
    )]
    PartGone {
        /// The content.
        content: ContentId,
        /// The partial file.
        path: PathBuf,
    },
    /// The disk did not take what was written before. What the bytes on disk are is unknown: this fetch
    /// cannot be finished; a new one hashes them all.
    #[error(
        "the disk could not keep content {content} (`{path}`): check the disk and its free space, then fetch again"
    )]
    NotDurable {
        /// The content.
        content: ContentId,
        /// The partial file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk refused something else.
    #[error(
        "could not finish content {content}, at `{path}`; its bytes are complete in the partial file"
    )]
    Io {
        /// The content.
        content: ContentId,
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content was withdrawn before it was finished.
    #[error(
        "content {content} was withdrawn before it was finished; its bytes stay beside the destination"
    )]
    Withdrawn {
        /// The content.
        content: ContentId,
    },
}

impl Content {
    /// Moves a complete content to its output: sets modes, makes links, syncs, renames without ever
    /// replacing anything, and serves it from there. Does nothing when that has been done.
    ///
    /// # Errors
    /// When chunks are missing, the output is taken, or the disk refuses.
    pub fn finish(&self) -> Result<(), FinishError> {
        let content = self.id;
        let mut place = self.place_mut();
        let part = match &*place {
            Place::Final => return Ok(()),
            Place::Abandoned => return Err(FinishError::Withdrawn { content }),
            Place::Part(part) => part,
        };
        let missing = self.have.missing();
        if missing > 0 {
            return Err(FinishError::Incomplete { content, missing });
        }
        let finisher = Finisher { content, manifest: self.manifest(), part };
        let result = finisher.make_ready().and_then(|stamps| {
            // Nobody looks at a path while it changes.
            let mut source = self.source_mut();
            finisher.rename()?;
            *source = Arc::new(self.placed(stamps.clone()));
            Ok(stamps)
        });
        match result {
            Ok(stamps) => {
                let parent = part.destination.parent.clone();
                *place = Place::Final;
                self.note_finished();
                self.remember(&parent, stamps);
                Ok(())
            }
            Err(FinishError::NotDurable { path, source, .. }) => {
                if let Some(record) = &self.record {
                    record.remove_verified();
                }
                *place = Place::Abandoned;
                Err(FinishError::NotDurable { content, path, source })
            }
            Err(error) => {
                finisher.loosen();
                Err(error)
            }
        }
    }

    fn placed(&self, stamps: Vec<FileStamp>) -> FileSource {
        let layout = Layout::new(self.output().to_owned(), self.manifest());
        FileSource::new(self.id, self.map.clone(), layout, stamps, Expect::Unchanged)
    }

    /// The content is in place whatever happens here, so failures are only logged.
    fn remember(&self, parent: &Path, stamps: Vec<FileStamp>) {
        let content = self.id;
        if let Err(error) = sync_dir(parent) {
            tracing::warn!(%content, ?parent, %error, "could not sync the directory of a finished file");
        }
        let Some(record) = &self.record else { return };
        match record.save(&Meta::new(self.output(), false, Some(stamps))) {
            Ok(()) => record.remove_verified(),
            Err(error) => {
                tracing::warn!(%content, %error, "could not record a finished content; it is hashed next time");
            }
        }
    }
}
