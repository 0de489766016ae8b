//! Questions to the policy and what comes of the answers. An answer is checked decision by decision; what
//! does not hold is dropped and reported. While a question is open no second one of its kind is asked.

use alloc::vec::Vec;
use core::time::Duration;

use samara_model::{ChunkIndex, PeerId, PeerMessage, Time};
use samara_policy::{
    Answer, CandidateColumns, InboundColumns, NeighboursAnswer, NeighboursView, OffersAnswer,
    OffersView, OverdueAction, OverdueAnswer, OverdueView, Question, RequestsAnswer, RequestsView,
};

use super::hints::HintState;
use super::views::Window;
use super::{LinkKey, Outputs, Swarm, SwarmEvent, SwarmOutput};

/// Transfers are looked at by the policy from this age on, in mean download times.
const OVERDUE_AFTER: u32 = 3;
/// Most transfers in one overdue question.
const MAX_OVERDUE: usize = 64;

/// An open question.
#[derive(Debug)]
struct Ask {
    token: u64,
    at: Time,
    built_in: bool,
    about: About,
}

/// What a question was about, to read the answer back.
#[derive(Debug)]
enum About {
    Neighbours(Vec<PeerId>),
    Offers { rows: Vec<LinkKey>, window: Window },
    Requests { rows: Vec<LinkKey>, window: Window },
    Overdue { rows: Vec<LinkKey>, transfers: Vec<(LinkKey, ChunkIndex)> },
}

/// All open questions, at most one of each kind.
#[derive(Debug, Default)]
pub struct Asks {
    open: Vec<Ask>,
    next_token: u64,
    policy_deadline: Duration,
}

impl About {
    fn kind(&self) -> core::mem::Discriminant<About> {
        core::mem::discriminant(self)
    }
}

impl Asks {
    /// When the first answer is late.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.open.iter().filter(|ask| !ask.built_in).map(|ask| ask.at + self.policy_deadline).min()
    }

    fn is_open(&self, wanted: fn(&About) -> bool) -> bool {
        self.open.iter().any(|ask| wanted(&ask.about))
    }

    fn take(&mut self, token: u64) -> Option<Ask> {
        let at = self.open.iter().position(|ask| ask.token == token)?;
        Some(self.open.swap_remove(at))
    }
}

impl Swarm {
    fn ask(&mut self, about: About, question: Question, built_in: bool, out: &mut Outputs) {
        self.asks.policy_deadline = self.config.policy_deadline;
        self.asks.next_token += 1;
        self.stats.questions += 1;
        let token = self.asks.next_token;
        self.asks.open.retain(|ask| ask.about.kind() != about.kind());
        self.asks.open.push(Ask { token, at: self.now, built_in, about });
        out.push(if built_in {
            SwarmOutput::AskBuiltIn { token, question }
        } else {
            SwarmOutput::AskPolicy { token, question, deadline: self.config.policy_deadline }
        });
    }

    pub(super) fn on_answer(&mut self, token: u64, answer: Answer, out: &mut Outputs) {
        let Some(ask) = self.asks.take(token) else { return };
        match (ask.about, answer) {
            (About::Neighbours(rows), Answer::Neighbours(answer)) => {
                self.apply_neighbours(&rows, &answer, out)
            }
            (About::Offers { rows, window }, Answer::Offers(answer)) => {
                self.apply_offers(&rows, &window, &answer, out)
            }
            (About::Requests { rows, window }, Answer::Requests(answer)) => {
                self.apply_requests(&rows, &window, &answer, out)
            }
            (About::Overdue { rows, transfers }, Answer::Overdue(answer)) => {
                self.apply_overdue(&rows, &transfers, &answer, out)
            }
            _ => dropped("the answer is for another hook", out),
        }
    }

    pub(super) fn on_policy_failed(&mut self, token: u64, out: &mut Outputs) {
        if let Some(ask) = self.asks.take(token) {
            self.fall_back(ask, "failed", out);
        }
    }

