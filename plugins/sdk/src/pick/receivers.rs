//! Who gets the next offer.

use alloc::vec::Vec;

use super::{NEVER, at};
use crate::{OffersView, Random};

/// The peers of a view, ranked: fewest offers and transfers from here, then least cost, then fewest inbound
/// transfers, and in the origin's first pass fewest chunks so far, weighted by how fast the peer takes them.
#[derive(Debug, Clone)]
pub struct Receivers {
    ranks: Vec<Rank>,
    per_peer: u32,
    /// Rows that get so many offers together; see [`Receivers::at_most`].
    limited: Vec<u32>,
    left: u32,
    /// The rows that are best and equal, in order; none when they have to be found anew.
    equals: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    load: u32,
    cost: u64,
    inbound: u32,
    first_copies: u64,
}

/// Load of a row that is out of the choice.
const OUT: u32 = u32::MAX;

impl Receivers {
    /// Ranks the peers of `view` that lack something; `cost` is asked once for each row.
    pub fn new(view: &OffersView, cost: impl Fn(u32) -> u64) -> Receivers {
        let peers = &view.peers;
        let usual = view.me.upload_times.p30_us.max(1);
        let rank = |row: u32| {
            let first_copies = || {
                // A peer that takes four times as long gets a quarter of the first copies.
                let weight = (at(&peers.send_time_us, row) / usual).clamp(1, 16);
                u64::from(at(&peers.sent, row)) * weight
            };
            let cost = cost(row);
            let is_out = at(&peers.lacks, row) == 0 || cost == NEVER;
            Rank {
                load: if is_out { OUT } else { at(&peers.outstanding, row) },
                cost,
                inbound: at(&peers.inbound, row),
                first_copies: if view.me.first_pass { first_copies() } else { 0 },
            }
        };
        let ranks = (0..peers.len()).map(rank).collect();
        let (per_peer, equals) = (view.me.per_peer, Vec::new());
        Receivers { ranks, per_peer, limited: Vec::new(), left: 0, equals }
    }

    /// At most `offers` of an answer go to these rows.
    pub fn at_most(mut self, offers: u32, rows: impl Fn(u32) -> bool) -> Receivers {
        self.limited = (0..self.ranks.len() as u32).filter(|row| rows(*row)).collect();
        self.left = offers;
        if offers == 0 {
            self.leave_out_limited();
        }
        self
    }

    fn leave_out_limited(&mut self) {
        for row in core::mem::take(&mut self.limited) {
            self.leave_out(row);
        }
    }

    /// A random one of the best; `None` when nobody may be offered anything.
    pub fn best(&mut self, random: &mut Random) -> Option<u32> {
        if self.equals.is_empty() {
            self.find_equals();
        }
        let equals = u32::try_from(self.equals.len()).ok().filter(|equals| *equals > 0)?;
        Some(self.equals[random.below(equals) as usize])
    }

    fn find_equals(&mut self) {
        let mut best = None;
        for (row, rank) in self.ranks.iter().enumerate() {
            if rank.load >= self.per_peer || best.is_some_and(|best| best < *rank) {
                continue;
            }
            if best != Some(*rank) {
                best = Some(*rank);
                self.equals.clear();
            }
            self.equals.push(row as u32);
        }
    }

    /// The peer got one more offer.
    pub fn offered(&mut self, row: u32) {
        if let Some(rank) = self.ranks.get_mut(row as usize) {
            rank.load = rank.load.saturating_add(1);
            rank.inbound = rank.inbound.saturating_add(1);
        }
        self.is_worse(row);
        if self.limited.contains(&row) {
            self.left -= 1;
            if self.left == 0 {
                self.leave_out_limited();
            }
        }
    }

    /// There is nothing for this peer: it is not chosen again.
    pub fn leave_out(&mut self, row: u32) {
        if let Some(rank) = self.ranks.get_mut(row as usize) {
            rank.load = OUT;
        }
        self.is_worse(row);
    }

    /// Ranks only get worse: whoever else is best stays so.
    fn is_worse(&mut self, row: u32) {
        if let Some(at) = self.equals.iter().position(|other| *other == row) {
            self.equals[at..].rotate_left(1);
            self.equals.pop();
        }
    }
}
