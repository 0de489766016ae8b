//! Bad chunks: whose fault, and what follows.
//!
//! A rejected chunk may be an accident of the sender (its file was edited, its disk rots) or malice. The
//! sender is told and re-hashes its copy: if that is bad it withdraws and is not blamed. Until it has either
//! withdrawn or vouched for its copy nothing more is taken from it; if it goes on sending bad chunks it is
//! banned.

use core::time::Duration;

use samara_model::{ChunkIndex, HaveSummary, PeerMessage, RejectReason};

use super::{LinkKey, Outputs, Swarm, SwarmEvent, SwarmOutput};

/// Chunks that were on their way when the first was rejected are no insistence.
const GRACE: Duration = Duration::from_secs(1);
/// More bad chunks than this are no accident.
const MOST_BAD: u32 = 16;

impl Swarm {
    pub(super) fn on_chunk_rejected(
        &mut self,
        link: LinkKey,
        chunk: ChunkIndex,
        out: &mut Outputs,
    ) {
        self.end_incoming(link, chunk);
        let now = self.now;
        let Some(neighbour) = self.neighbours.get_mut(&link) else { return };
        neighbour.failures += 1;
        neighbour.rejected += 1;
        neighbour.bad.open.push(chunk);
        let first = *neighbour.bad.first_at.get_or_insert(now);
        let insists = now.since(first) > GRACE || neighbour.rejected > MOST_BAD;
        let peer = neighbour.peer;
        out.push(SwarmOutput::Report(SwarmEvent::ChunkWasBad { peer, chunk }));
        let reason = RejectReason::WrongHash;
        self.send(link, PeerMessage::Reject { channel: 0, chunk, reason }, out);
        if insists {
            self.ban(link, "goes on sending chunks with a wrong hash", out);
        }
    }

    /// Closes the connection and never opens another to this peer for this content.
    pub(super) fn ban(&mut self, link: LinkKey, why: &'static str, out: &mut Outputs) {
        let Some(neighbour) = self.neighbours.get(&link) else { return };
        let peer = neighbour.peer;
        self.hints.ban(peer);
        self.forget(link, out);
        out.push(SwarmOutput::Report(SwarmEvent::PeerBanned { peer, why }));
        out.push(SwarmOutput::Disconnect { link, why });
    }

    /// A neighbour says that a chunk from here was bad: look at the own copy.
    pub(super) fn on_reject(&mut self, link: LinkKey, chunk: ChunkIndex, out: &mut Outputs) {
        let held = self.chunks.as_ref().is_some_and(|chunks| chunks.have.contains(chunk));
        if held && !self.withdrawn {
            out.push(SwarmOutput::VerifyOwn { link, chunk });
        } else {
            let message = PeerMessage::Withdraw { channel: 0, chunks: [chunk].into() };
            self.send(link, message, out);
        }
    }

    /// A good copy is vouched for. A bad one is withdrawn everywhere; the driver withdraws the whole content
    /// when its source has changed.
    pub(super) fn on_own_chunk_verified(
        &mut self,
        link: LinkKey,
        chunk: ChunkIndex,
        good: bool,
        out: &mut Outputs,
    ) {
        if good {
            let inbound = self.inbound() as u16;
            let message = PeerMessage::Have { channel: 0, chunks: [chunk].into(), inbound };
            return self.send(link, message, out);
        }
        let Some(chunks) = &mut self.chunks else { return };
        if chunks.have.remove(chunk) {
            self.neighbours.values_mut().for_each(|one| one.has.left_here(chunk));
        }
        chunks.log.retain(|logged| *logged != chunk);
        let links: alloc::vec::Vec<LinkKey> = self.neighbours.keys().copied().collect();
        for link in links {
            let message = PeerMessage::Withdraw { channel: 0, chunks: [chunk].into() };
            out.push(SwarmOutput::Send { link, message });
        }
    }

