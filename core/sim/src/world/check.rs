//! What must hold in every run, whatever the scenario. A violation is told with the virtual time; the run
//! goes on.

use std::time::Duration;

use samara_model::{ChunkSet, Time};

use super::{AFTERMATH, World};

/// More violations than this are not told.
const MOST_TOLD: usize = 20;
/// Rounding of sums of rates.
const ROUNDING: f64 = 1e-6;

impl World {
    pub(super) fn violate(&mut self, what: String) {
        if self.violations.len() < MOST_TOLD {
            let seconds = self.now.saturating_sub(self.start) as f64 / 1e9;
            self.violations.push(format!("at {seconds:.6} s: {what}"));
        }
    }

    /// No link carries more than it can.
    pub(super) fn check_capacities(&mut self) {
        for link in self.network.links() {
            let (used, capacity) = (self.network.used(link), self.network.capacity(link));
            if used > capacity * (1.0 + ROUNDING) {
                self.violate(format!("link {link} carries {used} of {capacity} bytes/ns"));
            }
        }
    }

    /// No node runs more uploads than its slots allow, slow ones included.
    pub(super) fn check_uploads(&mut self, node: u32) {
        let engine = &self.scenario.engine;
        // Every content may always use one slot.
        let slots = engine.upload_slots.max(self.contents.len() as u32) * engine.slow_factor;
        let running = self.uploads_from(node);
        if running > slots as usize {
            self.violate(format!("node {node} runs {running} uploads, and has room for {slots}"));
        }
    }

    /// Nothing stays promised for ever: longer than the slowest transfer of this scenario could take.
    pub(super) fn check_reservations(&mut self) {
        let patience = self.patience();
        for number in 0..self.nodes.len() {
            for member in self.nodes[number].members.iter().flatten() {
                let Some(oldest) = member.machine.outstanding().oldest else { continue };
                let age = Time(self.now / 1000).since(oldest);
                if age > patience {
                    let what =
                        format!("node {number} has held a slot or a reservation for {age:?}");
                    return self.violate(what);
                }
            }
        }
    }

    fn patience(&self) -> Duration {
        let slowest = self.nodes.iter().map(|node| node.place.up.0.min(node.place.down.0)).min();
        let slowdown = self.scenario.fleet.rate.0 / slowest.unwrap_or(1).max(1) + 1;
        let noticed = self.scenario.faults.iter().map(|fault| fault.noticed_after).max();
        let chunk = self.scenario.contents.iter().map(|content| content.chunk).max().unwrap_or(0);
        let chunk_ns =
            crate::scenario::quantity::nanos_for(f64::from(chunk), self.scenario.fleet.rate);
        let stalls = self.scenario.faults.iter().filter_map(|fault| fault.lasts).max();
        let hashing = self
            .scenario
            .hash
            .map_or(0, |rate| crate::scenario::quantity::nanos_for(f64::from(chunk) * 64.0, rate));
        Duration::from_secs(30)
            + Duration::from_nanos(noticed.unwrap_or(0) + stalls.unwrap_or(0) + hashing)
            + Duration::from_nanos(chunk_ns) * 200 * slowdown.min(1_000_000) as u32
    }

    /// Everybody who could finish has; nothing is reserved any more; every fault has shown; little was
    /// thrown away.
    pub(super) fn check_end(&mut self) {
        self.check_finished();
        if self.unfinished == 0 {
            self.check_nothing_reserved();
        }
        self.check_duplicates();
        for number in 0..self.faults.shown().len() {
            if self.scenario.is_drawn || self.faults.shown()[number] > 0 {
                continue;
            }
            let kind = self.scenario.faults[number].kind;
            self.violate(format!("the fault {} ({kind:?}) never showed", number + 1));
        }
    }

    fn check_finished(&mut self) {
        for content in 0..self.contents.len() {
            let mut there = ChunkSet::empty(self.scenario.contents[content].chunks());
            let honest = self.nodes.iter().filter(|node| node.alive && !node.corrupt);
            for member in honest.filter_map(|node| node.members[content].as_ref()) {
                member.has.iter().for_each(|chunk| {
                    there.insert(chunk);
                });
            }
            let able = there.is_full();
            let waits = |node: &&super::Node| {
                node.alive && !node.corrupt && !node.liar && node.completed.is_none()
            };
            let late = self.nodes.iter().skip(1).filter(waits).count();
            if able && late > 0 {
                self.violate(format!(
                    "{late} live peers have not finished, although every chunk is there"
                ));
                return;
            }
        }
    }

    fn check_nothing_reserved(&mut self) {
        let old = Duration::from_nanos(AFTERMATH) - Duration::from_millis(500);
        for number in 0..self.nodes.len() {
            let node = &self.nodes[number];
            if node.corrupt || node.liar {
                continue;
            }
            for member in node.members.iter().flatten() {
                let outstanding = member.machine.outstanding();
                let oldest = outstanding.oldest.map(|at| Time(self.now / 1000).since(at));
                if member.complete
                    && (outstanding.incoming > 0 || oldest.is_some_and(|age| age > old))
                {
                    let what = format!("node {number} still holds {outstanding:?} after the end");
                    return self.violate(what);
                }
            }
        }
    }

    fn check_duplicates(&mut self) {
        let share = self.counts.wasted / self.counts.arrived.max(1.0);
        if share > self.scenario.duplicates {
            let most = self.scenario.duplicates;
            self.violate(format!(
                "{:.2} % of all bytes were thrown away; {:.2} % are allowed",
                share * 100.0,
                most * 100.0
            ));
        }
    }
}