    /// Late answers are not waited for: the built-in policy is asked instead.
    pub(super) fn expire_asks(&mut self, out: &mut Outputs) {
        let (now, deadline) = (self.now, self.config.policy_deadline);
        let late = |ask: &Ask| !ask.built_in && now.since(ask.at) > deadline;
        while let Some(at) = self.asks.open.iter().position(late) {
            let ask = self.asks.open.swap_remove(at);
            self.fall_back(ask, "late", out);
        }
        // A built-in answer that never comes was lost with its asker: the question is free again.
        self.asks.open.retain(|ask| now.since(ask.at) < Duration::from_secs(2));
    }

    fn fall_back(&mut self, ask: Ask, why: &'static str, out: &mut Outputs) {
        if ask.built_in {
            return;
        }
        out.push(SwarmOutput::Report(SwarmEvent::FellBack { why }));
        match ask.about {
            About::Neighbours(_) => self.question_neighbours(true, out),
            About::Offers { .. } => self.question_offers(true, out),
            About::Requests { .. } => self.question_requests(true, out),
            About::Overdue { .. } => self.question_overdue(true, out),
        }
    }

    // Offers

    pub(super) fn ask_offers(&mut self, out: &mut Outputs) {
        self.offers_wanted = false;
        if self.asks.is_open(|about| matches!(about, About::Offers { .. })) {
            // Asked again as soon as this one is answered.
            self.offers_wanted = true;
            return;
        }
        self.question_offers(false, out);
    }

    fn question_offers(&mut self, built_in: bool, out: &mut Outputs) {
        let free = self.free_upload_slots();
        if free == 0 {
            return;
        }
        let rows = self.receivers();
        if rows.is_empty() {
            return;
        }
        let window = self.sending_window();
        let view = OffersView {
            me: self.me_view(self.upload_slots, free, self.per_peer()),
            peers: self.peer_columns(&rows),
            chunks: self.chunk_columns(&window),
            unavailable: self.unavailable(&rows, &window),
            more: Vec::new(),
        };
        self.ask(About::Offers { rows, window }, Question::Offers(view), built_in, out);
    }

    fn apply_offers(
        &mut self,
        rows: &[LinkKey],
        window: &Window,
        answer: &OffersAnswer,
        out: &mut Outputs,
    ) {
        for offer in &answer.offers {
            let Some(link) = rows.get(offer.peer as usize).copied() else {
                dropped("names a peer that was not in the view", out);
                continue;
            };
            if self.free_upload_slots() == 0 {
                dropped("there is no free slot", out);
                break;
            }
            let room = self.per_peer() as usize;
            if self.neighbours.get(&link).is_none_or(|one| one.outgoing.len() >= room) {
                dropped("the peer is gone or busy with this node", out);
                continue;
            }
            let chunks: Vec<ChunkIndex> =
                offer.chunks.iter().filter_map(|position| window.chunk(*position)).collect();
            let first = self.sendable(link, &chunks).first().copied();
            match first {
                Some(chunk) if offer.push => self.serve(link, chunk, out),
                Some(_) => {
                    self.offer(link, &chunks, out);
                }
                None => dropped("the peer has each chunk, or it is not here", out),
            }
        }
    }

    // Requests

    pub(super) fn ask_idle_requests(&mut self, out: &mut Outputs) {
        if !self.asks.is_open(|about| matches!(about, About::Requests { .. })) && self.is_idle() {
            self.question_requests(false, out);
        }
    }

    fn question_requests(&mut self, built_in: bool, out: &mut Outputs) {
        let free = self.free_download_slots();
        let window = self.wanted_window();
        let rows = self.sources();
        if free == 0 || rows.is_empty() {
            return;
        }
        let view = RequestsView {
            me: self.me_view(self.download_slots, free, self.per_peer()),
            peers: self.peer_columns(&rows),
            chunks: self.chunk_columns(&window),
            available: self.available(&rows, &window),
            more: Vec::new(),
        };
        self.ask(About::Requests { rows, window }, Question::Requests(view), built_in, out);
    }

