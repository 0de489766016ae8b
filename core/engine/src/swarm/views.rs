//! Builds what a policy sees. Rows and positions are remembered by the question, so that an answer can be
//! read back. This is the hottest code of the engine: one view per decision.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use samara_model::ChunkIndex;
use samara_policy::{ChunkColumns, Holdings, Me, PeerColumns, WindowOrder};

use super::neighbour::number_of;
use super::window::{Packer, Window, word_of};
use super::{LinkKey, Swarm};

/// For whom a view is: the built-in policy has no labels and no parameters of the active one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// The active policy.
    Active,
    /// The built-in policy, in its place.
    BuiltIn,
}

impl Swarm {
    pub(super) fn me_view(
        &mut self,
        slots: u32,
        free_slots: u32,
        per_peer: u32,
        reader: For,
    ) -> Me {
        let first_pass = self.in_first_pass();
        let (chunks, held, chunk_bytes) = match &self.chunks {
            Some(chunks) => (chunks.count(), chunks.have.count(), chunks.chunk_bytes),
            None => (0, 0, 0),
        };
        let (labels, parameters) = match reader {
            For::Active => (self.shown.clone(), self.policy.parameters.clone()),
            For::BuiltIn => (Vec::new(), Vec::new()),
        };
        Me {
            now_us: self.now.0,
            age_us: self.began.map_or(0, |began| micros(self.now.since(began))),
            random_seed: self.random.next_u64(),
            zone: self.place.zone,
            rack: self.place.rack,
            labels,
            origin: self.origin,
            first_pass,
            chunks,
            held,
            chunk_bytes,
            free_slots,
            slots,
            per_peer,
            upload_times: self.send_pace.times(),
            download_times: self.receive_pace.times(),
            download_mean_us: self.receive_pace.mean_us(),
            upload_rate: self.upload_rate.per_second(self.now),
            download_rate: self.download_rate.per_second(self.now),
            upload_cap: self.config.upload_cap,
            download_cap: self.config.download_cap,
            parameters,
        }
    }

    /// After about three chunk times nothing is known any more of a neighbour's load.
    fn news_stay_fresh(&self) -> Duration {
        let chunk_time = self.send_pace.usual().unwrap_or(Duration::from_millis(50));
        (chunk_time * 3).clamp(Duration::from_millis(20), Duration::from_secs(2))
    }

    pub(super) fn peer_columns(&self, rows: &[LinkKey], reader: For) -> PeerColumns {
        let fresh = self.news_stay_fresh();
        // Of whom nothing is known is as busy as this one. As idle, they would all be asked before the one
        // that has just said that it has room.
        let usual = self.inbound();
        let mut table = room_for(rows.len());
        let here = self.chunks.as_ref().map(|chunks| &chunks.have);
        let labels = reader == For::Active && !self.shown.is_empty();
        for (link, neighbour) in self.neighbours.select(rows) {
            table.id.push(number_of(&neighbour.peer));
            table.zone.push(neighbour.place.zone);
            table.rack.push(neighbour.place.rack);
            table.relation.push(neighbour.relation);
            if labels {
                table.labels.extend_from_slice(&neighbour.shown);
            }
            table.origin.push(neighbour.origin);
            table.inbound.push(neighbour.inbound_now(self.now, fresh, usual));
            table.age_ms.push(millis(self.now.since(neighbour.inbound.1)));
            table.connected_ms.push(millis(self.now.since(neighbour.since)));
            table.outstanding.push(self.under_way.to(link).len() as u32);
            table.incoming.push(self.under_way.from(link).len() as u32);
            table.sent.push(neighbour.sent);
            table.received.push(neighbour.received);
            table.held.push(neighbour.has.count());
            table.lacks.push(here.map_or(0, |here| neighbour.has.lacks(here)));
            table.offers.push(neighbour.has.offers());
            table.send_time_us.push(neighbour.send_pace.mean_us());
            table.receive_time_us.push(neighbour.receive_pace.mean_us());
            table.failures.push(neighbour.failures);
            table.rejected.push(neighbour.rejected);
        }
        table
    }

