//! Chunks on their way: from the order to serve to the store of the receiver.

use samara_engine::swarm::{LinkKey, SwarmInput};
use samara_model::ChunkIndex;

use super::World;
use super::clock::Event;
use super::faults;
use super::pair::{Running, Waiting};
use crate::network::{FlowIndex, LinkIndex, MAX_HOPS};

/// A chunk counts as sent when no more than this is missing, or a quarter of it, as in the node's
/// `link/writer.rs`.
const ALWAYS_AHEAD: f64 = 16384.0;

/// A chunk whose last byte has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Landed {
    pair: u32,
    /// The receiving node, and its start.
    node: u32,
    life: u32,
    content: u16,
    chunk: ChunkIndex,
    bytes: u32,
    /// Its bytes are not what the manifest says.
    damaged: bool,
    /// The receiver gave it up on the way.
    dropped: bool,
    /// Who sent it.
    from: u32,
}

impl World {
    /// A swarm orders a chunk to be sent: it waits behind what the connection carries already.
    pub(super) fn serve(
        &mut self,
        from: u32,
        pair: u32,
        content: u16,
        chunk: ChunkIndex,
        ahead: u64,
    ) {
        let held = self.member(from, content).is_some_and(|member| member.has.contains(chunk));
        if !held {
            self.violate(format!("node {from} serves chunk {chunk}, which it does not have"));
            let link = LinkKey(u64::from(pair));
            return self.next_input(from, content, SwarmInput::ServeFailed { link, chunk });
        }
        let link = &mut self.pairs[pair as usize];
        if !link.up {
            return;
        }
        let lane = link.end_of(from);
        link.lanes[lane].waiting.push_back(Waiting { content, chunk, ahead });
        if link.lanes[lane].running.is_none() {
            self.start_next(pair, lane);
        }
    }

    fn start_next(&mut self, pair: u32, lane: usize) {
        let link = &mut self.pairs[pair as usize];
        let (from, to) = (link.ends[lane], link.ends[1 - lane]);
        let Some(next) = link.lanes[lane].waiting.pop_front() else { return };
        let Waiting { content, chunk, ahead } = next;
        let bytes = self.scenario.contents[content as usize].chunk_len(chunk);
        let load = self.load(from, bytes);
        let (path, hops) = self.path(from, to);
        let flow = self.network.start(self.now, &path[..hops], load);
        *self.flow_of(flow) = Some((pair, lane as u8));
        self.pairs[pair as usize].lanes[lane].running =
            Some(Running { flow, content, chunk, load, bytes, ahead, told: false, dropped: false });
        self.counts.transfers += 1;
        self.counts.most_flows = self.counts.most_flows.max(self.network.running());
        self.check_uploads(from);
        let link = LinkKey(u64::from(pair));
        let input = SwarmInput::ChunkStarted { link, chunk };
        match self.scenario.data_latency {
            0 => self.next_input(to, content, input),
            later => self.input_at(self.now + later, to, content, input),
        }
        let capacity = self.network.capacity(self.nodes[from as usize].up);
        self.look_at_slot(pair, lane, capacity);
    }

    /// Frees the slot of what runs on a lane when no more is left than passes within `ahead` at this rate;
    /// otherwise looks again then.
    fn look_at_slot(&mut self, pair: u32, lane: usize, rate: f64) {
        let Some(running) = self.pairs[pair as usize].lanes[lane].running else { return };
        let least = (running.load / 4.0).min(ALWAYS_AHEAD);
        let free_at = (rate * running.ahead as f64).clamp(least, running.load);
        let left = self.network.left(self.now, running.flow);
        if left > free_at + 1.0 {
            return self.network.mark(self.now, running.flow, free_at);
        }
        self.network.mark(self.now, running.flow, 0.0);
        self.tell_sent(pair, lane);
    }

