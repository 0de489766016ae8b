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
    near: u32,
}

/// Much of a rack is seen when one in so many members is: as many as there are near are taken to be in each.
const SEEN: u32 = 2;
/// A chunk is old when so many quarters of the own rack's size are known to have it.
const OLD_QUARTERS: u32 = 3;
/// Of an old chunk there are so many times more gateways.
const OLD_SHARE: u64 = 3;

/// A chunk that could cross.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    /// Its number in the content.
    pub index: u32,
    /// Neighbours that are known to have it.
    pub holders: u32,
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
        let near = rack_of.iter().filter(|place| place.is_none()).count() as u32;
        FarRacks { peers, holdings, rack_of, racks, near }
    }

    /// Whether the row is of another rack.
    pub fn is_far(&self, row: u32) -> bool {
        self.rack_of[row as usize].is_some()
    }

    /// Who comes first: members of racks of which little is seen, to whom little may cross; then mates; then
    /// members of racks of which much is seen: each sender sees others, and each takes another for the lowest.
    pub fn order(&self, row: u32) -> u64 {
        match self.rack(row) {
            Some(rack) if self.is_seen(rack) => 2,
            Some(_) => 0,
            None => 1,
        }
    }

    fn rack(&self, row: u32) -> Option<&FarRack> {
        self.rack_of[row as usize].map(|place| &self.racks[place])
    }

    /// Whether much of a rack is seen, if it is as large as the own one.
    fn is_seen(&self, rack: &FarRack) -> bool {
        rack.members.len() as u32 * SEEN >= self.near
    }

    /// Whether the peer may be given this chunk, as far as racks go: it is near, or nobody of its rack is
    /// seen to have the chunk and it is a gateway for it.
    ///
    /// A gateway is chosen by a number that depends on chunk and peer alone, so that all senders choose the
    /// same: it is one of `cross` (in thousandths) of all peers, of an old chunk one of more. Of a rack of which much
    /// is seen, however old the chunk, it is also the one with the lowest number.
    pub fn may_have(&self, row: u32, position: u32, chunk: Chunk, cross: u64) -> bool {
        let Some(rack) = self.rack(row) else { return true };
        let held = rack.held.get(position as usize / 64);
        if held.is_some_and(|word| word >> (position % 64) & 1 == 1) {
            return false;
        }
        let number = |row| number(at(&self.peers.id, row), chunk.index);
        let mine = number(row);
        if self.is_seen(rack) {
            let lacks = |row: &&u32| !self.holdings.get(**row, position);
            let mut others = rack.members.iter().filter(lacks);
            return mine % 1000 < cross || others.all(|other| number(*other) >= mine);
        }
        // What the own rack has all but got should be everywhere: a rack without it has no gateway for it.
        let is_old = chunk.holders * 4 >= self.near * OLD_QUARTERS;
        mine % 1000 < if is_old { cross * OLD_SHARE } else { cross }
    }

    /// Per row of another rack how many chunks its rack was sent.
    pub fn sent(&self, row: u32) -> u64 {
        let Some(place) = self.rack_of[row as usize] else { return 0 };
        sent(self.peers, self.racks[place].members.iter().copied())
    }
}

/// Chunks that were sent to these rows.
pub fn sent(peers: &PeerColumns, rows: impl Iterator<Item = u32>) -> u64 {
    rows.map(|row| u64::from(at(&peers.sent, row))).sum()
}

/// A number for a peer and a chunk that looks random and is the same for everybody.
fn number(id: u64, index: u32) -> u64 {
    samara_policy::Random::new(id ^ u64::from(index).wrapping_mul(0xd6e8_feb8_6659_fd93)).next_u64()
}
