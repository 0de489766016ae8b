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
        neighbour.bad.total += 1;
        neighbour.bad.open.push(chunk);
        let first = *neighbour.bad.first_at.get_or_insert(now);
        let insists = now.since(first) > GRACE || neighbour.bad.total > MOST_BAD;
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
        chunks.have.remove(chunk);
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
            neighbour.outgoing.clear();
            let message = PeerMessage::Withdraw { channel: 0, chunks: [].into() };
            out.push(SwarmOutput::Send { link, message });
        }
    }
}