    fn tell_sent(&mut self, pair: u32, lane: usize) {
        let link = &mut self.pairs[pair as usize];
        let from = link.ends[lane];
        let Some(running) = &mut link.lanes[lane].running else { return };
        if !std::mem::replace(&mut running.told, true) {
            let (content, chunk) = (running.content, running.chunk);
            let link = LinkKey(u64::from(pair));
            self.next_input(from, content, SwarmInput::ChunkSent { link, chunk });
        }
    }

    /// A flow came to where its slot may be free, or to its end.
    pub(super) fn flow_reported(&mut self, flow: FlowIndex) {
        let place = *self.flow_of(flow);
        match place {
            Some((pair, lane)) if self.network.is_marked(flow) => {
                let rate = self.network.rate(flow);
                self.look_at_slot(pair, lane as usize, rate);
            }
            _ => self.flow_ended(flow),
        }
    }

    /// What a chunk takes of the links: its bytes give or take the jitter, and what each chunk costs.
    fn load(&mut self, from: u32, bytes: u32) -> f64 {
        let unit = f64::from(self.random.below(1 << 24)) / f64::from(1u32 << 23) - 1.0;
        let jittered = f64::from(bytes) * (1.0 + self.scenario.chunk_jitter * unit);
        let up = self.network.capacity(self.nodes[from as usize].up);
        jittered + self.scenario.per_chunk as f64 * up
    }

    /// The links from one node to another: its own and, where they differ, those of racks and zones.
    fn path(&self, from: u32, to: u32) -> ([LinkIndex; MAX_HOPS], usize) {
        let (a, b) = (&self.nodes[from as usize], &self.nodes[to as usize]);
        let mut path = [a.up, b.down, 0, 0, 0, 0];
        let mut hops = 2;
        for (near, far) in [(a.rack, b.rack), (a.zone, b.zone)] {
            if let (Some((out, _)), Some((_, into))) = (near, far)
                && near != far
            {
                path[hops] = out;
                path[hops + 1] = into;
                hops += 2;
            }
        }
        (path, hops)
    }

    /// The last byte of a chunk has left, and the receiver has all of it.
    fn flow_ended(&mut self, flow: FlowIndex) {
        let place = self.flow_of(flow).take();
        self.network.stop(self.now, flow);
        let Some((pair, lane)) = place else { return };
        self.tell_sent(pair, lane as usize);
        let link = &mut self.pairs[pair as usize];
        let (from, to) = (link.ends[lane as usize], link.ends[1 - lane as usize]);
        let life = link.lives[1 - lane as usize];
        let Some(running) = link.lanes[lane as usize].running.take() else { return };
        let Running { content, chunk, bytes, dropped, .. } = running;
        self.count_arrival(from, to, f64::from(bytes));
        let damaged = self.nodes[from as usize].corrupt;
        let landed = Landed { pair, node: to, life, content, chunk, bytes, damaged, dropped, from };
        let at = self.ready_at(to, bytes);
        if at == self.now {
            self.landed(landed);
        } else {
            self.clock.add(at, Event::Landed(Box::new(landed)));
        }
        self.start_next(pair, lane as usize);
    }

    fn count_arrival(&mut self, from: u32, to: u32, bytes: f64) {
        let (a, b) = (self.nodes[from as usize].place, self.nodes[to as usize].place);
        self.counts.arrived += bytes;
        if from == 0 {
            self.counts.origin_bytes += bytes;
        }
        if a.rack != b.rack {
            self.counts.cross_rack += bytes;
        }
        if a.zone != b.zone {
            self.counts.cross_zone += bytes;
        }
    }

    /// When a chunk that has come is hashed and written. Both run while bytes come: what they can do in
    /// that time costs nothing, and a backlog does.
    fn ready_at(&mut self, node: u32, bytes: u32) -> u64 {
        let mut at = self.now + self.scenario.data_latency;
        let node = &mut self.nodes[node as usize];
        let stages =
            [(self.scenario.hash, &mut node.hash_busy), (self.scenario.disk, &mut node.disk_busy)];
        for (rate, busy) in stages {
            if let Some(rate) = rate {
                *busy =
                    (*busy + crate::scenario::quantity::nanos_for(f64::from(bytes), rate)).max(at);
                at = *busy;
            }
        }
        at
    }

