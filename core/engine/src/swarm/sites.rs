//! What the neighbours of one rack have together, also those who get no offer now.

use alloc::vec::Vec;

use samara_policy::{Column, SitesBuilder};

use super::views::{For, mark, packer_of};
use super::window::{Window, word_of};
use super::{LinkKey, Swarm};

impl Swarm {
    /// The columns that [`samara_policy::Sites`] reads, if the policy wants them.
    pub(super) fn sites(&self, rows: &[LinkKey], window: &Window, reader: For) -> Vec<Column> {
        if reader != For::Active || !self.policy.sites {
            return Vec::new();
        }
        let mut sites = SitesBuilder::new(self.place.zone, self.place.rack, window.words());
        let mut rows = rows.iter().peekable();
        let packer = packer_of(window);
        let mut packed = Vec::with_capacity(window.words());
        for (link, neighbour) in self.neighbours.iter().filter(|(_, one)| one.opened) {
            let outstanding = self.under_way.to(*link).len() as u64;
            let site = sites.member(neighbour.place.zone, neighbour.place.rack, outstanding);
            if rows.next_if_eq(&link).is_some() {
                sites.row(site);
            }
            if site == 0 || neighbour.origin {
                continue;
            }
            let held = sites.held(site);
            match &packer {
                None => add(held, neighbour.has.words()),
                Some(packer) => {
                    packed.clear();
                    packer.pack(&mut packed, |at| word_of(&neighbour.has, at));
                    add(held, &packed);
                }
            }
            for (_, chunk) in self.on_its_way().filter(|(to, _)| to == link) {
                mark(held, 0, window.position(chunk));
            }
        }
        sites.sites().into_columns()
    }
}

fn add(all: &mut [u64], one: &[u64]) {
    all.iter_mut().zip(one).for_each(|(all, one)| *all |= one);
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use samara_model::{DeclineReason, PeerMessage};
    use samara_policy::{Answer, Offer, OffersAnswer, OffersView, Sites, column};

    use crate::swarm::bench::{Bench, ONE, TWO};
    use crate::swarm::{LinkKey, PolicyFacts, SwarmConfig, SwarmInput};

    const THREE: LinkKey = LinkKey(3);
    const FOUR: LinkKey = LinkKey(4);

    /// A node of rack r1 with the first four of so many chunks; ONE is its mate.
    fn bench(chunks: u32, sites: bool) -> Bench {
        let mut bench = Bench::new(SwarmConfig::default(), chunks, &[0, 1, 2, 3]);
        let facts = PolicyFacts { sites, ..PolicyFacts::default() };
        bench.give(SwarmInput::PolicyChanged { facts });
        bench.connect(ONE, &["zone=z1", "rack=r1"], false, &[0]);
        bench
    }

    #[test]
    fn a_site_has_what_its_busy_and_complete_members_have() {
        let mut bench = bench(640, true);
        bench.connect(TWO, &["zone=z1", "rack=r2"], false, &[]);
        bench.connect(THREE, &["zone=z1", "rack=r2"], false, &[0, 1, 2, 3]);
        bench.connect(FOUR, &["zone=z1"], false, &[3]);
        let (token, view) = bench.offers();
        assert_eq!(view.peers.len(), 3, "THREE lacks nothing");
        let sites = Sites::of(&view);
        assert_eq!([0, 1, 2].map(|row| sites.site(row)), [0, 1, 0]);
        assert_eq!((sites.len(), sites.members(0), sites.members(1)), (2, 2, 2));
        assert_eq!((sites.held(1)[0], sites.outstanding(1)), (0b1111, 0));

        // TWO is offered a chunk, and is busy.
        let offer = Offer { peer: 1, push: false, chunks: vec![2], reason: 0 };
        let answer = Answer::Offers(OffersAnswer { offers: vec![offer] });
        bench.give(SwarmInput::PolicyAnswered { token, answer });
        let outstanding = |view: &OffersView| Sites::of(view).outstanding(1);
        assert_eq!(outstanding(&bench.offers().1), 1);
        let declined = PeerMessage::Decline { channel: 0, reason: DeclineReason::Busy, inbound: 9 };
        bench.say(TWO, declined);
        let view = bench.offers().1;
        assert_eq!((view.peers.len(), outstanding(&view)), (2, 0), "TWO is left alone");
        assert_eq!(Sites::of(&view).members(1), 2);
    }

    #[test]
    fn a_site_of_a_large_content_has_bits_of_the_window() {
        let mut bench = bench(5_000, true);
        bench.connect(TWO, &["zone=z1", "rack=r2"], false, &[1, 3, 4_000]);
        let view = bench.offers().1;
        assert_eq!(view.chunks.index, [0, 1, 2, 3]);
        assert_eq!(Sites::of(&view).held(1), [0b1010]);
    }

    #[test]
    fn a_policy_that_does_not_ask_for_them_is_shown_none() {
        let more = |sites| {
            let mut bench = bench(64, sites);
            bench.connect(TWO, &["zone=z1", "rack=r2"], false, &[]);
            bench.offers().1.more
        };
        assert!(more(false).is_empty());
        assert!(more(true).iter().any(|one| one.id == column::SITES));
    }
}
