//! Neighbours that stand together, also those that are no rows of the view.

use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;

use crate::{Column, OffersView, column};

/// The neighbours of a node by site: those of the same zone and rack are in one. Site 0 is the node's own, with the
/// neighbours that tell no rack.
///
/// A view of offers has no rows for neighbours that are complete or busy; what they have, their site has. The node
/// tells so in the columns from [`column::SITES`] on when [`crate::Description::columns`] asks for that one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sites<'a> {
    /// Per row its site.
    of: Cow<'a, [u64]>,
    members: Cow<'a, [u64]>,
    outstanding: Cow<'a, [u64]>,
    /// Per site as many words as a row of the view's bits has.
    held: Cow<'a, [u64]>,
    words: usize,
}

impl<'a> Sites<'a> {
    /// Those that the view tells; where it does not, what its rows tell.
    pub fn of(view: &'a OffersView) -> Sites<'a> {
        Sites::told(view).unwrap_or_else(|| Sites::of_rows(view))
    }

    fn told(view: &'a OffersView) -> Option<Sites<'a>> {
        let column = |id| {
            let column = view.more.iter().find(|one| one.id == id)?;
            Some(Cow::Borrowed(&*column.values))
        };
        Some(Sites {
            of: column(column::SITES)?,
            members: column(column::SITE_MEMBERS)?,
            outstanding: column(column::SITE_OUTSTANDING)?,
            held: column(column::SITE_HELD)?,
            words: view.unavailable.words as usize,
        })
    }

    fn of_rows(view: &OffersView) -> Sites<'a> {
        let (peers, words) = (&view.peers, view.unavailable.words as usize);
        let mut all = SitesBuilder::new(view.me.zone, view.me.rack, words);
        for row in 0..peers.len() {
            let at = |column: &[u64]| column.get(row as usize).copied().unwrap_or(0);
            let outstanding = peers.outstanding.get(row as usize).copied().unwrap_or(0);
            let site = all.member(at(&peers.zone), at(&peers.rack), outstanding.into());
            all.row(site);
            if site == 0 || peers.origin.get(row as usize).is_some_and(|origin| *origin) {
                continue;
            }
            let row = view.unavailable.row(row);
            all.held(site).iter_mut().zip(row).for_each(|(all, one)| *all |= one);
        }
        all.sites()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The site of a row.
    pub fn site(&self, row: u32) -> usize {
        self.of.get(row as usize).map_or(0, |site| *site as usize)
    }

    /// Neighbours in a site.
    pub fn members(&self, site: usize) -> u64 {
        self.members.get(site).copied().unwrap_or(0)
    }

    /// Offers and transfers from this node to members of a site.
    pub fn outstanding(&self, site: usize) -> u64 {
        self.outstanding.get(site).copied().unwrap_or(0)
    }

    /// One bit for each position of the window: somebody of another site has it, or it is on its way there from
    /// this node. An origin does not count: it has everything, and sends each chunk once before it serves its site.
    /// Not told of site 0, as all of the window is here.
    pub fn held(&self, site: usize) -> &[u64] {
        let start = site.saturating_mul(self.words);
        let end = start.saturating_add(self.words);
        self.held.get(start..end).unwrap_or(&[])
    }

    /// The columns of a view.
    pub fn into_columns(self) -> Vec<Column> {
        let columns = [
            (column::SITES, self.of),
            (column::SITE_MEMBERS, self.members),
            (column::SITE_OUTSTANDING, self.outstanding),
            (column::SITE_HELD, self.held),
        ];
        columns.into_iter().map(|(id, values)| Column { id, values: values.into_owned() }).collect()
    }
}

/// Puts neighbours into sites, one after the other.
#[derive(Debug)]
pub struct SitesBuilder {
    /// Zone and rack of each site.
    places: Vec<(u64, u64)>,
    sites: Sites<'static>,
}

impl SitesBuilder {
    /// For a node in this zone and rack, and a view whose rows of bits have so many words.
    pub fn new(zone: u64, rack: u64, words: usize) -> SitesBuilder {
        let sites = Sites {
            of: Cow::Owned(Vec::new()),
            members: vec![0].into(),
            outstanding: vec![0].into(),
            held: vec![0; words].into(),
            words,
        };
        SitesBuilder { places: vec![(zone, rack)], sites }
    }

    /// Adds a neighbour, to which so many offers and transfers run. Its site is the answer.
    pub fn member(&mut self, zone: u64, rack: u64, outstanding: u64) -> usize {
        let site = match rack {
            0 => 0,
            _ => self.site_at((zone, rack)),
        };
        self.sites.members.to_mut()[site] += 1;
        self.sites.outstanding.to_mut()[site] += outstanding;
        site
    }

    fn site_at(&mut self, place: (u64, u64)) -> usize {
        if let Some(site) = self.places.iter().position(|other| *other == place) {
            return site;
        }
        self.places.push(place);
        self.sites.members.to_mut().push(0);
        self.sites.outstanding.to_mut().push(0);
        let held = self.sites.held.to_mut();
        held.resize(held.len() + self.sites.words, 0);
        self.places.len() - 1
    }

    /// The next row of the view is of this site.
    pub fn row(&mut self, site: usize) {
        self.sites.of.to_mut().push(site as u64);
    }

    /// What a site has, to be added to.
    pub fn held(&mut self, site: usize) -> &mut [u64] {
        let words = self.sites.words;
        &mut self.sites.held.to_mut()[site * words..][..words]
    }

    /// The sites.
    pub fn sites(self) -> Sites<'static> {
        self.sites
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Holdings, PeerColumns};

    fn view() -> OffersView {
        let mut view = OffersView::default();
        view.me.rack = 7;
        view.peers = PeerColumns {
            id: vec![1, 2, 3, 4],
            zone: vec![0; 4],
            rack: vec![8, 7, 8, 0],
            outstanding: vec![1, 1, 1, 0],
            ..PeerColumns::default()
        };
        view.unavailable = Holdings { words: 1, bits: vec![0b001, 0b010, 0b100, 0] };
        view
    }

    #[test]
    fn rows_tell_what_they_can() {
        let view = view();
        let sites = Sites::of(&view);
        assert_eq!(sites.len(), 2);
        assert_eq!([0, 1, 2, 3].map(|row| sites.site(row)), [1, 0, 1, 0]);
        assert_eq!((sites.members(0), sites.members(1)), (2, 2));
        assert_eq!((sites.outstanding(1), sites.held(1)), (2, &[0b101][..]));
        assert_eq!(sites.held(0), [0], "not told of the own site");
    }

    #[test]
    fn columns_are_read_as_they_were_written_and_short_ones_break_nothing() {
        let mut told = view();
        let mut all = SitesBuilder::new(0, 7, 1);
        let site = all.member(0, 9, 3);
        all.row(site);
        all.held(site)[0] = 5;
        told.more = all.sites().into_columns();
        let sites = Sites::of(&told);
        assert_eq!((sites.site(0), sites.members(1), sites.held(1)), (1, 1, &[5][..]));
        assert_eq!((sites.site(1), sites.members(2), sites.held(usize::MAX)), (0, 0, &[][..]));
        told.more.pop();
        let sites = Sites::of(&told);
        assert_eq!(sites.members(1), 2, "told in part is as not told");
    }
}