    /// The store looks at a chunk: what does not have its hash is not kept.
    pub(super) fn landed(&mut self, landed: Landed) {
        let Landed { pair, node, life, content, chunk, bytes, damaged, dropped, from } = landed;
        if !self.is_life(node, life) {
            return;
        }
        let link = LinkKey(u64::from(pair));
        let full = self.nodes[node as usize].disk_full;
        let Some(member) = self.member(node, content) else { return };
        let held = member.has.contains(chunk);
        let input = if dropped || held {
            SwarmInput::ChunkDiscarded { link, chunk }
        } else if damaged {
            self.faults.fired(&self.nodes[from as usize], faults::CORRUPT);
            SwarmInput::ChunkRejected { link, chunk }
        } else if full {
            self.faults.fired(&self.nodes[node as usize], faults::DISK);
            SwarmInput::StoreFailed { link, chunk }
        } else {
            member.has.insert(chunk);
            member.wrong += u32::from(damaged);
            SwarmInput::ChunkStored { link, chunk }
        };
        if !matches!(input, SwarmInput::ChunkStored { .. }) {
            self.counts.wasted += f64::from(bytes);
        } else {
            self.arrived += u64::from(node != 0);
            self.progressed(node, content);
        }
        self.input(node, content, input);
        self.look_at_faults();
    }

    /// Lets gossip know of every sixteenth.
    fn progressed(&mut self, node: u32, content: u16) {
        let Some(member) = self.member(node, content) else { return };
        let sixteenth = member.has.count() * 16 / member.has.universe().max(1);
        if std::mem::replace(&mut member.told, sixteenth) != sixteenth
            && self.nodes[node as usize].gossip.is_some()
        {
            self.hold(node);
        }
    }

    /// Stops sending a chunk, if that is still possible.
    pub(super) fn cancel(&mut self, from: u32, pair: u32, content: u16, chunk: ChunkIndex) {
        let link = &mut self.pairs[pair as usize];
        let lane = link.end_of(from);
        let waiting = &mut link.lanes[lane].waiting;
        if let Some(at) =
            waiting.iter().position(|one| (one.content, one.chunk) == (content, chunk))
        {
            waiting.remove(at);
            return;
        }
        let runs = |running: &Running| running.content == content && running.chunk == chunk;
        if !link.lanes[lane].running.as_ref().is_some_and(runs) {
            return;
        }
        let to = link.ends[1 - lane];
        self.stop_running(pair, lane);
        let at = self.now + self.scenario.data_latency;
        let link = LinkKey(u64::from(pair));
        self.input_at(at, to, content, SwarmInput::ChunkDiscarded { link, chunk });
        self.start_next(pair, lane);
    }

    fn stop_running(&mut self, pair: u32, lane: usize) {
        let Some(running) = self.pairs[pair as usize].lanes[lane].running.take() else { return };
        *self.flow_of(running.flow) = None;
        let left = self.network.stop(self.now, running.flow);
        let came = f64::from(running.bytes) * (1.0 - left / running.load.max(1.0));
        let link = &self.pairs[pair as usize];
        let (from, to) = (link.ends[lane], link.ends[1 - lane]);
        self.count_arrival(from, to, came);
        self.counts.wasted += came;
    }

    /// The receiver throws away what still comes of a chunk.
    pub(super) fn drop_incoming(&mut self, node: u32, pair: u32, content: u16, chunk: ChunkIndex) {
        let link = &mut self.pairs[pair as usize];
        let lane = 1 - link.end_of(node);
        if let Some(running) = &mut link.lanes[lane].running
            && running.content == content
            && running.chunk == chunk
        {
            running.dropped = true;
        }
    }

    /// The connection is gone: nothing of its lane arrives any more.
    pub(super) fn stop_lane(&mut self, pair: u32, lane: usize) {
        self.pairs[pair as usize].lanes[lane].waiting.clear();
        self.stop_running(pair, lane);
    }
}
