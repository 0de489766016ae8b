//! A connection between two nodes: one lane each way, which carries one chunk after the other.

use std::collections::VecDeque;

use samara_model::ChunkIndex;

use crate::network::FlowIndex;

/// A connection. End 0 dialled.
#[derive(Debug)]
pub(super) struct Pair {
    pub ends: [u32; 2],
    /// The starts of the two nodes to which it belongs.
    pub lives: [u32; 2],
    pub up: bool,
    /// Contents that somebody opened on it, one bit each.
    pub opened: u32,
    /// When the last message to each end arrives: they do not overtake each other.
    pub last: [u64; 2],
    /// To end 1, and to end 0: index 0 is what end 0 sends.
    pub lanes: [Lane; 2],
}

/// One way of a connection.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub waiting: VecDeque<Waiting>,
    pub running: Option<Running>,
}

/// A chunk behind another on the same lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub content: u16,
    pub chunk: ChunkIndex,
    /// So many nanoseconds before its end its slot is free.
    pub ahead: u64,
}

/// A chunk on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    pub flow: FlowIndex,
    pub content: u16,
    pub chunk: ChunkIndex,
    /// What it takes of the links, jitter and cost included, and its own bytes.
    pub load: f64,
    pub bytes: u32,
    pub ahead: u64,
    /// Its sender knows that it is as good as sent.
    pub told: bool,
    /// The receiver does not want it any more.
    pub dropped: bool,
}

impl Pair {
    pub fn new(ends: [u32; 2], lives: [u32; 2]) -> Self {
        Pair { ends, lives, up: true, opened: 0, last: [0; 2], lanes: Default::default() }
    }

    /// Which end a node is.
    pub fn end_of(&self, node: u32) -> usize {
        usize::from(self.ends[0] != node)
    }

    /// The other node.
    pub fn other(&self, node: u32) -> u32 {
        self.ends[1 - self.end_of(node)]
    }
}
