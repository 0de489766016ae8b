//! The chunks that a link is to send: one runs, the others wait in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use samara_model::{ChunkIndex, ContentId};
use samara_store::{Content, FileRange};

/// A chunk that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub content: Arc<Content>,
    pub chunk: ChunkIndex,
    /// See [`super::LinkCommand::Serve`].
    pub ahead: Duration,
}

/// The chunk that is being sent.
#[derive(Debug)]
pub(super) struct Running {
    pub content: Arc<Content>,
    pub chunk: ChunkIndex,
    pub ahead: Duration,
    pub rest: Rest,
}

/// How far a chunk has been sent.
#[derive(Debug)]
pub(super) struct Rest {
    /// Length of the chunk.
    pub len: u32,
    /// Bytes that were written.
    pub sent: u32,
    pub source: Source,
}

/// Where the rest of the running chunk comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// What is left of its ranges.
    Files(VecDeque<FileRange>),
    /// The whole chunk.
    Memory(Vec<u8>),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Serving {
    waiting: VecDeque<Waiting>,
    pub running: Option<Running>,
}

impl Serving {
    pub fn add(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    /// The next chunk to begin with, when none runs.
    pub fn next(&mut self) -> Option<Waiting> {
        match self.running {
            Some(_) => None,
            None => self.waiting.pop_front(),
        }
    }

    pub fn cancel(&mut self, content: ContentId, chunk: ChunkIndex) {
        self.retain(|id, index| id != content || index != chunk);
    }

    pub fn cancel_all(&mut self, content: ContentId) {
        self.retain(|id, _| id != content);
    }

    fn retain(&mut self, keep: impl Fn(ContentId, ChunkIndex) -> bool) {
        self.waiting.retain(|waiting| keep(waiting.content.id(), waiting.chunk));
        self.running.take_if(|running| !keep(running.content.id(), running.chunk));
    }
}

impl Rest {
    /// Bytes that are not written yet.
    pub fn left(&self) -> u32 {
        self.len - self.sent
    }

    /// The next range of a file, cut to `most` bytes.
    pub fn next_range(&self, most: usize) -> Option<FileRange> {
        let Source::Files(ranges) = &self.source else { return None };
        let range = ranges.front()?;
        let len = range.len.min(u32::try_from(most).unwrap_or(u32::MAX));
        Some(FileRange { file: range.file.clone(), offset: range.offset, len })
    }

    /// Takes note of written bytes.
    pub fn wrote(&mut self, bytes: usize) {
        self.sent += bytes as u32;
        let Source::Files(ranges) = &mut self.source else { return };
        let mut left = bytes as u32;
        while let Some(range) = ranges.front_mut() {
            let step = left.min(range.len);
            range.offset += u64::from(step);
            range.len -= step;
            left -= step;
            if range.len > 0 {
                return;
            }
            ranges.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(lens: &[u32]) -> Rest {
        let file = Arc::new(tempfile::tempfile().expect("a temporary file"));
        let ranges =
            lens.iter().map(|len| FileRange { file: file.clone(), offset: 100, len: *len });
        Rest { len: lens.iter().sum(), sent: 0, source: Source::Files(ranges.collect()) }
    }

    #[test]
    fn ranges_are_used_up_in_order() {
        let mut rest = rest(&[10, 1, 20]);
        let mut steps = Vec::new();
        while let Some(range) = rest.next_range(8) {
            steps.push((range.offset, range.len));
            rest.wrote(range.len as usize);
        }
        assert_eq!(steps, [(100, 8), (108, 2), (100, 1), (100, 8), (108, 8), (116, 4)]);
        assert_eq!(rest.left(), 0);
    }
}
