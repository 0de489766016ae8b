//! Max-min fair rates by progressive filling (Bertsekas, Gallager, *Data Networks*, 1992, 6.5.2): the link
//! with the smallest equal share is full first; its flows are fixed, and the rest go on.

use super::{FlowIndex, Network};

impl Network {
    /// The exact max-min rate of every flow that runs.
    pub(super) fn exact_rates(&self) -> Vec<(FlowIndex, f64)> {
        let mut room = self.capacity.clone();
        let mut open: Vec<u32> = self.on_link.iter().map(|flows| flows.len() as u32).collect();
        let mut busy: Vec<usize> = (0..room.len()).filter(|link| open[*link] > 0).collect();
        let mut fixed = vec![false; self.flows.len()];
        let mut rates = Vec::with_capacity(self.running);
        loop {
            busy.retain(|link| open[*link] > 0);
            let share = |link: usize| room[link].max(0.0) / f64::from(open[link]);
            let tightest = busy.iter().copied().min_by(|a, b| share(*a).total_cmp(&share(*b)));
            let Some(tightest) = tightest else { return rates };
            let rate = share(tightest);
            for flow in &self.on_link[tightest] {
                if std::mem::replace(&mut fixed[*flow as usize], true) {
                    continue;
                }
                rates.push((*flow, rate));
                for link in self.flows[*flow as usize].path() {
                    room[*link as usize] -= rate;
                    open[*link as usize] -= 1;
                }
            }
        }
    }

    pub(super) fn share_exactly(&mut self, now: u64) {
        for (flow, rate) in self.exact_rates() {
            if self.flows[flow as usize].rate != rate {
                self.set_rate(now, flow, rate);
            }
        }
    }
}
