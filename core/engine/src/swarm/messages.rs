//! What neighbours say, and how they come and go.

use core::net::SocketAddr;
use core::time::Duration;

use samara_model::{ChunkIndex, DeclineReason, HaveSummary, LabelNumbers, PeerId, PeerMessage};

use super::neighbour::Neighbour;
use super::under_way::Sending;
use super::{LinkKey, Outputs, Swarm, SwarmOutput};

impl Swarm {
    pub(super) fn on_connected(
        &mut self,
        link: LinkKey,
        peer: PeerId,
        address: SocketAddr,
        labels: LabelNumbers,
        resumed: bool,
        out: &mut Outputs,
    ) {
        if self.hints.is_banned(&peer) || peer == self.me {
            return out.push(SwarmOutput::Disconnect { link, why: "banned from this content" });
        }
        let place = labels.place();
        self.hints.connected(peer, address, place);
        if self.neighbours.contains_key(&link) {
            return;
        }
        let mut neighbour = Neighbour::new(peer, address, self.now);
        neighbour.label(labels, &self.place, &self.policy.labels);
        self.neighbours.insert(link, neighbour);
        self.send_open(link, resumed, out);
    }

    /// Says what is here, and voids what was outstanding.
    pub(super) fn send_open(&mut self, link: LinkKey, reply: bool, out: &mut Outputs) {
        let Some(neighbour) = self.neighbours.get_mut(&link) else { return };
        let (manifest_bytes, have) = match &self.chunks {
            Some(chunks) if !self.withdrawn => {
                neighbour.told = chunks.log.len();
                (Some(chunks.manifest.len() as u32), chunks.summary())
            }
            _ => (None, HaveSummary::Nothing),
        };
        out.push(SwarmOutput::Send {
            link,
            message: PeerMessage::Open {
                channel: 0,
                content: self.content,
                manifest_bytes,
                have,
                origin: self.origin,
                wants_haves: self.first_pass_over,
                reply,
            },
        });
    }

    /// Forgets a neighbour and everything that was going on with it.
    pub(super) fn forget(&mut self, link: LinkKey, _out: &mut Outputs) {
        let Some(neighbour) = self.remove(link) else { return };
        self.hints.lost(neighbour.peer, self.now);
        self.manifest.lost(link);
        self.offers_wanted = true;
        self.requests_wanted = true;
    }

    /// Takes a neighbour out of the books.
    pub(super) fn remove(&mut self, link: LinkKey) -> Option<Neighbour> {
        self.void(link);
        let neighbour = self.neighbours.remove(&link)?;
        if let Some(chunks) = &mut self.chunks {
            chunks.remove_holder(&neighbour.has);
        }
        Some(neighbour)
    }

    /// Ends all reservations and transfers with a neighbour, in the books.
    fn void(&mut self, link: LinkKey) {
        for chunk in self.under_way.void_outgoing(link).filter_map(|out| out.chunk()) {
            if let Some(chunks) = &mut self.chunks {
                chunks.end_sending(chunk);
            }
        }
        for chunk in self.under_way.void_incoming(link).filter_map(|incoming| incoming.chunk) {
            if let Some(chunks) = &mut self.chunks {
                chunks.end_coming(chunk);
            }
        }
        self.assumed.forget(link);
    }

    pub(super) fn on_message(&mut self, link: LinkKey, message: PeerMessage, out: &mut Outputs) {
        if !self.neighbours.contains_key(&link) {
            return;
        }
        match message {
            PeerMessage::Open { manifest_bytes, have, origin, wants_haves, reply, .. } => {
                self.on_open(link, manifest_bytes, have, (origin, wants_haves, reply), out)
            }
            PeerMessage::Close { .. } => self.on_close(link, out),
            PeerMessage::WantHaves { .. } => self.on_want_haves(link, out),
            PeerMessage::Have { chunks, inbound, .. } => {
                self.heard(link, inbound);
                self.on_have(link, &chunks);
            }
            PeerMessage::HaveSet { have, inbound, .. } => {
                self.heard(link, inbound);
                self.on_have_set(link, &have);
            }
            PeerMessage::Withdraw { chunks, .. } => self.on_withdraw(link, &chunks, out),
            PeerMessage::Offer { chunks, inbound, .. } => {
                self.heard(link, inbound);
                self.on_offer(link, &chunks, out);
            }
            PeerMessage::Accept { chunk, inbound, .. } => {
                self.heard(link, inbound);
                self.on_accept(link, chunk, out);
            }
            PeerMessage::Decline { reason, inbound, .. } => self.on_decline(link, reason, inbound),
            PeerMessage::Request { chunk, inbound, .. } => {
                self.heard(link, inbound);
                self.on_request(link, chunk, out);
            }
            PeerMessage::Refuse { chunk, .. } => self.on_refuse(link, chunk),
            PeerMessage::Cancel { chunk, .. } => self.on_cancel(link, chunk, out),
            PeerMessage::Reject { chunk, .. } => self.on_reject(link, chunk, out),
            PeerMessage::ManifestRequest { offset, .. } => {
                self.on_manifest_request(link, offset, out)
            }
            PeerMessage::ManifestPart { offset, bytes, .. } => {
                self.on_manifest_part(link, offset, bytes, out)
            }
            PeerMessage::Peers { peers, .. } => self.on_hints(&peers),
            // The data plane and other machines own the rest.
            _ => {}
        }
    }