    /// The chunks that could be sent to somebody.
    pub(super) fn sending_window(&mut self, reader: For) -> Window {
        let first_pass = self.in_first_pass();
        let order = self.window_order(reader);
        let salt = self.random.next_u64() as u32;
        let Some(chunks) = &self.chunks else { return Window::Whole(0) };
        if chunks.count() as usize <= samara_policy::MAX_WINDOW {
            return Window::Whole(chunks.count());
        }
        let everybody = self.neighbours.values().filter(|one| one.manifest_bytes.is_some()).count();
        let lacked = |chunk: &ChunkIndex| usize::from(chunks.holders[*chunk as usize]) < everybody;
        let wanted = chunks.have.iter().filter(lacked);
        if order == WindowOrder::LowestIndex {
            return Window::first(wanted);
        }
        let key = |chunk: ChunkIndex| {
            let copies = u32::from(chunks.holders[chunk as usize])
                + u32::from(chunks.sending[chunk as usize]);
            (copies, if first_pass { chunk } else { scatter(chunk, salt) })
        };
        Window::lowest(wanted.collect(), key)
    }

    /// The chunks that are missing and not on their way, and that somebody has.
    pub(super) fn wanted_window(&mut self, reader: For) -> Window {
        let order = self.window_order(reader);
        let salt = self.random.next_u64() as u32;
        let Some(chunks) = &self.chunks else { return Window::Some(Vec::new()) };
        let wanted = |chunk: &ChunkIndex| {
            chunks.coming[*chunk as usize] == 0 && chunks.holders[*chunk as usize] > 0
        };
        let wanted = chunks.have.iter_missing().filter(wanted);
        if order == WindowOrder::LowestIndex {
            return Window::first(wanted);
        }
        let key =
            |chunk: ChunkIndex| (u32::from(chunks.holders[chunk as usize]), scatter(chunk, salt));
        Window::lowest(wanted.collect(), key)
    }

    fn window_order(&self, reader: For) -> WindowOrder {
        match reader {
            For::Active => self.policy.window,
            For::BuiltIn => WindowOrder::Rarest,
        }
    }

    pub(super) fn chunk_columns(&self, window: &Window) -> ChunkColumns {
        let Some(chunks) = &self.chunks else { return ChunkColumns::default() };
        match window {
            Window::Whole(count) => {
                let in_flight = chunks.sending.iter().zip(&chunks.coming);
                ChunkColumns {
                    index: (0..*count).collect(),
                    holders: chunks.holders.iter().map(|holders| u32::from(*holders)).collect(),
                    in_flight: in_flight
                        .map(|(out, into)| u32::from(*out) + u32::from(*into))
                        .collect(),
                    sent: chunks.sent.iter().map(|sent| u32::from(*sent)).collect(),
                }
            }
            Window::Some(list) => {
                let column =
                    |of: &dyn Fn(usize) -> u32| list.iter().map(|c| of(*c as usize)).collect();
                ChunkColumns {
                    index: list.clone(),
                    holders: column(&|chunk| u32::from(chunks.holders[chunk])),
                    in_flight: column(&|chunk| {
                        u32::from(chunks.sending[chunk]) + u32::from(chunks.coming[chunk])
                    }),
                    sent: column(&|chunk| u32::from(chunks.sent[chunk])),
                }
            }
        }
    }

    /// What must not be offered to whom: what the peer has, what is on its way to it, what is not here.
    /// The rows are in the order of the links.
    pub(super) fn unavailable(&self, rows: &[LinkKey], window: &Window) -> Holdings {
        let Some(chunks) = &self.chunks else { return Holdings::default() };
        let words = window.words();
        let mut bits = Vec::with_capacity(rows.len() * words);
        let packer = packer_of(window);
        for (_, neighbour) in self.neighbours.select(rows) {
            match &packer {
                None => {
                    let pairs = neighbour.has.words().iter().zip(chunks.have.words());
                    bits.extend(pairs.map(|(theirs, ours)| theirs | !ours));
                }
                Some(packer) => packer
                    .pack(&mut bits, |at| word_of(&neighbour.has, at) | !word_of(&chunks.have, at)),
            }
        }
        for (link, chunk) in self.on_its_way() {
            if let Ok(row) = rows.binary_search(&link) {
                mark(&mut bits, row * words, window.position(chunk));
            }
        }
        Holdings { words: words as u32, bits }
    }

