//! The chunks that a link is to send: one runs, the others wait. Those of one content are sent in order; contents
//! share the link by priority.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use samara_model::{ChunkIndex, ContentId};
use samara_store::{Content, FileRange};

use super::limits::Gate;
use super::turns::Turn;

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
    /// Its part of what the node sends.
    pub turn: Turn,
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
    shares: Shares,
}

/// Which content is next: start-time fair queueing. Each has a clock, which a chunk puts forward by its bytes over the
/// content's priority, and the one that is furthest back is next.
#[derive(Debug, Default)]
struct Shares {
    /// Where each content's clock stands; those that are behind the link's are left out.
    clocks: Vec<(ContentId, u64)>,
    /// The clock of what was begun last.
    now: u64,
}

impl Shares {
    fn clock(&self, content: &ContentId) -> u64 {
        let known = self.clocks.iter().find(|(one, _)| one == content);
        // Who had nothing to send for a while does not catch up.
        known.map_or(self.now, |(_, clock)| (*clock).max(self.now))
    }

    /// The place of the next chunk.
    fn next(&self, waiting: &VecDeque<Waiting>) -> Option<usize> {
        let clocks = waiting.iter().map(|one| self.clock(&one.content.id()));
        clocks.enumerate().min_by_key(|(_, clock)| *clock).map(|(place, _)| place)
    }

    fn begin(&mut self, content: ContentId, bytes: u32, priority: u32) {
        self.now = self.clock(&content);
        let after = self.now + (u64::from(bytes) << 8) / u64::from(priority.max(1));
        self.clocks.retain(|(one, clock)| *one != content && *clock > self.now);
        self.clocks.push((content, after));
    }
}

impl Serving {
    pub fn add(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    /// The next chunk to begin with, when none runs.
    pub fn next(&mut self, up: &Gate) -> Option<Waiting> {
        if self.running.is_some() {
            return None;
        }
        let next = self.waiting.remove(self.shares.next(&self.waiting)?)?;
        let bytes = next.content.chunk_len(next.chunk);
        self.shares.begin(next.content.id(), bytes, up.priority(&next.content.id()));
        Some(next)
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

    /// Begins `count` chunks of a hundred bytes of contents that always have some waiting, and counts them.
    fn begun(shares: &mut Shares, contents: &[(u8, u32)], count: usize) -> Vec<usize> {
        let mut begun = vec![0; contents.len()];
        for _ in 0..count {
            let clock = |(number, _): &(u8, u32)| shares.clock(&ContentId([*number; 32]));
            let clocks = contents.iter().map(clock).enumerate();
            let (next, _) = clocks.min_by_key(|(_, clock)| *clock).expect("some wait");
            let (number, priority) = contents[next];
            shares.begin(ContentId([number; 32]), 100, priority);
            begun[next] += 1;
        }
        begun
    }

    #[test]
    fn contents_share_a_link_by_priority_and_who_was_idle_does_not_catch_up() {
        let mut shares = Shares::default();
        assert_eq!(begun(&mut shares, &[(1, 1), (2, 1)], 40), [20, 20]);
        assert_eq!(begun(&mut shares, &[(1, 3), (2, 1)], 400), [300, 100]);
        assert_eq!(begun(&mut shares, &[(1, 1)], 500), [500]);
        let after = begun(&mut shares, &[(1, 1), (2, 1)], 40);
        assert!(after[0].abs_diff(after[1]) <= 2, "{after:?}");
    }
}