    fn on_close(&mut self, link: LinkKey, out: &mut Outputs) {
        let Some(peer) = self.neighbours.get(&link).map(|one| one.peer) else { return };
        self.call_off(link, out);
        self.forget(link, out);
        self.hints.dropped_by(&peer, self.now);
    }

    fn heard(&mut self, link: LinkKey, inbound: u16) {
        let (now, slots) = (self.now, self.download_slots());
        if let Some(neighbour) = self.neighbours.get_mut(&link) {
            if neighbour.busy_until > now && u32::from(inbound) < slots {
                self.offers_wanted = true;
            }
            neighbour.heard_inbound(inbound, slots, now);
        }
    }

    fn on_open(
        &mut self,
        link: LinkKey,
        manifest_bytes: Option<u32>,
        have: HaveSummary,
        (origin, wants_haves, reply): (bool, bool, bool),
        out: &mut Outputs,
    ) {
        self.void(link);
        let Some(neighbour) = self.neighbours.get_mut(&link) else { return };
        let first = !neighbour.opened;
        neighbour.opened = true;
        neighbour.origin = origin;
        neighbour.wants_haves = wants_haves;
        neighbour.manifest_bytes = manifest_bytes;
        neighbour.manifest_since = None;
        neighbour.inbound = (0, self.now);
        neighbour.summary = have;
        self.hints.progressed(&neighbour.peer, neighbour.permille());
        self.resolve_summary(link, out);
        if reply {
            self.send_open(link, false, out);
        }
        if first {
            self.introduce(link, out);
        }
        self.offers_wanted = true;
        self.requests_wanted = true;
        self.schedule_haves();
    }

    /// Turns what a neighbour said it has into a set, as soon as the number of chunks is known.
    pub(super) fn resolve_summary(&mut self, link: LinkKey, out: &mut Outputs) {
        let (Some(chunks), Some(neighbour)) = (&mut self.chunks, self.neighbours.get_mut(&link))
        else {
            return;
        };
        chunks.remove_holder(&neighbour.has);
        match chunks.read_summary(&neighbour.summary) {
            Some(has) => {
                chunks.add_holder(&has);
                neighbour.has.replace(has, &chunks.have);
            }
            None => {
                let nothing = samara_model::ChunkSet::empty(chunks.count());
                neighbour.has.replace(nothing, &chunks.have);
                out.push(SwarmOutput::Disconnect {
                    link,
                    why: "its chunk set does not fit the manifest",
                });
            }
        }
    }

    fn on_decline(&mut self, link: LinkKey, reason: DeclineReason, inbound: u16) {
        let backoff = self.busy_backoff();
        let held = self.assume_held();
        let (now, slots) = (self.now, self.download_slots());
        let Some(neighbour) = self.neighbours.get_mut(&link) else { return };
        neighbour.heard_inbound(inbound, slots, now);
        let Some(offered) = self.under_way.take_offer(link, None) else { return };
        self.answer_pace.record(now.since(offered.since));
        self.chance.record(false);
        self.room.record(reason == DeclineReason::Have);
        let Sending::Offered(chunks) = offered.what else { return };
        match reason {
            DeclineReason::Have => self.stats.declined_have += 1,
            DeclineReason::Busy | DeclineReason::Parked => self.stats.declined_busy += 1,
        }
        match reason {
            DeclineReason::Busy => neighbour.busy_until = now + backoff,
            DeclineReason::Parked => neighbour.busy_until = now + PARKED_BACKOFF,
            DeclineReason::Have => self.assumed.add(link, chunks, now, now + held),
        }
        self.offers_wanted = true;
    }

    fn assume_held(&self) -> Duration {
        let usual = self.send_pace.usual();
        usual.map_or(ASSUME_HELD, |usual| (usual * ASSUME_HELD_TRANSFERS).min(ASSUME_HELD_MOST))
    }

    fn on_withdraw(&mut self, link: LinkKey, withdrawn: &[ChunkIndex], out: &mut Outputs) {
        let Some(neighbour) = self.neighbours.get_mut(&link) else { return };
        neighbour.bad.cleared();
        if withdrawn.is_empty() {
            neighbour.summary = HaveSummary::Nothing;
        }
        let Some(chunks) = &mut self.chunks else { return };
        if withdrawn.is_empty() {
            chunks.remove_holder(&neighbour.has);
            let nothing = samara_model::ChunkSet::empty(chunks.count());
            neighbour.has.replace(nothing, &chunks.have);
            let incoming = self.under_way.void_incoming(link);
            for chunk in incoming.filter_map(|incoming| incoming.chunk) {
                chunks.end_coming(chunk);
                out.push(SwarmOutput::DropIncoming { link, chunk });
            }
            return;
        }
        for chunk in withdrawn {
            if neighbour.has.remove(*chunk, &chunks.have) {
                chunks.holders[*chunk as usize] = chunks.holders[*chunk as usize].saturating_sub(1);
            }
        }
    }
}

/// How long chunks of an offer that was declined because they are there or on their way count as held, until
/// the usual time of a transfer is known ...
const ASSUME_HELD: Duration = Duration::from_millis(500);
/// ... and afterwards, in such times, and at most: what was on its way has come by then, or does not come.
const ASSUME_HELD_TRANSFERS: u32 = 2;
/// See [`ASSUME_HELD_TRANSFERS`].
const ASSUME_HELD_MOST: Duration = Duration::from_secs(2);
/// How long a neighbour whose disk is full is left alone.
const PARKED_BACKOFF: Duration = Duration::from_secs(2);
