//! Whether what is missing here can still come, as far as this peer knows.

use super::Swarm;

/// Where what is missing could come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Live neighbours that have something that is missing here and may send it; before the manifest is known,
    /// those that have the manifest.
    pub sources: u32,
    /// Peers that are said to take part, are no neighbours, and could not be tried yet.
    pub untried: u32,
}

impl Swarm {
    /// What can be hoped for now.
    pub fn outlook(&self) -> Outlook {
        let live = self.neighbours.values().filter(|one| one.opened && one.is_trusted());
        let sources = match &self.chunks {
            Some(_) => live.filter(|one| one.has.offers() > 0).count(),
            None => live.filter(|one| one.manifest_bytes.is_some()).count(),
        };
        Outlook { sources: sources as u32, untried: self.hints.untried() }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;
    use core::net::SocketAddr;

    use samara_model::{ChunkSet, ContentId, HaveSummary, PeerHint, PeerId, PeerMessage, Time};

    use super::*;
    use crate::swarm::{LinkKey, ManifestFacts, SwarmConfig, SwarmInput};

    const CONTENT: ContentId = ContentId([9; 32]);

    fn input(swarm: &mut Swarm, input: SwarmInput) {
        swarm.handle(Time::ZERO, input, &mut Vec::new());
    }

    fn swarm() -> Swarm {
        Swarm::new(SwarmConfig::default(), PeerId([1; 32]), CONTENT, false, 3)
    }

    fn set(chunks: &[u32]) -> ChunkSet {
        let mut set = ChunkSet::empty(8);
        for chunk in chunks {
            set.insert(*chunk);
        }
        set
    }

    fn load(swarm: &mut Swarm, here: &[u32]) {
        let have = set(here);
        let facts = ManifestFacts { bytes: vec![1].into(), chunk_bytes: 65536, have };
        input(swarm, SwarmInput::ManifestLoaded(facts));
    }

    /// Neighbour `number`, which has these chunks and the manifest, if any.
    fn connect(swarm: &mut Swarm, number: u8, chunks: &[u32]) {
        let (peer, link) = (PeerId([number; 32]), LinkKey(u64::from(number)));
        let address = SocketAddr::from(([10, 0, 0, number], 7300));
        input(
            swarm,
            SwarmInput::PeerConnected {
                link,
                peer,
                address,
                labels: Default::default(),
                resumed: false,
            },
        );
        let has = set(chunks);
        let message = PeerMessage::Open {
            channel: 0,
            content: CONTENT,
            manifest_bytes: (!chunks.is_empty()).then_some(1),
            have: HaveSummary::Some(has.to_bytes()),
            origin: false,
            wants_haves: true,
            reply: false,
        };
        input(swarm, SwarmInput::MessageReceived { link, message });
    }

    #[test]
    fn only_who_has_something_that_is_missing_is_a_source() {
        let mut swarm = swarm();
        load(&mut swarm, &[0, 1, 2]);
        connect(&mut swarm, 2, &[0, 1]);
        connect(&mut swarm, 3, &[]);
        assert_eq!(swarm.outlook(), Outlook { sources: 0, untried: 0 });
        connect(&mut swarm, 4, &[5]);
        assert_eq!(swarm.outlook().sources, 1);
        let link = LinkKey(4);
        input(&mut swarm, SwarmInput::ChunkStored { link, chunk: 5 });
        assert_eq!(swarm.outlook().sources, 0);
        let news = PeerMessage::Have { channel: 0, chunks: vec![6], inbound: 0 };
        input(&mut swarm, SwarmInput::MessageReceived { link, message: news });
        assert_eq!(swarm.outlook().sources, 1);
        input(&mut swarm, SwarmInput::ChunkRejected { link, chunk: 6 });
        assert_eq!(swarm.outlook().sources, 0, "nothing is taken from it now");
    }

    #[test]
    fn before_the_manifest_is_here_who_has_it_is_a_source() {
        let mut swarm = swarm();
        connect(&mut swarm, 2, &[]);
        assert_eq!(swarm.outlook().sources, 0);
        connect(&mut swarm, 3, &[1]);
        assert_eq!(swarm.outlook().sources, 1);
        input(&mut swarm, SwarmInput::PeerDisconnected { link: LinkKey(3) });
        assert_eq!(swarm.outlook().sources, 0);
    }

    #[test]
    fn who_could_not_be_reached_is_no_hope() {
        let mut swarm = swarm();
        load(&mut swarm, &[]);
        let (peer, address) = (PeerId([7; 32]), SocketAddr::from(([10, 0, 0, 7], 7300)));
        input(
            &mut swarm,
            SwarmInput::HintsReceived(vec![PeerHint {
                peer,
                address,
                permille: 1000,
                place: Default::default(),
            }]),
        );
        assert_eq!(swarm.outlook(), Outlook { sources: 0, untried: 1 });
        input(&mut swarm, SwarmInput::ConnectFailed { peer });
        assert_eq!(swarm.outlook(), Outlook::default());
    }
}
