//! Who is near, and who of another rack takes a chunk for it.

use alloc::vec;
use alloc::vec::Vec;

use samara_policy::{Me, OffersView, Sites, pick::at};

/// Whether the row is of this node's rack, or of none.
pub fn is_near(me: &Me, zone: &[u64], rack: &[u64], row: u32) -> bool {
    at(rack, row) == 0 || (at(zone, row), at(rack, row)) == (me.zone, me.rack)
}

/// The other racks of a view, with what their members are known to have. Site 0 is near.
#[derive(Debug)]
pub struct FarRacks<'a> {
    view: &'a OffersView,
    sites: Sites<'a>,
    /// Per site its rows in the view.
    rows: Vec<Vec<u32>>,
    /// Neighbours in the own rack.
    near: u64,
}

/// Much of a rack is seen when one in so many members is: as many as there are near are taken to be in each.
const SEEN: u64 = 2;

/// A chunk that could cross.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    /// Its number in the content.
    pub index: u32,
    /// Neighbours that are known to have it.
    pub holders: u32,
}

impl<'a> FarRacks<'a> {
    /// Those of the view.
    pub fn new(view: &'a OffersView) -> FarRacks<'a> {
        let sites = Sites::of(view);
        let mut rows = vec![Vec::new(); sites.len()];
        for row in 0..view.peers.len() {
            if let Some(rows) = rows.get_mut(sites.site(row)) {
                rows.push(row);
            }
        }
        let near = sites.members(0);
        FarRacks { view, sites, rows, near }
    }

    /// Whether the row is of another rack.
    pub fn is_far(&self, row: u32) -> bool {
        self.sites.site(row) != 0
    }

    /// Offers and transfers to other racks.
    pub fn outstanding(&self) -> u64 {
        (1..self.sites.len()).map(|site| self.sites.outstanding(site)).fold(0, u64::saturating_add)
    }

    /// Whether much of a rack is seen, if it is as large as the own one.
    fn is_seen(&self, site: usize) -> bool {
        self.sites.members(site).saturating_mul(SEEN) >= self.near
    }

    /// Whether the peer may be given this chunk, as far as racks go: it is near, or nobody of its rack is
    /// known to have the chunk and it is a gateway for it.
    ///
    /// A gateway is chosen by a number that depends on chunk and peer alone, so that all senders choose the
    /// same: it is one of `cross` (in thousandths) of all peers. Of a rack of which much is seen, and of a chunk that
    /// the own rack has got, it is also the one with the lowest number: what is everywhere here should be there, too,
    /// and a rack may have no other gateway for it.
    pub fn may_have(&self, row: u32, position: u32, chunk: Chunk, cross: u64) -> bool {
        let site = self.sites.site(row);
        if site == 0 {
            return true;
        }
        let held = self.sites.held(site).get(position as usize / 64);
        if held.is_some_and(|word| word >> (position % 64) & 1 == 1) {
            return false;
        }
        let number = |row| number(at(&self.view.peers.id, row), chunk.index);
        let mine = number(row);
        if mine % 1000 < cross {
            return true;
        }
        if !self.is_seen(site) && u64::from(chunk.holders) < self.near {
            return false;
        }
        let lacks = |row: &&u32| !self.view.unavailable.get(**row, position);
        self.of(site).iter().filter(lacks).all(|other| number(*other) >= mine)
    }

    fn of(&self, site: usize) -> &[u32] {
        self.rows.get(site).map_or(&[], |rows| rows)
    }

    /// How many chunks the rack of this row was sent, as far as it is in the view.
    pub fn sent(&self, row: u32) -> u64 {
        let rows = self.of(self.sites.site(row)).iter();
        rows.map(|row| u64::from(at(&self.view.peers.sent, *row))).sum()
    }
}

/// A number for a peer and a chunk that looks random and is the same for everybody.
fn number(id: u64, index: u32) -> u64 {
    samara_policy::Random::new(id ^ u64::from(index).wrapping_mul(0xd6e8_feb8_6659_fd93)).next_u64()
}
