//! What is promised or on its way, in both directions, over all neighbours: two short lists. Slots are
//! counted at every input, and a look at these costs less than one at every neighbour.

use alloc::vec::Vec;

use samara_model::{ChunkIndex, Time};

use super::LinkKey;

/// Something on its way to a neighbour.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// To whom.
    pub link: LinkKey,
    /// When it was offered, or began to be sent.
    pub since: Time,
    /// When its turn came: what waits behind another chunk on the same link is timed from the end of that.
    pub turn: Time,
    /// What.
    pub what: Sending,
}

/// A stage of a transfer to a neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sending {
    /// These were offered; no answer yet.
    Offered(Vec<ChunkIndex>),
    /// This is being sent.
    Chunk(ChunkIndex),
}

impl Outgoing {
    /// Something that sets out now.
    pub fn new(link: LinkKey, now: Time, what: Sending) -> Self {
        Outgoing { link, since: now, turn: now, what }
    }

    /// The chunk that is being sent; `None` of an offer.
    pub fn chunk(&self) -> Option<ChunkIndex> {
        match self.what {
            Sending::Chunk(chunk) => Some(chunk),
            Sending::Offered(_) => None,
        }
    }
}

/// Something on its way here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incoming {
    /// From whom.
    pub link: LinkKey,
    /// The chunk, or any (a request that leaves the choice to the source).
    pub chunk: Option<ChunkIndex>,
    /// When it was accepted or asked for, or came unasked.
    pub since: Time,
    /// See [`Outgoing::turn`].
    pub turn: Time,
    /// Its first bytes have come.
    pub started: bool,
    /// A second copy was asked for, or this is one.
    pub hedged: bool,
}

impl Incoming {
    /// Something that is expected from now on.
    pub fn new(link: LinkKey, now: Time, chunk: Option<ChunkIndex>) -> Self {
        Incoming { link, chunk, since: now, turn: now, started: false, hedged: false }
    }
}

/// Both lists, ordered by link, and of one link in the order in which they began.
#[derive(Debug, Default)]
pub struct UnderWay {
    outgoing: Vec<Outgoing>,
    incoming: Vec<Incoming>,
}

impl UnderWay {
    /// Everything on its way out.
    pub fn outgoing(&self) -> &[Outgoing] {
        &self.outgoing
    }

    /// Everything on its way here.
    pub fn incoming(&self) -> &[Incoming] {
        &self.incoming
    }

    /// What is on its way to one neighbour.
    pub fn to(&self, link: LinkKey) -> &[Outgoing] {
        let (start, end) = range(&self.outgoing, |one| one.link, link);
        &self.outgoing[start..end]
    }

    /// What is on its way from one neighbour.
    pub fn from(&self, link: LinkKey) -> &[Incoming] {
        let (start, end) = range(&self.incoming, |one| one.link, link);
        &self.incoming[start..end]
    }

    /// The reservation of a chunk (or of any) from one neighbour.
    pub fn reservation(
        &mut self,
        link: LinkKey,
        chunk: Option<ChunkIndex>,
    ) -> Option<&mut Incoming> {
        let (start, end) = range(&self.incoming, |one| one.link, link);
        self.incoming[start..end].iter_mut().find(|one| one.chunk == chunk)
    }

    /// Whether a chunk is on its way to a neighbour.
    pub fn is_sent(&self, link: LinkKey, chunk: ChunkIndex) -> bool {
        self.to(link).iter().any(|out| out.chunk() == Some(chunk))
    }

    /// Something sets out.
    pub fn send(&mut self, outgoing: Outgoing) {
        let at = self.outgoing.partition_point(|one| one.link <= outgoing.link);
        self.outgoing.insert(at, outgoing);
    }

    /// Something is expected.
    pub fn expect(&mut self, incoming: Incoming) {
        let at = self.incoming.partition_point(|one| one.link <= incoming.link);
        self.incoming.insert(at, incoming);
    }

    /// Takes the reservation of a chunk away.
    pub fn take_incoming(&mut self, link: LinkKey, chunk: ChunkIndex) -> Option<Incoming> {
        let (start, end) = range(&self.incoming, |one| one.link, link);
        let at = self.incoming[start..end].iter().position(|one| one.chunk == Some(chunk))?;
        Some(self.incoming.remove(start + at))
    }

    /// Takes a running transfer away.
    pub fn take_sending(&mut self, link: LinkKey, chunk: ChunkIndex) -> Option<Outgoing> {
        self.take_outgoing(link, |one| one.chunk() == Some(chunk))
    }

    /// Takes the first offer away that names `chunk`, or any.
    pub fn take_offer(&mut self, link: LinkKey, chunk: Option<ChunkIndex>) -> Option<Outgoing> {
        self.take_outgoing(link, |one| match &one.what {
            Sending::Offered(chunks) => chunk.is_none_or(|chunk| chunks.contains(&chunk)),
            Sending::Chunk(_) => false,
        })
    }

    fn take_outgoing(
        &mut self,
        link: LinkKey,
        is_it: impl Fn(&Outgoing) -> bool,
    ) -> Option<Outgoing> {
        let (start, end) = range(&self.outgoing, |one| one.link, link);
        let at = self.outgoing[start..end].iter().position(is_it)?;
        Some(self.outgoing.remove(start + at))
    }

