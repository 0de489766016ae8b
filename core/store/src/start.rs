//! One fetch that starts: from what is here already, from what lies at the output, or from a partial file.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use samara_model::{ByteCount, ChunkSet};

use crate::begin_fetch::{BeginFetchError, FetchRequest};
use crate::chunk_map::ChunkMap;
use crate::content::{Content, Identity};
use crate::destination::Destination;
use crate::existing::{self, Comparison};
use crate::part::{self, Part};
use crate::record::{Meta, RecordDir};
use crate::registry::Claim;
use crate::reopen::in_place_if_unchanged;
use crate::reserve::Room;
use crate::resume;
use crate::store::Store;
use crate::verified::Verified;

pub(crate) struct Start<'a> {
    pub store: &'a Store,
    pub request: FetchRequest<'a>,
    pub claim: Claim<'a>,
    pub destination: Destination,
    pub map: Arc<ChunkMap>,
    pub manifest_bytes: Arc<[u8]>,
    /// The store serves this content from another place; the caller gets a copy for itself.
    pub second_copy: bool,
}

impl Start<'_> {
    /// The content, when this store has it, or an earlier run left it in place, and nothing changed.
    pub fn here_already(&self) -> Option<Arc<Content>> {
        if let Some(ready) = self.claim.ready() {
            if !ready.is_withdrawn() && ready.check_unchanged().is_ok() {
                return Some(ready);
            }
            ready.withdraw();
            self.claim.set_ready(None);
        }
        let record = self.store.record_dir(self.request.content);
        let meta = record.load()?;
        let identity = Identity { output: meta.output(), record: Some(record), ..self.identity() };
        let content = in_place_if_unchanged(identity, meta)?;
        Some(self.register(content))
    }

    pub fn at_the_output(self) -> Result<Arc<Content>, BeginFetchError> {
        match fs::symlink_metadata(&self.destination.output) {
            Ok(metadata) if metadata.is_dir() && self.map.manifest.is_single_file() => {
                let FetchRequest { content, .. } = self.request;
                let name = self.map.manifest.files[0].path.clone();
                let output = self.destination.output.clone();
                Err(BeginFetchError::OutputIsDirectory { content, output, name })
            }
            Ok(_) => self.adopt_output(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.fetch(),
            Err(source) => Err(self.io(&self.destination.output, source)),
        }
    }

    /// There is something at the output: fine when it is this content, byte by byte.
    fn adopt_output(self) -> Result<Arc<Content>, BeginFetchError> {
        let FetchRequest { content, progress, stop, .. } = self.request;
        match existing::compare(&self.destination.output, &self.map, progress, stop) {
            Comparison::Same(stamps) => {
                let meta = Meta::new(&self.destination.output, false, Some(stamps.clone()));
                let identity = self.identity();
                if let Some(record) = &identity.record {
                    self.save(record.create(&self.manifest_bytes, &meta))?;
                }
                Ok(self.register(Content::in_place(identity, false, stamps)))
            }
            Comparison::Different(difference) => {
                let output = self.destination.output.clone();
                Err(BeginFetchError::OutputExists { content, output, difference })
            }
            Comparison::Stopped => Err(BeginFetchError::Stopped { content }),
        }
    }

    fn fetch(self) -> Result<Arc<Content>, BeginFetchError> {
        let room = Room::new(&self.destination.parent, self.store.dir(), &self.store.reserve);
        self.check_space(room.reserve())?;
        let record = self.identity().record;
        let old = record.as_ref().and_then(|record| {
            record.load().filter(|meta| meta.output() != self.destination.output).inspect(|meta| {
                let output = meta.output();
                tracing::warn!(content = %self.request.content, ?output,
                    "an unfinished fetch to another place is given up; its partial file stays there");
            })
        });
        let mut part = Part::prepare(self.request.content, &self.map, self.destination.clone())?;
        let bitmap = record
            .as_ref()
            .filter(|_| old.is_none())
            .and_then(|record| Verified::load(&record.verified_path(), self.map.chunk_count()));
        let others = self.store.contents();
        let have = resume::gather(&self.request, &self.map, &part, bitmap.as_ref(), &others)?;
        if let Some(record) = &record {
            part.verified = Some(self.save(self.save_progress(record, &have))?);
        }
        let content = Content::in_part(self.identity(), &have, part, room);
        Ok(self.register(content))
    }

    fn save_progress(&self, record: &RecordDir, have: &ChunkSet) -> io::Result<Verified> {
        record.create(&self.manifest_bytes, &Meta::new(&self.destination.output, false, None))?;
        Verified::create(&record.verified_path(), have)
    }

    fn check_space(&self, reserve: ByteCount) -> Result<(), BeginFetchError> {
        let (content, path) = (self.request.content, self.destination.parent.clone());
        let there = part::allocated(&self.destination, &self.map.manifest);
        let needed = ByteCount(self.map.total().saturating_sub(there));
        match part::free_space(&path) {
            Some(free) if free.0 < needed.0.saturating_add(reserve.0) => {
                Err(BeginFetchError::NotEnoughSpace { content, path, needed, free, reserve })
            }
            _ => Ok(()),
        }
    }

    fn identity(&self) -> Identity {
        let id = self.request.content;
        Identity {
            id,
            map: self.map.clone(),
            manifest_bytes: self.manifest_bytes.clone(),
            output: self.destination.output.clone(),
            record: (!self.second_copy).then(|| self.store.record_dir(id)),
        }
    }

    fn register(&self, content: Content) -> Arc<Content> {
        let content = Arc::new(content);
        if !self.second_copy {
            self.claim.set_ready(Some(content.clone()));
        }
        content
    }

    fn save<T>(&self, saved: io::Result<T>) -> Result<T, BeginFetchError> {
        saved.map_err(|source| self.io(self.store.record_dir(self.request.content).path(), source))
    }

    fn io(&self, path: &Path, source: io::Error) -> BeginFetchError {
        BeginFetchError::Io { content: self.request.content, path: path.to_owned(), source }
    }
}
