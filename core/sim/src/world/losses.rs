//! Why downlinks are not full: each look at the world gives the idle part of every unfinished peer's
//! downlink to one cause, by the truth that only the world knows.

use serde::Serialize;

use super::World;
use super::node::{Node, PolicyHealth};

/// Mean time that a peer lost to each cause, in parts of the time of one copy. Together they are about what
/// a peer takes longer than that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Losses {
    /// Looks at the world so far.
    #[serde(skip)]
    pub(super) samples: u64,
    /// It has not found others, or has no manifest yet.
    pub finding: f64,
    /// Its own link is slower than the usual one.
    pub own_cap: f64,
    /// Its hash core or disk is behind, or its disk is full.
    pub disk: f64,
    /// Everything that it lacks is on its way.
    pub last_chunks: f64,
    /// Nobody near has anything for it, and the origin, idle, has something that it never sent.
    pub origin_idle: f64,
    /// Nobody near has anything for it.
    pub nothing_near: f64,
    /// A neighbour with room has something for it, and its policy is late or failing.
    pub policy_fault: f64,
    /// A neighbour with room has something for it, and no offer has come of it yet.
    pub stale_knowledge: f64,
    /// Those who have something for it are all busy, and one that sends to it is slow.
    pub slow_source: f64,
    /// Those who have something for it are all busy.
    pub no_free_uploader: f64,
}

impl Losses {
    /// Each cause with its name.
    pub fn causes(&self) -> [(&'static str, f64); 10] {
        [
            ("finding", self.finding),
            ("own cap", self.own_cap),
            ("disk", self.disk),
            ("last chunks", self.last_chunks),
            ("origin idle", self.origin_idle),
            ("nothing near", self.nothing_near),
            ("policy fault", self.policy_fault),
            ("stale knowledge", self.stale_knowledge),
            ("slow source", self.slow_source),
            ("no free uploader", self.no_free_uploader),
        ]
    }

    /// The same in parts of `copy` nanoseconds, for a mean of `peers`.
    pub(crate) fn per_peer(&self, peers: usize, copy: u64) -> Losses {
        let mut all = *self;
        let scale = 1.0 / (peers.max(1) as f64 * copy.max(1) as f64);
        for part in [
            &mut all.finding,
            &mut all.own_cap,
            &mut all.disk,
            &mut all.last_chunks,
            &mut all.origin_idle,
            &mut all.nothing_near,
            &mut all.policy_fault,
            &mut all.stale_knowledge,
            &mut all.slow_source,
            &mut all.no_free_uploader,
        ] {
            *part *= scale;
        }
        all
    }
}

/// An uplink with more than this part of it free has room.
const ROOM: f64 = 0.1;

impl World {
    /// Gives `span` nanoseconds of what is idle now to its causes.
    pub(super) fn attribute(&mut self, span: u64) {
        if self.unfinished == 0 {
            return;
        }
        let usual = self.scenario.fleet.rate.0 as f64 / 1e9;
        let origin_idle = self.origin_has_unsent() && self.has_room(&self.nodes[0]);
        let mut losses = self.losses;
        for number in 1..self.nodes.len() {
            let node = &self.nodes[number];
            let waits = node.alive && !node.corrupt && !node.liar && node.completed.is_none();
            if !waits || node.began.is_none() {
                continue;
            }
            let (capacity, used) = (self.network.capacity(node.down), self.network.used(node.down));
            let own = ((usual - capacity) / usual).max(0.0);
            losses.own_cap += own * span as f64;
            let idle = (capacity.min(usual) - used) / usual * span as f64;
            if idle > 0.0 {
                *self.cause(node, origin_idle, &mut losses) += idle;
            }
        }
        self.losses = losses;
    }

    fn has_room(&self, node: &Node) -> bool {
        node.alive && self.network.used(node.up) < self.network.capacity(node.up) * (1.0 - ROOM)
    }

    fn origin_has_unsent(&self) -> bool {
        let size: u64 = self.scenario.contents.iter().map(|content| content.size).sum();
        self.counts.origin_bytes < size as f64
    }

    fn cause<'a>(&self, node: &Node, origin_idle: bool, losses: &'a mut Losses) -> &'a mut f64 {
        if node.disk_full || node.hash_busy.max(node.disk_busy) > self.now {
            return &mut losses.disk;
        }
        let coming = self.network.flows_on(node.down).len() as u32;
        let members = || node.members.iter().flatten();
        if members().all(|member| !member.manifest) {
            return &mut losses.finding;
        }
        if members().map(|member| member.has.missing()).sum::<u32>() <= coming {
            return &mut losses.last_chunks;
        }
        let (mut somebody, mut faulty, mut free, mut slow) = (false, false, false, false);
        let usual = self.scenario.fleet.rate.0 as f64 / 1e9;
        for (other, pair) in &node.pairs {
            let other = &self.nodes[*other as usize];
            slow |= self.network.capacity(other.up) < usual && self.sends(*pair, node);
            let has_something = other.members.iter().zip(&node.members).any(|pair| match pair {
                (Some(theirs), Some(mine)) => theirs.has.has_any_not_in(&mine.has),
                _ => false,
            });
            if !has_something || !other.alive {
                continue;
            }
            somebody = true;
            let room = self.has_room(other);
            free |= room;
            faulty |= room && other.policy != PolicyHealth::Fine;
        }
        match (somebody, faulty, free, slow) {
            (false, ..) if origin_idle => &mut losses.origin_idle,
            (false, ..) => &mut losses.nothing_near,
            (_, true, ..) => &mut losses.policy_fault,
            (_, _, true, _) => &mut losses.stale_knowledge,
            (_, _, _, true) => &mut losses.slow_source,
            _ => &mut losses.no_free_uploader,
        }
    }

    fn sends(&self, pair: u32, to: &Node) -> bool {
        let pair = &self.pairs[pair as usize];
        let to_end = usize::from(self.nodes[pair.ends[0] as usize].id != to.id);
        pair.lanes[1 - to_end].running.is_some()
    }
}