    /// Takes away all that is on its way to a neighbour.
    pub fn void_outgoing(&mut self, link: LinkKey) -> impl Iterator<Item = Outgoing> + '_ {
        let (start, end) = range(&self.outgoing, |one| one.link, link);
        self.outgoing.drain(start..end)
    }

    /// Takes away all that is on its way from a neighbour.
    pub fn void_incoming(&mut self, link: LinkKey) -> impl Iterator<Item = Incoming> + '_ {
        let (start, end) = range(&self.incoming, |one| one.link, link);
        self.incoming.drain(start..end)
    }

    /// Takes away and returns what `ends`.
    pub fn end_incoming_where(&mut self, ends: impl Fn(&Incoming) -> bool) -> Vec<Incoming> {
        self.incoming.extract_if(.., |one| ends(one)).collect()
    }

    /// Takes away and returns what `ends`.
    pub fn end_outgoing_where(&mut self, ends: impl Fn(&Outgoing) -> bool) -> Vec<Outgoing> {
        self.outgoing.extract_if(.., |one| ends(one)).collect()
    }

    /// A chunk has reached a neighbour: it is the turn of what waited behind it.
    pub fn sent_to(&mut self, link: LinkKey, now: Time) {
        let (start, end) = range(&self.outgoing, |one| one.link, link);
        self.outgoing[start..end].iter_mut().for_each(|one| one.turn = now);
    }

    /// A chunk has come from a neighbour: it is the turn of what waited behind it.
    pub fn received_from(&mut self, link: LinkKey, now: Time) {
        let (start, end) = range(&self.incoming, |one| one.link, link);
        self.incoming[start..end].iter_mut().for_each(|one| one.turn = now);
    }

    /// Per neighbour that something is on its way to, the earliest turn.
    pub fn sending(&self) -> impl Iterator<Item = (LinkKey, Time)> + '_ {
        let groups = self.outgoing.chunk_by(|one, next| one.link == next.link);
        groups.filter_map(|group| {
            Some((group.first()?.link, group.iter().map(|one| one.turn).min()?))
        })
    }

    /// Per neighbour that something is on its way from, the earliest turn.
    pub fn receiving(&self) -> impl Iterator<Item = Time> + '_ {
        let groups = self.incoming.chunk_by(|one, next| one.link == next.link);
        groups.filter_map(|group| group.iter().map(|one| one.turn).min())
    }
}

/// Where the entries of one link are.
fn range<T>(list: &[T], link_of: impl Fn(&T) -> LinkKey, link: LinkKey) -> (usize, usize) {
    let start = list.partition_point(|one| link_of(one) < link);
    let length = list[start..].iter().take_while(|one| link_of(one) == link).count();
    (start, start + length)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn sent(link: u64, since: u64, chunk: ChunkIndex) -> Outgoing {
        Outgoing::new(LinkKey(link), Time(since), Sending::Chunk(chunk))
    }

    fn expected(link: u64, since: u64, chunk: Option<ChunkIndex>) -> Incoming {
        Incoming::new(LinkKey(link), Time(since), chunk)
    }

    #[test]
    fn transfers_are_found_by_link_and_slots_counted_by_neighbour() {
        let mut all = UnderWay::default();
        for (link, since, chunk) in [(5, 9, 1), (2, 3, 2), (5, 4, 3), (9, 1, 4)] {
            all.send(sent(link, since, chunk));
        }
        let offered = Sending::Offered(vec![7, 8]);
        all.send(Outgoing::new(LinkKey(5), Time(2), offered));
        let slots: Vec<_> = all.sending().collect();
        assert_eq!(slots, [(LinkKey(2), Time(3)), (LinkKey(5), Time(2)), (LinkKey(9), Time(1))]);
        assert_eq!(all.to(LinkKey(5)).len(), 3);
        assert!(all.is_sent(LinkKey(5), 3) && !all.is_sent(LinkKey(5), 7));
        assert!(all.take_offer(LinkKey(5), Some(9)).is_none());
        assert!(all.take_offer(LinkKey(5), None).is_some());
        assert_eq!(all.take_sending(LinkKey(5), 1).map(|one| one.since), Some(Time(9)));
        all.sent_to(LinkKey(5), Time(20));
        assert_eq!(all.sending().nth(1), Some((LinkKey(5), Time(20))), "what waited is timed anew");
        assert_eq!(all.to(LinkKey(5))[0].since, Time(4));
        assert_eq!(all.void_outgoing(LinkKey(5)).count(), 1);
        assert_eq!(all.outgoing().len(), 2);
    }

    #[test]
    fn reservations_are_found_by_link() {
        let mut all = UnderWay::default();
        for (link, since, chunk) in [(5, 9, Some(1)), (2, 3, None), (5, 4, Some(3))] {
            all.expect(expected(link, since, chunk));
        }
        assert_eq!(all.from(LinkKey(5)).len(), 2);
        if let Some(any) = all.reservation(LinkKey(2), None) {
            any.chunk = Some(6);
        }
        assert!(all.take_incoming(LinkKey(2), 6).is_some());
        let late = all.end_incoming_where(|one| one.since < Time(5));
        assert_eq!(late.len(), 1);
        assert_eq!(all.receiving().collect::<Vec<_>>(), [Time(9)]);
        all.received_from(LinkKey(5), Time(20));
        assert_eq!(all.receiving().collect::<Vec<_>>(), [Time(20)], "what waited is timed anew");
        assert_eq!(all.void_incoming(LinkKey(5)).count(), 1);
        assert!(all.incoming().is_empty());
    }
}