    /// Neighbours that may be asked for something.
    fn sources(&self) -> Vec<LinkKey> {
        let Some(chunks) = &self.chunks else { return Vec::new() };
        let able = self.neighbours.iter().filter(|(_, one)| {
            one.opened
                && one.is_trusted()
                && one.refused_until <= self.now
                && chunks.wants_from(&one.has)
        });
        able.map(|(link, _)| *link).collect()
    }

    fn apply_requests(
        &mut self,
        rows: &[LinkKey],
        window: &Window,
        answer: &RequestsAnswer,
        out: &mut Outputs,
    ) {
        for request in &answer.requests {
            let Some(link) = rows.get(request.peer as usize).copied() else {
                dropped("names a peer that was not in the view", out);
                continue;
            };
            let chunk = match request.chunk.map(|position| window.chunk(position)) {
                Some(None) => {
                    dropped("names a chunk that was not in the view", out);
                    continue;
                }
                Some(Some(chunk)) => Some(chunk),
                None => None,
            };
            if self.free_download_slots() == 0 {
                dropped("there is no free slot", out);
                break;
            }
            self.request(link, chunk, false, out);
        }
    }

    /// Asks for a chunk, if it is missing and the neighbour has it.
    fn request(
        &mut self,
        link: LinkKey,
        chunk: Option<ChunkIndex>,
        second_copy: bool,
        out: &mut Outputs,
    ) {
        let (Some(chunks), Some(neighbour)) = (&self.chunks, self.neighbours.get(&link)) else {
            return dropped("the peer is gone", out);
        };
        if let Some(chunk) = chunk {
            let copies = u8::from(second_copy);
            if chunks.have.contains(chunk) || chunks.coming[chunk as usize] > copies {
                return dropped("the chunk is here or on its way", out);
            }
            if !neighbour.has.contains(chunk) {
                return dropped("the peer does not have the chunk", out);
            }
        }
        self.reserve(link, chunk, second_copy);
        let inbound = self.inbound() as u16;
        self.stats.requests += 1;
        self.send(link, PeerMessage::Request { channel: 0, chunk, inbound }, out);
    }

    // Overdue

    pub(super) fn ask_overdue(&mut self, out: &mut Outputs) {
        if !self.asks.is_open(|about| matches!(about, About::Overdue { .. })) {
            self.question_overdue(false, out);
        }
    }

    fn question_overdue(&mut self, built_in: bool, out: &mut Outputs) {
        let Some(mean) = self.receive_pace.mean() else { return };
        let after = (mean * OVERDUE_AFTER).max(Duration::from_millis(100));
        let rows: Vec<LinkKey> = self.neighbours.keys().copied().collect();
        let mut inbound = InboundColumns::default();
        let mut transfers = Vec::new();
        for (row, (link, neighbour)) in self.neighbours.iter().enumerate() {
            for incoming in &neighbour.incoming {
                let age = self.now.since(incoming.since);
                let Some(chunk) = incoming.chunk else { continue };
                if age < after || incoming.hedged || transfers.len() >= MAX_OVERDUE {
                    continue;
                }
                inbound.peer.push(row as u32);
                inbound.chunk.push(chunk);
                inbound.age_us.push(age.as_micros() as u64);
                inbound.started.push(incoming.started);
                transfers.push((*link, chunk));
            }
        }
        if transfers.is_empty() {
            return;
        }
        let free = self.free_download_slots();
        let view = OverdueView {
            me: self.me_view(self.download_slots, free, self.per_peer()),
            peers: self.peer_columns(&rows),
            inbound,
            alternatives: self.alternatives(&rows, &transfers),
            more: Vec::new(),
        };
        self.ask(About::Overdue { rows, transfers }, Question::Overdue(view), built_in, out);
    }

