//! All neighbours, by link: in one row, as every decision looks at most of them, and few come or go.

use alloc::vec::Vec;
use core::cell::Cell;

use super::LinkKey;
use super::neighbour::Neighbour;

/// Ordered by link.
#[derive(Debug, Default)]
pub struct Neighbours {
    links: Vec<LinkKey>,
    /// In the order of `links`.
    rows: Vec<Neighbour>,
    /// Where the last one was that was looked for: one input looks for the same one several times.
    latest: Cell<usize>,
}

impl Neighbours {
    fn place(&self, link: LinkKey) -> Result<usize, usize> {
        if self.links.get(self.latest.get()) == Some(&link) {
            return Ok(self.latest.get());
        }
        let place = self.links.binary_search(&link);
        self.latest.set(*place.as_ref().unwrap_or(&0));
        place
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// The neighbour on this link.
    pub fn get(&self, link: &LinkKey) -> Option<&Neighbour> {
        self.place(*link).ok().map(|at| &self.rows[at])
    }

    /// See [`Neighbours::get`].
    pub fn get_mut(&mut self, link: &LinkKey) -> Option<&mut Neighbour> {
        self.place(*link).ok().map(|at| &mut self.rows[at])
    }

    /// Whether there is one on this link.
    pub fn contains_key(&self, link: &LinkKey) -> bool {
        self.place(*link).is_ok()
    }

    /// Adds one, or replaces the one that was on this link.
    pub fn insert(&mut self, link: LinkKey, neighbour: Neighbour) {
        match self.place(link) {
            Ok(at) => self.rows[at] = neighbour,
            Err(at) => {
                self.links.insert(at, link);
                self.rows.insert(at, neighbour);
            }
        }
    }

    /// Takes one away.
    pub fn remove(&mut self, link: &LinkKey) -> Option<Neighbour> {
        let at = self.place(*link).ok()?;
        self.links.remove(at);
        Some(self.rows.remove(at))
    }

    /// The neighbours on these links, as far as they are still there. Quick for links in order.
    pub fn select<'a>(
        &'a self,
        links: &'a [LinkKey],
    ) -> impl Iterator<Item = (LinkKey, &'a Neighbour)> + 'a {
        let mut next = 0;
        links.iter().filter_map(move |link| {
            let ahead = &self.links[next.min(self.links.len())..];
            let at = match ahead.iter().take(4).position(|other| other == link) {
                Some(near) => next + near,
                None => self.place(*link).ok()?,
            };
            next = at + 1;
            Some((*link, &self.rows[at]))
        })
    }

    /// The links, in order.
    pub fn keys(&self) -> impl Iterator<Item = &LinkKey> + Clone {
        self.links.iter()
    }

    /// In order of the links.
    pub fn values(&self) -> impl Iterator<Item = &Neighbour> {
        self.rows.iter()
    }

    /// In order of the links.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Neighbour> {
        self.rows.iter_mut()
    }

    /// In order of the links.
    pub fn iter(&self) -> impl Iterator<Item = (&LinkKey, &Neighbour)> {
        self.links.iter().zip(self.values())
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use core::net::SocketAddr;

    use proptest::prelude::*;
    use samara_model::{PeerId, Time};

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_map(steps in proptest::collection::vec((any::<bool>(), 0u8..20), 0..200)) {
            let (mut all, mut model) = (Neighbours::default(), BTreeMap::new());
            for (add, number) in steps {
                let link = LinkKey(u64::from(number));
                if add {
                    let (peer, address) = (PeerId([number; 32]), SocketAddr::from(([10, 0, 0, 1], 1)));
                    all.insert(link, Neighbour::new(peer, address, Time::ZERO));
                    model.insert(link, peer);
                } else {
                    let removed = all.remove(&link).map(|one| one.peer);
                    prop_assert_eq!(removed, model.remove(&link));
                }
                let listed: Vec<_> = all.iter().map(|(link, one)| (*link, one.peer)).collect();
                let expected: Vec<_> = model.iter().map(|(link, peer)| (*link, *peer)).collect();
                prop_assert_eq!(&listed, &expected);
                let mut links: Vec<LinkKey> = (0..20).map(LinkKey).collect();
                let selected: Vec<_> = all.select(&links).map(|(link, one)| (link, one.peer)).collect();
                prop_assert_eq!(&selected, &listed);
                links.reverse();
                prop_assert_eq!(all.select(&links).count(), listed.len());
                prop_assert_eq!(all.get(&link).map(|one| one.peer), model.get(&link).copied());
                prop_assert_eq!((all.len(), all.contains_key(&link)), (model.len(), model.contains_key(&link)));
            }
        }
    }
}
