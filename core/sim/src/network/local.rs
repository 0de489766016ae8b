//! Max-min fair rates where a change reaches, and no further.
//!
//! Each link keeps the level that it gives to flows that no other link holds back; the rate of a flow is the
//! least level on its way. A change makes its links compute their levels again, given the levels of the
//! others; a level that moved by more than [`TOLERANCE`] makes the links that may feel it look again
//! (consistent marking: Charny, Clark, Jain, *Congestion control with explicit rate indication*, 1995).
//! Whatever the levels say, no link ends up above its capacity: flows that would are scaled down.

use super::{FlowIndex, LinkIndex, Network};

/// A level that moved by less than this part does not make others look again.
const TOLERANCE: f64 = 1e-3;
/// Levels that are computed after one change, at most. What is left over waits for the next change nearby.
const MOST_STEPS: usize = 4096;

/// Room that is used again after every change.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Links that must look again, first come first served.
    dirty: std::collections::VecDeque<LinkIndex>,
    is_dirty: Vec<bool>,
    touched: Vec<LinkIndex>,
    is_touched: Vec<bool>,
    demands: Vec<f64>,
    raised: Vec<LinkIndex>,
    changed: Vec<(FlowIndex, f64)>,
}

impl Scratch {
    pub fn new(links: usize) -> Self {
        Scratch {
            dirty: std::collections::VecDeque::new(),
            is_dirty: vec![false; links],
            touched: Vec::new(),
            is_touched: vec![false; links],
            demands: Vec::new(),
            raised: Vec::new(),
            changed: Vec::new(),
        }
    }

    fn mark(&mut self, link: LinkIndex) {
        if !std::mem::replace(&mut self.is_dirty[link as usize], true) {
            self.dirty.push_back(link);
        }
    }
}

impl Network {
    pub(super) fn share_locally(&mut self, now: u64, path: &[LinkIndex], fresh: Option<FlowIndex>) {
        for link in path {
            self.scratch.mark(*link);
        }
        self.level_all();
        self.collect_rates(fresh);
        let changed = std::mem::take(&mut self.scratch.changed);
        for (flow, rate) in &changed {
            if *rate > self.flows[*flow as usize].rate {
                let flow = self.flows[*flow as usize];
                self.scratch.raised.extend_from_slice(flow.path());
            }
            self.set_rate(now, *flow, *rate);
        }
        self.scratch.changed = changed;
        self.scratch.changed.clear();
        self.keep_capacities(now);
    }

    fn level_all(&mut self) {
        for _ in 0..MOST_STEPS {
            let Some(link) = self.scratch.dirty.pop_front() else { return };
            self.scratch.is_dirty[link as usize] = false;
            if !std::mem::replace(&mut self.scratch.is_touched[link as usize], true) {
                self.scratch.touched.push(link);
            }
            let before = self.level[link as usize];
            let after = self.level_of(link);
            let both_finite = before.is_finite() && after.is_finite();
            if before == after || (both_finite && (after - before).abs() <= TOLERANCE * before) {
                continue;
            }
            self.level[link as usize] = after;
            let lower = before.min(after);
            for at in 0..self.on_link[link as usize].len() {
                let flow = self.flows[self.on_link[link as usize][at] as usize];
                for other in flow.path().iter().filter(|other| **other != link) {
                    // A link that gives the flow less anyway does not feel the change.
                    if lower < self.level[*other as usize] {
                        self.scratch.mark(*other);
                    }
                }
            }
        }
        while let Some(link) = self.scratch.dirty.pop_front() {
            self.scratch.is_dirty[link as usize] = false;
        }
    }

    /// The level at which a link is full, given what its flows get elsewhere; infinite when they all fit.
    fn level_of(&mut self, link: LinkIndex) -> f64 {
        let capacity = self.capacity[link as usize];
        let mut demands = std::mem::take(&mut self.scratch.demands);
        demands.clear();
        for flow in &self.on_link[link as usize] {
            let others = self.flows[*flow as usize];
            let others = others.path().iter().filter(|other| **other != link);
            let least =
                others.map(|other| self.level[*other as usize]).fold(f64::INFINITY, f64::min);
            demands.push(least);
        }
        let level = water_level(capacity, &demands);
        self.scratch.demands = demands;
        level
    }

    fn collect_rates(&mut self, fresh: Option<FlowIndex>) {
        let touched = std::mem::take(&mut self.scratch.touched);
        for link in &touched {
            self.scratch.is_touched[*link as usize] = false;
            for index in &self.on_link[*link as usize] {
                let flow = &self.flows[*index as usize];
                let rate = self.rate_of(*index);
                if (rate - flow.rate).abs() > 1e-12 * rate || fresh == Some(*index) {
                    self.scratch.changed.push((*index, rate));
                }
            }
        }
        self.scratch.changed.sort_unstable_by_key(|(flow, _)| *flow);
        self.scratch.changed.dedup_by_key(|(flow, _)| *flow);
        self.scratch.touched = touched;
        self.scratch.touched.clear();
    }

    fn rate_of(&self, flow: FlowIndex) -> f64 {
        let path = self.flows[flow as usize].path();
        let least =
            path.iter().map(|link| self.level[*link as usize]).fold(f64::INFINITY, f64::min);
        // Only when every link has room for all it can get: then its narrowest link is all its own.
        let narrowest = path.iter().map(|link| self.capacity[*link as usize]);
        least.min(narrowest.fold(f64::INFINITY, f64::min))
    }

    /// Scales down the flows of links that the tolerance brought above their capacity.
    fn keep_capacities(&mut self, now: u64) {
        let mut raised = std::mem::take(&mut self.scratch.raised);
        raised.sort_unstable();
        raised.dedup();
        for link in &raised {
            let (used, capacity) = (self.used(*link), self.capacity[*link as usize]);
            if used <= capacity {
                continue;
            }
            let scale = capacity / used * (1.0 - 1e-12);
            for at in 0..self.on_link[*link as usize].len() {
                let flow = self.on_link[*link as usize][at];
                self.set_rate(now, flow, self.flows[flow as usize].rate * scale);
            }
        }
        raised.clear();
        self.scratch.raised = raised;
    }
}

/// The level `l` at which `sum(min(demand, l))` is the capacity; infinite when the demands fit.
fn water_level(capacity: f64, demands: &[f64]) -> f64 {
    let mut level = capacity / demands.len().max(1) as f64;
    loop {
        let (mut below, mut above) = (0.0, 0u32);
        for demand in demands {
            if *demand <= level {
                below += demand;
            } else {
                above += 1;
            }
        }
        if above == 0 {
            return if below < capacity { f64::INFINITY } else { level };
        }
        // What those below leave over goes to those above; the level only ever rises.
        let next = (capacity - below) / f64::from(above);
        if next <= level * (1.0 + 1e-12) {
            return next;
        }
        level = next;
    }
}