    /// To whom which chunks are being sent from here, and of whom it is assumed that they have them.
    pub(super) fn on_its_way(&self) -> impl Iterator<Item = (LinkKey, ChunkIndex)> + '_ {
        let sent = self.under_way.outgoing().iter();
        let sent = sent.filter_map(|out| Some((out.link, out.chunk()?)));
        self.assumed.iter(self.now).chain(sent)
    }

    /// Who has what of the window.
    pub(super) fn available(&self, rows: &[LinkKey], window: &Window) -> Holdings {
        let mut bits = Vec::with_capacity(rows.len() * window.words());
        if let Some(packer) = packer_of(window) {
            for (_, neighbour) in self.neighbours.select(rows) {
                packer.pack(&mut bits, |at| word_of(&neighbour.has, at));
            }
        }
        Holdings { words: window.words() as u32, bits }
    }

    /// Per transfer, who else has its chunk: one bit per row.
    pub(super) fn alternatives(
        &self,
        rows: &[LinkKey],
        transfers: &[(LinkKey, ChunkIndex)],
    ) -> Holdings {
        let words = rows.len().div_ceil(64);
        let mut bits = vec![0u64; words * transfers.len()];
        for (at, (link, chunk)) in transfers.iter().enumerate() {
            for (row, other) in rows.iter().enumerate() {
                let has = self.neighbours.get(other).is_some_and(|one| {
                    one.has.contains(*chunk) && one.is_trusted() && one.refused_until <= self.now
                });
                if has && other != link {
                    bits[at * words + row / 64] |= 1 << (row % 64);
                }
            }
        }
        Holdings { words: words as u32, bits }
    }
}

/// Sets the bit of a position in the row that begins at a word.
pub(super) fn mark(bits: &mut [u64], row: usize, position: Option<usize>) {
    if let Some(position) = position
        && let Some(word) = bits.get_mut(row + position / 64)
    {
        *word |= 1 << (position % 64);
    }
}

pub(super) fn packer_of(window: &Window) -> Option<Packer> {
    match window {
        Window::Whole(_) => None,
        Window::Some(list) => Some(Packer::new(list)),
    }
}

/// A table that grows no more: twenty columns that grow by themselves cost as much as filling them.
fn room_for(rows: usize) -> PeerColumns {
    PeerColumns {
        id: Vec::with_capacity(rows),
        zone: Vec::with_capacity(rows),
        rack: Vec::with_capacity(rows),
        relation: Vec::with_capacity(rows),
        labels: Vec::new(),
        origin: Vec::with_capacity(rows),
        inbound: Vec::with_capacity(rows),
        age_ms: Vec::with_capacity(rows),
        connected_ms: Vec::with_capacity(rows),
        outstanding: Vec::with_capacity(rows),
        incoming: Vec::with_capacity(rows),
        sent: Vec::with_capacity(rows),
        received: Vec::with_capacity(rows),
        held: Vec::with_capacity(rows),
        lacks: Vec::with_capacity(rows),
        offers: Vec::with_capacity(rows),
        send_time_us: Vec::with_capacity(rows),
        receive_time_us: Vec::with_capacity(rows),
        failures: Vec::with_capacity(rows),
        rejected: Vec::with_capacity(rows),
    }
}

pub(super) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A number that orders chunks differently for each salt.
fn scatter(chunk: ChunkIndex, salt: u32) -> u32 {
    (chunk ^ salt).wrapping_mul(0x9e37_79b9).rotate_left(15).wrapping_mul(0x85eb_ca6b)
}