    pub(super) fn on_withdrawn(&mut self, out: &mut Outputs) {
        self.withdrawn = true;
        let links: alloc::vec::Vec<LinkKey> = self.neighbours.keys().copied().collect();
        for link in links {
            let Some(neighbour) = self.neighbours.get_mut(&link) else { continue };
            neighbour.summary = HaveSummary::Nothing;
            drop(self.under_way.void_outgoing(link));
            let message = PeerMessage::Withdraw { channel: 0, chunks: [].into() };
            out.push(SwarmOutput::Send { link, message });
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;
    use core::net::SocketAddr;

    use samara_model::{ChunkSet, ContentId, PeerId, Time};

    use super::*;
    use crate::swarm::{ManifestFacts, SwarmConfig, SwarmInput};

    const LINK: LinkKey = LinkKey(5);

    /// A fetching peer with one neighbour, which has everything.
    struct Fetch {
        swarm: Swarm,
        now: Time,
    }

    impl Fetch {
        fn new() -> Fetch {
            let (me, content) = (PeerId([1; 32]), ContentId([9; 32]));
            let swarm = Swarm::new(SwarmConfig::default(), me, content, false, 3);
            let mut fetch = Fetch { swarm, now: Time::ZERO };
            let have = ChunkSet::empty(64);
            let facts = ManifestFacts { bytes: vec![1].into(), chunk_bytes: 65536, have };
            fetch.input(SwarmInput::ManifestLoaded(facts));
            let address = SocketAddr::from(([10, 0, 0, 2], 7300));
            let peer = PeerId([2; 32]);
            let connected = SwarmInput::PeerConnected {
                link: LINK,
                peer,
                address,
                labels: Default::default(),
                resumed: false,
            };
            fetch.input(connected);
            fetch.hears(PeerMessage::Open {
                channel: 0,
                content,
                manifest_bytes: Some(1),
                have: HaveSummary::Everything,
                origin: true,
                wants_haves: true,
                reply: false,
            });
            fetch
        }

        fn input(&mut self, input: SwarmInput) -> Vec<SwarmOutput> {
            let mut out = Vec::new();
            self.swarm.handle(self.now, input, &mut out);
            out
        }

        fn hears(&mut self, message: PeerMessage) -> Vec<SwarmOutput> {
            self.input(SwarmInput::MessageReceived { link: LINK, message })
        }

        /// Occurs when a chunk that it pushed had the wrong hash; says whether it was banned for that.
        fn bad_chunk(&mut self, chunk: ChunkIndex) -> bool {
            let out = self.input(SwarmInput::ChunkRejected { link: LINK, chunk });
            let told = |output: &SwarmOutput| {
                let SwarmOutput::Send { message, .. } = output else { return false };
                matches!(message, PeerMessage::Reject { chunk: about, .. } if *about == chunk)
            };
            assert!(out.iter().any(told), "it is told: {out:?}");
            let banned = |output: &SwarmOutput| {
                matches!(output, SwarmOutput::Report(SwarmEvent::PeerBanned { .. }))
            };
            out.iter().any(banned)
        }

        /// Offers a chunk, and sends it if it is accepted.
        fn accepts(&mut self, chunk: ChunkIndex) -> bool {
            let out =
                self.hears(PeerMessage::Offer { channel: 0, chunks: vec![chunk], inbound: 0 });
            let accepted = out.iter().any(|output| {
                matches!(output, SwarmOutput::Send { message: PeerMessage::Accept { .. }, .. })
            });
            if accepted {
                self.input(SwarmInput::ChunkStored { link: LINK, chunk });
            }
            accepted
        }

        fn later(&mut self, after: Duration) {
            self.now = self.now + after;
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_peer_that_withdrew_a_bad_chunk_is_not_blamed_at_its_next() {
        let mut fetch = Fetch::new();
        for chunk in 0..10 {
            assert!(!fetch.bad_chunk(chunk), "banned at chunk {chunk}");
            assert!(!fetch.accepts(chunk + 20), "the matter is still open");
            fetch.hears(PeerMessage::Withdraw { channel: 0, chunks: vec![chunk] });
            assert!(fetch.accepts(chunk + 20), "it has withdrawn what was bad");
            fetch.later(LONG);
        }
    }

    #[test]
    fn a_peer_that_insists_is_banned_at_its_next() {
        let mut fetch = Fetch::new();
        assert!(!fetch.bad_chunk(0));
        assert!(!fetch.bad_chunk(1), "it was on its way when the first was rejected");
        fetch.later(LONG);
        assert!(fetch.bad_chunk(2));
    }

    #[test]
    fn a_peer_that_withdraws_again_and_again_is_banned_in_the_end() {
        let mut fetch = Fetch::new();
        let withdraw = |chunk| PeerMessage::Withdraw { channel: 0, chunks: vec![chunk] };
        let banned = (0..=MOST_BAD).find(|chunk| {
            let banned = fetch.bad_chunk(*chunk);
            fetch.hears(withdraw(*chunk));
            banned
        });
        assert_eq!(banned, Some(MOST_BAD));
    }
}
