//! Builds what a policy sees. Rows and positions are remembered by the question, so that an answer can be
//! read back.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use samara_model::ChunkIndex;
use samara_policy::{ChunkColumns, Holdings, MAX_WINDOW, Me, PeerColumns};

use super::chunks::Chunks;
use super::neighbour::Sending;
use super::{LinkKey, Swarm};

/// The chunks of a view, by position. A content that fits whole is shown whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// Position = index.
    Whole(u32),
    /// These.
    Some(Vec<ChunkIndex>),
}

impl Window {
    /// The chunk at a position.
    pub fn chunk(&self, position: u32) -> Option<ChunkIndex> {
        match self {
            Window::Whole(count) => (position < *count).then_some(position),
            Window::Some(chunks) => chunks.get(position as usize).copied(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Window::Whole(count) => *count as usize,
            Window::Some(chunks) => chunks.len(),
        }
    }

    fn words(&self) -> usize {
        self.len().div_ceil(64)
    }

    /// Of `wanted`, those with the lowest keys, at most [`MAX_WINDOW`].
    fn lowest(mut wanted: Vec<ChunkIndex>, key: impl Fn(ChunkIndex) -> (u32, u32)) -> Window {
        if wanted.len() > MAX_WINDOW {
            wanted.select_nth_unstable_by_key(MAX_WINDOW, |chunk| key(*chunk));
            wanted.truncate(MAX_WINDOW);
        }
        Window::Some(wanted)
    }
}

impl Swarm {
    pub(super) fn me_view(&mut self, slots: u32, free_slots: u32, per_peer: u32) -> Me {
        let first_pass = self.in_first_pass();
        let (chunks, held, chunk_bytes) = match &self.chunks {
            Some(chunks) => (chunks.count(), chunks.have.count(), chunks.chunk_bytes),
            None => (0, 0, 0),
        };
        Me {
            now_us: self.now.0,
            random_seed: self.random.next_u64(),
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
            ..Me::default()
        }
    }

    /// Old news of a neighbour's load count as none: after about three chunk times.
    fn news_stay_fresh(&self) -> Duration {
        let chunk_time = self.send_pace.usual().unwrap_or(Duration::from_millis(50));
        (chunk_time * 3).clamp(Duration::from_millis(20), Duration::from_secs(2))
    }

    pub(super) fn peer_columns(&self, rows: &[LinkKey]) -> PeerColumns {
        let fresh = self.news_stay_fresh();
        let mut table = PeerColumns::default();
        for neighbour in rows.iter().filter_map(|link| self.neighbours.get(link)) {
            let age = self.now.since(neighbour.inbound.1).as_millis();
            let lacks = self.chunks.as_ref().map_or(0, |c| c.have.count_not_in(&neighbour.has));
            table.id.push(neighbour.number());
            table.inbound.push(neighbour.inbound_now(self.now, fresh));
            table.age_ms.push(u32::try_from(age).unwrap_or(u32::MAX));
            table.outstanding.push(neighbour.outgoing.len() as u32);
            table.sent.push(neighbour.sent);
            table.held.push(neighbour.has.count());
            table.lacks.push(lacks);
            table.send_time_us.push(neighbour.send_pace.mean_us());
            table.receive_time_us.push(neighbour.receive_pace.mean_us());
            table.failures.push(neighbour.failures);
        }
        table
    }

    /// The chunks that could be sent to somebody.
    pub(super) fn sending_window(&mut self) -> Window {
        let first_pass = self.in_first_pass();
        let salt = self.random.next_u64() as u32;
        let Some(chunks) = &self.chunks else { return Window::Whole(0) };
        if chunks.count() as usize <= MAX_WINDOW {
            return Window::Whole(chunks.count());
        }
        let everybody = self.neighbours.values().filter(|one| one.manifest_bytes.is_some()).count();
        let key = |chunk: ChunkIndex| {
            let copies = u32::from(chunks.holders[chunk as usize])
                + u32::from(chunks.sending[chunk as usize]);
            (copies, if first_pass { chunk } else { scatter(chunk, salt) })
        };
        let lacked = |chunk: &ChunkIndex| usize::from(chunks.holders[*chunk as usize]) < everybody;
        Window::lowest(chunks.have.iter().filter(lacked).collect(), key)
    }

