//! What went over a link, and over all links of the node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts of one link, or of the node. They only grow.
#[derive(Debug, Default)]
pub struct Counters {
    own: Cells,
    /// The node's counters, for those of a link.
    whole: Option<Arc<Counters>>,
}

#[derive(Debug, Default)]
struct Cells {
    payload_sent: AtomicU64,
    payload_received: AtomicU64,
    control_sent: AtomicU64,
    control_received: AtomicU64,
    chunks_sent: AtomicU64,
    chunks_received: AtomicU64,
}

/// A reading of [`Counters`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of chunk bodies written to sockets.
    pub payload_sent: u64,
    /// Bytes of chunk bodies read from sockets, wanted or not.
    pub payload_received: u64,
    /// All other bytes written: messages and headers of pieces.
    pub control_sent: u64,
    /// All other bytes read.
    pub control_received: u64,
    /// Chunks whose bytes were acknowledged.
    pub chunks_sent: u64,
    /// Chunks that were verified and stored.
    pub chunks_received: u64,
}

impl Counters {
    /// Counters of a link, which also count for the node.
    pub(super) fn within(whole: Arc<Counters>) -> Arc<Self> {
        Arc::new(Counters { own: Cells::default(), whole: Some(whole) })
    }

    /// What was counted so far.
    pub fn read(&self) -> Traffic {
        Traffic {
            payload_sent: self.own.payload_sent.load(Relaxed),
            payload_received: self.own.payload_received.load(Relaxed),
            control_sent: self.own.control_sent.load(Relaxed),
            control_received: self.own.control_received.load(Relaxed),
            chunks_sent: self.own.chunks_sent.load(Relaxed),
            chunks_received: self.own.chunks_received.load(Relaxed),
        }
    }

    pub(super) fn payload_sent(&self, bytes: usize) {
        self.add(|cells| &cells.payload_sent, bytes);
    }

    pub(super) fn payload_received(&self, bytes: usize) {
        self.add(|cells| &cells.payload_received, bytes);
    }

    pub(super) fn control_sent(&self, bytes: usize) {
        self.add(|cells| &cells.control_sent, bytes);
    }

    pub(super) fn control_received(&self, bytes: usize) {
        self.add(|cells| &cells.control_received, bytes);
    }

    /// Bytes that were counted as control turn out to be the beginning of a body.
    pub(super) fn was_payload(&self, bytes: usize) {
        self.payload_received(bytes);
        self.own.control_received.fetch_sub(bytes as u64, Relaxed);
        if let Some(whole) = &self.whole {
            whole.own.control_received.fetch_sub(bytes as u64, Relaxed);
        }
    }

    pub(super) fn chunk_sent(&self) {
        self.add(|cells| &cells.chunks_sent, 1);
    }

    pub(super) fn chunk_received(&self) {
        self.add(|cells| &cells.chunks_received, 1);
    }

    fn add(&self, cell: impl Fn(&Cells) -> &AtomicU64, amount: usize) {
        cell(&self.own).fetch_add(amount as u64, Relaxed);
        if let Some(whole) = &self.whole {
            cell(&whole.own).fetch_add(amount as u64, Relaxed);
        }
    }
}
