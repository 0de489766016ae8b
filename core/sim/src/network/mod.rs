//! Bytes on their way, as fluids: each transfer is a flow over a few links, and links share their capacity
//! max-min fairly, as many TCP connections do after a while.
//!
//! Called by the world, which knows what the bytes are. Not here: messages (they take time, not capacity),
//! and who sends what to whom.
//!
//! Up to [`EXACT_NODES`] nodes the rates are exact after every change (`exact`). Above, only links that a
//! change reaches are looked at again (`local`): within 2 % of exact, and never above a capacity.

mod exact;
mod local;
mod queue;
#[cfg(test)]
mod tests;

use queue::FlowQueue;

/// Up to so many nodes every change is followed by an exact computation of all rates.
pub const EXACT_NODES: usize = 63;
/// Most links on one way: up and down of node, rack and zone.
pub const MAX_HOPS: usize = 6;

/// A direction of a link, `0 .. capacities.len()`.
pub type LinkIndex = u32;
/// A flow; the number is used again after its end.
pub type FlowIndex = u32;

/// How rates are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// All rates anew after every change.
    Exact,
    /// Only where a change reaches.
    Local,
}

/// Rates in bytes per nanosecond, times in nanoseconds.
#[derive(Debug)]
pub struct Network {
    sharing: Sharing,
    capacity: Vec<f64>,
    /// The rate that a link gives to whoever takes all he can get; infinite where there is room.
    level: Vec<f64>,
    on_link: Vec<Vec<FlowIndex>>,
    flows: Vec<Flow>,
    free: Vec<FlowIndex>,
    queue: FlowQueue,
    running: usize,
    scratch: local::Scratch,
}

#[derive(Debug, Clone, Copy)]
struct Flow {
    path: [LinkIndex; MAX_HOPS],
    /// Where the flow stands in each link's list.
    places: [u32; MAX_HOPS],
    hops: u8,
    left: f64,
    /// It is reported when so much is left; 0 for its end.
    mark: f64,
    rate: f64,
    /// When `left` was true.
    since: u64,
}

impl Flow {
    fn path(&self) -> &[LinkIndex] {
        &self.path[..self.hops as usize]
    }
}

impl Network {
    /// Links with these capacities in bytes per nanosecond, and nothing on them.
    pub fn new(capacity: Vec<f64>, sharing: Sharing) -> Self {
        let links = capacity.len();
        Network {
            sharing,
            capacity,
            level: vec![f64::INFINITY; links],
            on_link: vec![Vec::new(); links],
            flows: Vec::new(),
            free: Vec::new(),
            queue: FlowQueue::default(),
            running: 0,
            scratch: local::Scratch::new(links),
        }
    }

    /// Starts a flow of `bytes` over the links of `path`, 1 to [`MAX_HOPS`] of them, none twice.
    pub fn start(&mut self, now: u64, path: &[LinkIndex], bytes: f64) -> FlowIndex {
        let mut flow = Flow {
            path: [0; MAX_HOPS],
            places: [0; MAX_HOPS],
            hops: path.len() as u8,
            left: bytes,
            mark: 0.0,
            rate: 0.0,
            since: now,
        };
        flow.path[..path.len()].copy_from_slice(path);
        let index = self.free.pop().unwrap_or(self.flows.len() as FlowIndex);
        for (hop, link) in path.iter().enumerate() {
            flow.places[hop] = self.on_link[*link as usize].len() as u32;
            self.on_link[*link as usize].push(index);
        }
        match self.flows.get_mut(index as usize) {
            Some(place) => *place = flow,
            None => self.flows.push(flow),
        }
        self.running += 1;
        self.share(now, path, Some(index));
        index
    }

    /// Ends a flow, finished or not; returns the bytes that were left.
    pub fn stop(&mut self, now: u64, index: FlowIndex) -> f64 {
        self.settle(now, index);
        self.queue.remove(index);
        let flow = self.flows[index as usize];
        for (hop, link) in flow.path().iter().enumerate() {
            let list = &mut self.on_link[*link as usize];
            let place = flow.places[hop] as usize;
            list.swap_remove(place);
            if let Some(moved) = list.get(place).copied() {
                let moved = &mut self.flows[moved as usize];
                if let Some(hop) = moved.path().iter().position(|other| other == link) {
                    moved.places[hop] = place as u32;
                }
            }
        }
        self.flows[index as usize].hops = 0;
        self.flows[index as usize].rate = 0.0;
        self.free.push(index);
        self.running -= 1;
        self.share(now, flow.path(), None);
        flow.left
    }

    /// Reports a flow when `left` bytes of it are left, before it ends.
    pub fn mark(&mut self, now: u64, index: FlowIndex, left: f64) {
        self.flows[index as usize].mark = left;
        self.set_rate(now, index, self.flows[index as usize].rate);
    }

    /// What is left of a flow now.
    pub fn left(&mut self, now: u64, index: FlowIndex) -> f64 {
        self.settle(now, index);
        self.flows[index as usize].left
    }

    /// Whether a flow that was reported goes on after its mark.
    pub fn is_marked(&self, index: FlowIndex) -> bool {
        self.flows[index as usize].mark > 0.0
    }

    /// When the next flow comes to its mark or ends by itself, and which.
    pub fn next(&self) -> Option<(u64, FlowIndex)> {
        self.queue.first()
    }

    /// The present rate of a flow.
    pub fn rate(&self, flow: FlowIndex) -> f64 {
        self.flows[flow as usize].rate
    }

    /// What runs over a link now.
    pub fn used(&self, link: LinkIndex) -> f64 {
        self.on_link[link as usize].iter().map(|flow| self.flows[*flow as usize].rate).sum()
    }

    /// What a link can carry.
    pub fn capacity(&self, link: LinkIndex) -> f64 {
        self.capacity[link as usize]
    }

    /// Flows on a link now.
    pub fn flows_on(&self, link: LinkIndex) -> &[FlowIndex] {
        &self.on_link[link as usize]
    }

    /// All links.
    pub fn links(&self) -> impl Iterator<Item = LinkIndex> + use<> {
        0..self.capacity.len() as LinkIndex
    }

    /// Flows that run.
    pub fn running(&self) -> usize {
        self.running
    }

    fn share(&mut self, now: u64, path: &[LinkIndex], fresh: Option<FlowIndex>) {
        match self.sharing {
            Sharing::Exact => self.share_exactly(now),
            Sharing::Local => self.share_locally(now, path, fresh),
        }
    }

    /// Takes out of `left` what has run since it was true.
    fn settle(&mut self, now: u64, index: FlowIndex) {
        let flow = &mut self.flows[index as usize];
        flow.left = (flow.left - flow.rate * (now - flow.since) as f64).max(0.0);
        flow.since = now;
    }

    fn set_rate(&mut self, now: u64, index: FlowIndex, rate: f64) {
        self.settle(now, index);
        let flow = &mut self.flows[index as usize];
        flow.rate = rate;
        let span = ((flow.left - flow.mark).max(0.0) / rate).ceil();
        // A flow that gets nothing ends in 200 years, or when something else ends.
        let end = if span < 6.0e18 { now.saturating_add(span as u64) } else { u64::MAX };
        self.queue.set(index, end);
    }
}