    fn apply_overdue(
        &mut self,
        rows: &[LinkKey],
        transfers: &[(LinkKey, ChunkIndex)],
        answer: &OverdueAnswer,
        out: &mut Outputs,
    ) {
        for decision in &answer.decisions {
            let Some((link, chunk)) = transfers.get(decision.transfer as usize).copied() else {
                dropped("names a transfer that was not in the view", out);
                continue;
            };
            match decision.action {
                OverdueAction::Wait => {}
                OverdueAction::Cancel => self.give_up(link, chunk, out),
                OverdueAction::Duplicate(row) => match rows.get(row as usize) {
                    Some(other) => self.hedge(link, chunk, *other, out),
                    None => dropped("names a peer that was not in the view", out),
                },
            }
        }
    }

    fn give_up(&mut self, link: LinkKey, chunk: ChunkIndex, out: &mut Outputs) {
        self.end_incoming(link, chunk);
        out.push(SwarmOutput::DropIncoming { link, chunk });
        self.send(link, PeerMessage::Cancel { channel: 0, chunk }, out);
    }

    fn hedge(&mut self, link: LinkKey, chunk: ChunkIndex, other: LinkKey, out: &mut Outputs) {
        let slow = self.neighbours.get_mut(&link);
        let Some(incoming) = slow
            .and_then(|one| one.incoming.iter_mut().find(|incoming| incoming.chunk == Some(chunk)))
        else {
            return;
        };
        incoming.hedged = true;
        self.request(other, Some(chunk), true, out);
    }

    // Neighbours

    pub(super) fn ask_neighbours(&mut self, out: &mut Outputs) {
        self.hints.clear_dirty();
        // A complete node waits to be dialled: who still needs something finds it.
        if self.is_complete() || self.asks.is_open(|about| matches!(about, About::Neighbours(_))) {
            return;
        }
        self.question_neighbours(false, out);
    }

    fn question_neighbours(&mut self, built_in: bool, out: &mut Outputs) {
        let candidates = self.hints.candidates(self.now);
        if candidates.iter().all(|(_, hint)| hint.state != HintState::Idle) {
            return;
        }
        let mut peers = CandidateColumns::default();
        for (peer, hint) in &candidates {
            let [a, b, c, d, e, f, g, h, ..] = peer.0;
            peers.id.push(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
            peers.connected.push(hint.state != HintState::Idle);
            peers.permille.push(u32::from(hint.permille));
            peers.failures.push(hint.failures);
        }
        let view = NeighboursView {
            me: self.me_view(0, 0, 0),
            peers,
            target: self.config.target_neighbours,
            more: Vec::new(),
        };
        let rows = candidates.into_iter().map(|(peer, _)| peer).collect();
        self.ask(About::Neighbours(rows), Question::Neighbours(view), built_in, out);
    }

    fn apply_neighbours(&mut self, rows: &[PeerId], answer: &NeighboursAnswer, out: &mut Outputs) {
        for row in &answer.drop {
            let link = rows.get(row.peer as usize).and_then(|peer| self.link_of(peer));
            match link {
                Some(link) => {
                    self.send(link, PeerMessage::Close { channel: 0 }, out);
                    self.forget(link, out);
                }
                None => dropped("drops a peer that is no neighbour", out),
            }
        }
        for row in &answer.connect {
            let peer = rows.get(row.peer as usize).copied();
            match peer.and_then(|peer| Some((peer, self.hints.connecting(&peer)?))) {
                Some((peer, address)) => out.push(SwarmOutput::Connect { peer, address }),
                None => dropped("connects to nobody, or to a neighbour", out),
            }
        }
    }

    fn link_of(&self, peer: &PeerId) -> Option<LinkKey> {
        self.neighbours.iter().find(|(_, one)| one.peer == *peer).map(|(link, _)| *link)
    }
}

fn dropped(why: &'static str, out: &mut Outputs) {
    out.push(SwarmOutput::Report(SwarmEvent::DecisionDropped { why }));
}
