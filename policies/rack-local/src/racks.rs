//! Who is near, and who of another rack takes a chunk for it.

use alloc::vec;
use alloc::vec::Vec;

use samara_policy::{Holdings, Me, PeerColumns, pick::at};

/// Whether the row is of this node's rack, or of none.
pub fn is_near(me: &Me, zone: &[u64], rack: &[u64], row: u32) -> bool {
    at(rack, row) == 0 || (at(zone, row), at(rack, row)) == (me.zone, me.rack)
}

/// The other racks of a view, with what their members are seen to have.
#[derive(Debug)]
pub struct FarRacks<'a> {
    peers: &'a PeerColumns,
    holdings: &'a Holdings,
    /// Per row the place of its rack in `racks`; `None` for near rows.
    rack_of: Vec<Option<usize>>,
    racks: Vec<FarRack>,
}

#[derive(Debug)]
struct FarRack {
    name: (u64, u64),
    members: Vec<u32>,
    /// One bit for each position that a member has.
    held: Vec<u64>,
}

impl<'a> FarRacks<'a> {
    /// Groups the rows by zone and rack.
    pub fn new(me: &Me, peers: &'a PeerColumns, holdings: &'a Holdings) -> FarRacks<'a> {
        let mut racks: Vec<FarRack> = Vec::new();
        let mut rack_of = vec![None; peers.len() as usize];
        for row in 0..peers.len() {
            if is_near(me, &peers.zone, &peers.rack, row) {
                continue;
            }
            let name = (at(&peers.zone, row), at(&peers.rack, row));
            let place = racks.iter().position(|rack| rack.name == name).unwrap_or_else(|| {
                racks.push(FarRack { name, members: Vec::new(), held: Vec::new() });
                racks.len() - 1
            });
            let held = holdings.row(row);
            let rack = &mut racks[place];
            rack.members.push(row);
            rack.held.resize(rack.held.len().max(held.len()), 0);
            rack.held.iter_mut().zip(held).for_each(|(all, one)| *all |= one);
            rack_of[row as usize] = Some(place);
        }
        FarRacks { peers, holdings, rack_of, racks }
    }

    /// Whether the row is of another rack.
    pub fn is_far(&self, row: u32) -> bool {
        self.rack_of[row as usize].is_some()
    }

    /// Whether the peer may be given this chunk, as far as racks go: it is near, or nobody of its rack is
    /// seen to have the chunk and it is a gateway for it.
    ///
    /// A gateway is chosen by a number that depends on chunk and peer alone, so that all senders choose the
    /// same, and its second offer is declined. It is one of the share `cross` (in thousandths) of all peers,
    /// or the one with the lowest number of those that this node sees of that rack.
    pub fn may_have(&self, row: u32, position: u32, index: u32, cross: u64) -> bool {
        let Some(rack) = self.rack_of[row as usize].map(|place| &self.racks[place]) else {
            return true;
        };
        let bit = rack
            .held
            .get(position as usize / 64)
            .is_some_and(|word| word >> (position % 64) & 1 == 1);
        if bit {
            return false;
        }
        let number = |row| number(at(&self.peers.id, row), index);
        let mine = number(row);
        let lacks = |row: &&u32| !self.holdings.get(**row, position);
        mine % 1000 < cross || rack.members.iter().filter(lacks).all(|other| number(*other) >= mine)
    }

    /// Per row of another rack how many chunks a member of its rack was sent on average, in thousandths.
    pub fn mean_sent(&self, row: u32) -> u64 {
        let Some(place) = self.rack_of[row as usize] else { return 0 };
        mean_sent(self.peers, self.racks[place].members.iter().copied())
    }
}

/// Chunks sent to these rows on average, in thousandths.
pub fn mean_sent(peers: &PeerColumns, rows: impl Iterator<Item = u32>) -> u64 {
    let (sum, count) =
        rows.fold((0, 0), |(sum, count), row| (sum + u64::from(at(&peers.sent, row)), count + 1));
    sum * 1000 / u64::max(count, 1)
}

/// A number for a peer and a chunk that looks random and is the same for everybody.
fn number(id: u64, index: u32) -> u64 {
    samara_policy::Random::new(id ^ u64::from(index).wrapping_mul(0xd6e8_feb8_6659_fd93)).next_u64()
}
