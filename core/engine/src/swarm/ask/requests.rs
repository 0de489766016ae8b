//! `requests`: what to ask for, from whom. Of a policy that makes offers, too, it is asked when nothing has
//! come for a while; of one that only requests, whenever a download slot is free.

use alloc::vec::Vec;

use samara_model::{ChunkIndex, PeerMessage, Time};
use samara_policy::{Question, Request, RequestsAnswer, RequestsView};

use super::{About, DropReason, For, Hook, bounded, dropped};
use crate::swarm::window::Window;
use crate::swarm::{LinkKey, Outputs, Swarm};

/// Requests to one source at a time, at least, where everything is requested: while it sends one chunk, the
/// next request is under way.
const PIPELINE: u32 = 2;

impl Swarm {
    /// Whether this node asks whenever it can, by its policy's wish or because the built-in one stands in.
    pub(in crate::swarm) fn pulls(&self) -> bool {
        self.policy.pulls() || self.stands_in()
    }

    /// Asks when slots stayed empty for a while, or at once where everything is requested.
    pub(in crate::swarm) fn ask_idle_requests(&mut self, out: &mut Outputs) {
        let idle = self.is_idle();
        if (idle || self.pulls()) && self.policy.hooks.requests || self.stands_in() {
            self.ask_requests(out);
        }
    }

    pub(in crate::swarm) fn ask_requests(&mut self, out: &mut Outputs) {
        self.requests_wanted = false;
        if self.parked || self.withdrawn {
            return;
        }
        if self.asks.is_open(Hook::Requests) {
            self.requests_wanted = true;
            return;
        }
        let reader = if self.stands_in() { For::BuiltIn } else { For::Active };
        self.question_requests(reader, out);
    }

    pub(super) fn question_requests(&mut self, reader: For, out: &mut Outputs) {
        let free = self.free_download_slots();
        if free == 0 {
            return;
        }
        let rows = self.sources();
        if rows.is_empty() {
            return;
        }
        let window = self.wanted_window(reader);
        if window.is_empty() {
            return;
        }
        let per_source = self.per_source(rows.len());
        let view = RequestsView {
            me: self.me_view(self.download_slots(), free, per_source, reader),
            peers: self.peer_columns(&rows, reader),
            chunks: self.chunk_columns(&window),
            available: self.available(&rows, &window),
            more: Vec::new(),
        };
        self.ask(About::Requests { rows, window }, Question::Requests(view), reader, out);
    }

    /// Most reservations and transfers from one source.
    fn per_source(&self, sources: usize) -> u32 {
        if !self.pulls() {
            return self.per_peer();
        }
        let sources = u32::try_from(sources).unwrap_or(u32::MAX).max(1);
        self.download_slots().div_ceil(sources).max(PIPELINE)
    }

    /// Neighbours that may be asked for something.
    pub(in crate::swarm) fn sources(&self) -> Vec<LinkKey> {
        let able = self.neighbours.iter().filter(|(_, one)| {
            one.opened && one.is_trusted() && one.refused_until <= self.now && one.has.offers() > 0
        });
        able.map(|(link, _)| *link).collect()
    }

    /// When a source that refused may be asked again.
    pub(in crate::swarm) fn next_request_retry(&self) -> Option<Time> {
        let waiting = self.neighbours.values().filter(|one| one.refused_until > self.now);
        waiting.map(|one| one.refused_until).min()
    }

    pub(super) fn apply_requests(
        &mut self,
        rows: &[LinkKey],
        window: &Window,
        answer: &RequestsAnswer,
        reader: For,
        out: &mut Outputs,
    ) -> bool {
        let per_source = self.per_source(rows.len()) as usize;
        let mut decided = false;
        for request in bounded(Hook::Requests, &answer.requests, out) {
            if self.free_download_slots() == 0 {
                dropped(Hook::Requests, DropReason::NoSlot, out);
                break;
            }
            match self.apply_request(rows, window, request, per_source, out) {
                Ok(()) => {
                    decided = true;
                    self.carried_out(Hook::Requests, request.reason, reader);
                }
                Err(why) => dropped(Hook::Requests, why, out),
            }
        }
        decided
    }

    fn apply_request(
        &mut self,
        rows: &[LinkKey],
        window: &Window,
        request: &Request,
        per_source: usize,
        out: &mut Outputs,
    ) -> Result<(), DropReason> {
        let link = *rows.get(request.peer as usize).ok_or(DropReason::UnknownPeer)?;
        let chunk = match request.chunk {
            Some(position) => Some(window.chunk(position).ok_or(DropReason::UnknownChunk)?),
            None => None,
        };
        if !self.neighbours.contains_key(&link) || self.under_way.from(link).len() >= per_source {
            return Err(DropReason::PeerBusy);
        }
        self.request(link, chunk, false, out)
    }

    /// Asks for a chunk, if it is missing and the neighbour has it.
    pub(super) fn request(
        &mut self,
        link: LinkKey,
        chunk: Option<ChunkIndex>,
        second_copy: bool,
        out: &mut Outputs,
    ) -> Result<(), DropReason> {
        let (Some(chunks), Some(neighbour)) = (&self.chunks, self.neighbours.get(&link)) else {
            return Err(DropReason::PeerBusy);
        };
        if let Some(chunk) = chunk {
            let copies = u8::from(second_copy);
            if chunks.have.contains(chunk) || chunks.coming[chunk as usize] > copies {
                return Err(DropReason::HereOrComing);
            }
            if !neighbour.has.contains(chunk) {
                return Err(DropReason::PeerLacks);
            }
        }
        self.reserve(link, chunk, second_copy);
        let inbound = self.inbound() as u16;
        self.stats.requests += 1;
        self.send(link, PeerMessage::Request { channel: 0, chunk, inbound }, out);
        Ok(())
    }
}
