//! What is going to happen, in order of time and, at one time, in the order in which it was decided.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use samara_engine::gossip::GossipInput;
use samara_engine::swarm::SwarmInput;
use samara_model::PeerMessage;

use super::transfers::Landed;

/// Something that happens. `life` tells a node that came back from what it was before.
#[derive(Debug)]
pub(crate) enum Event {
    /// A node takes up a content.
    Begin { node: u32, content: u16 },
    /// A message reaches end `to` of a pair.
    Message { pair: u32, to: u8, content: u16, message: PeerMessage },
    /// A swarm's timer.
    Timer { node: u32, life: u32, content: u16, token: u64 },
    /// Something that a swarm is told later.
    Input { node: u32, life: u32, content: u16, input: Box<SwarmInput> },
    /// An attempt to connect succeeds or fails.
    Dialled { from: u32, life: u32, to: u32, content: u16 },
    /// One end of a pair learns that the connection is gone.
    PairEnded { pair: u32, end: u8 },
    /// A chunk is hashed and written, or not.
    Landed(Box<Landed>),
    /// An announcement reaches a tracker.
    Announced { node: u32, life: u32, tracker: u32, message: Box<PeerMessage> },
    /// A tracker's answer reaches a node.
    HandedOut { node: u32, life: u32, tracker: u32, message: Box<PeerMessage> },
    /// An announcer's timer.
    AnnouncerTimer { node: u32, life: u32, token: u64 },
    /// A tracker's timer.
    TrackerTimer { tracker: u32, token: u64 },
    /// Something that a gossip machine is told.
    Gossip { node: u32, life: u32, input: Box<GossipInput> },
    /// A connection for an exchange of full states stands, or not.
    GossipExchange { from: u32, to: u32 },
    /// A fault begins.
    Fault(usize),
    /// A fault is over.
    FaultOver(usize),
    /// A look at the whole world.
    Sample,
}

/// The queue. Events lie in slots that are used again; the heap moves small entries only.
#[derive(Debug, Default)]
pub(super) struct Clock {
    heap: BinaryHeap<Reverse<(u64, u64, u32)>>,
    slots: Vec<Option<Event>>,
    free: Vec<u32>,
    added: u64,
}

impl Clock {
    /// Adds an event at a time, which must not lie before the last one that was taken.
    pub fn add(&mut self, at: u64, event: Event) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(event);
                slot
            }
            None => {
                self.slots.push(Some(event));
                self.slots.len() as u32 - 1
            }
        };
        self.added += 1;
        self.heap.push(Reverse((at, self.added, slot)));
    }

    /// When the next event is.
    pub fn next(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<Event> {
        let Reverse((.., slot)) = self.heap.pop()?;
        self.free.push(slot);
        self.slots[slot as usize].take()
    }
}