    /// The chunks that are missing and not on their way, and that somebody has.
    pub(super) fn wanted_window(&mut self) -> Window {
        let salt = self.random.next_u64() as u32;
        let Some(chunks) = &self.chunks else { return Window::Whole(0) };
        let wanted = |chunk: &ChunkIndex| {
            chunks.coming[*chunk as usize] == 0 && chunks.holders[*chunk as usize] > 0
        };
        let key =
            |chunk: ChunkIndex| (u32::from(chunks.holders[chunk as usize]), scatter(chunk, salt));
        Window::lowest(chunks.have.iter_missing().filter(wanted).collect(), key)
    }

    pub(super) fn chunk_columns(&self, window: &Window) -> ChunkColumns {
        let Some(chunks) = &self.chunks else { return ChunkColumns::default() };
        let in_flight =
            |chunk: usize| u32::from(chunks.sending[chunk]) + u32::from(chunks.coming[chunk]);
        match window {
            Window::Whole(count) => ChunkColumns {
                index: (0..*count).collect(),
                holders: chunks.holders.iter().map(|holders| u32::from(*holders)).collect(),
                in_flight: (0..*count as usize).map(in_flight).collect(),
                sent: vec![0; *count as usize],
            },
            Window::Some(list) => ChunkColumns {
                index: list.clone(),
                holders: list.iter().map(|c| u32::from(chunks.holders[*c as usize])).collect(),
                in_flight: list.iter().map(|c| in_flight(*c as usize)).collect(),
                sent: vec![0; list.len()],
            },
        }
    }

    /// What must not be offered to whom: what the peer has, what is on its way to it, what is not here.
    pub(super) fn unavailable(&self, rows: &[LinkKey], window: &Window) -> Holdings {
        let Some(chunks) = &self.chunks else { return Holdings::default() };
        let words = window.words();
        let mut bits = Vec::with_capacity(rows.len() * words);
        for neighbour in rows.iter().filter_map(|link| self.neighbours.get(link)) {
            let start = bits.len();
            match window {
                Window::Whole(_) => {
                    let pairs = neighbour.has.words().iter().zip(chunks.have.words());
                    bits.extend(pairs.map(|(theirs, ours)| theirs | !ours));
                }
                Window::Some(list) => {
                    pack(list, &mut bits, |c| neighbour.has.contains(c) || !chunks.have.contains(c))
                }
            }
            let assumed = neighbour.assumed.iter().filter(|(_, until)| *until > self.now);
            let sent = neighbour.outgoing.iter().filter_map(|out| match out.what {
                Sending::Chunk(chunk) => Some(chunk),
                Sending::Offered(_) => None,
            });
            for chunk in assumed.map(|(chunk, _)| *chunk).chain(sent) {
                if let Some(position) = position_of(window, chunk)
                    && let Some(word) = bits.get_mut(start + position / 64)
                {
                    *word |= 1 << (position % 64);
                }
            }
        }
        Holdings { words: words as u32, bits }
    }

    /// Who has what of the window.
    pub(super) fn available(&self, rows: &[LinkKey], window: &Window) -> Holdings {
        let mut bits = Vec::new();
        if let Window::Some(list) = window {
            for neighbour in rows.iter().filter_map(|link| self.neighbours.get(link)) {
                pack(list, &mut bits, |chunk| neighbour.has.contains(chunk));
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

fn pack(list: &[ChunkIndex], bits: &mut Vec<u64>, is_set: impl Fn(ChunkIndex) -> bool) {
    for group in list.chunks(64) {
        let word = group
            .iter()
            .enumerate()
            .fold(0u64, |word, (bit, chunk)| word | u64::from(is_set(*chunk)) << bit);
        bits.push(word);
    }
}

fn position_of(window: &Window, chunk: ChunkIndex) -> Option<usize> {
    match window {
        Window::Whole(count) => (chunk < *count).then_some(chunk as usize),
        Window::Some(list) => list.iter().position(|other| *other == chunk),
    }
}

/// A number that orders chunks differently for each salt.
fn scatter(chunk: ChunkIndex, salt: u32) -> u32 {
    (chunk ^ salt).wrapping_mul(0x9e37_79b9).rotate_left(15).wrapping_mul(0x85eb_ca6b)
}

impl Chunks {
    /// Whether a neighbour has anything that is missing here and not on its way.
    pub(super) fn wants_from(&self, has: &samara_model::ChunkSet) -> bool {
        has.has_any_not_in(&self.have)
    }
}
