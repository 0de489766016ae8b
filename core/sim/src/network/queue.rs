//! When each flow ends: a binary heap in which an entry can be moved, because every start and end of a flow
//! moves the ends of others.

use super::FlowIndex;

const NOWHERE: u32 = u32::MAX;

/// Flows by their end. Of two with the same end the lower number comes first, so that runs repeat.
#[derive(Debug, Default)]
pub(super) struct FlowQueue {
    heap: Vec<(u64, FlowIndex)>,
    /// By flow: its place in the heap.
    places: Vec<u32>,
}

impl FlowQueue {
    pub fn first(&self) -> Option<(u64, FlowIndex)> {
        self.heap.first().copied()
    }

    /// Adds a flow, or moves it.
    pub fn set(&mut self, flow: FlowIndex, end: u64) {
        if self.places.len() <= flow as usize {
            self.places.resize(flow as usize + 1, NOWHERE);
        }
        let place = self.places[flow as usize];
        if place == NOWHERE {
            self.heap.push((end, flow));
            self.up(self.heap.len() - 1);
        } else {
            let place = place as usize;
            let before = std::mem::replace(&mut self.heap[place].0, end);
            if end < before { self.up(place) } else { self.down(place) }
        }
    }

    pub fn remove(&mut self, flow: FlowIndex) {
        let Some(place) = self.places.get(flow as usize).copied().filter(|at| *at != NOWHERE)
        else {
            return;
        };
        self.places[flow as usize] = NOWHERE;
        let place = place as usize;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.places[self.heap[place].1 as usize] = place as u32;
            self.up(place);
            self.down(self.places_of(place));
        }
    }

    /// Where the entry that was at `place` before [`Self::up`] is now: there, or it moved up and what came
    /// down in its place is in order already.
    fn places_of(&self, place: usize) -> usize {
        self.places[self.heap[place].1 as usize] as usize
    }

    fn up(&mut self, mut at: usize) {
        let entry = self.heap[at];
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent] <= entry {
                break;
            }
            self.put(at, self.heap[parent]);
            at = parent;
        }
        self.put(at, entry);
    }

    fn down(&mut self, mut at: usize) {
        let entry = self.heap[at];
        loop {
            let mut child = 2 * at + 1;
            if child >= self.heap.len() {
                break;
            }
            if child + 1 < self.heap.len() && self.heap[child + 1] < self.heap[child] {
                child += 1;
            }
            if self.heap[child] >= entry {
                break;
            }
            self.put(at, self.heap[child]);
            at = child;
        }
        self.put(at, entry);
    }

    fn put(&mut self, at: usize, entry: (u64, FlowIndex)) {
        self.heap[at] = entry;
        self.places[entry.1 as usize] = at as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn the_first_is_always_the_least(
            steps in proptest::collection::vec((0u32..20, proptest::option::of(0u64..50)), 0..300),
        ) {
            let (mut queue, mut model) = (FlowQueue::default(), BTreeMap::new());
            for (flow, end) in steps {
                match end {
                    Some(end) => {
                        queue.set(flow, end);
                        model.insert(flow, end);
                    }
                    None => {
                        queue.remove(flow);
                        model.remove(&flow);
                    }
                }
                let least = model.iter().map(|(flow, end)| (*end, *flow)).min();
                prop_assert_eq!(queue.first(), least);
            }
        }
    }
}
