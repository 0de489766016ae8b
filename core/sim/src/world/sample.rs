//! A look at the whole world, about 200 times a run: what is lost, and what must hold.

use super::World;
use super::clock::Event;

/// Between two looks at what is reserved: this needs every neighbour of every node.
const RESERVATIONS_EVERY: u64 = 16;

impl World {
    pub(super) fn sample(&mut self) {
        self.check_capacities();
        self.losses.samples += 1;
        if self.losses.samples.is_multiple_of(RESERVATIONS_EVERY) {
            self.check_reservations();
        }
        self.attribute(self.sample_every);
        let every = if self.unfinished > 0 { 1 } else { 20 };
        self.clock.add(self.now + every * self.sample_every, Event::Sample);
    }
}
