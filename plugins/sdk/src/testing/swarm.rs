//! A small swarm from which views are made.

use alloc::vec;
use alloc::vec::Vec;

use crate::{
    CandidateColumns, ChunkColumns, Holdings, InboundColumns, MAX_WINDOW, Me, NeighboursView,
    OffersView, OverdueView, PeerColumns, RequestsView, Times, relation,
};

/// What one node sees of a swarm: change what the test is about, then take a view. Who has which chunk is kept
/// here, so that counts and bits always fit.
#[derive(Debug, Clone)]
pub struct Swarm {
    /// The asking node: one free slot of one, one transfer per peer, chunks of 1 MiB, 10 ms each.
    pub me: Me,
    /// The peers: idle, without labels, connected for a second. `held`, `lacks` and `offers` are filled in
    /// when a view is taken.
    pub peers: PeerColumns,
    /// Who has what: rows of peers.
    has: Vec<Vec<bool>>,
    mine: Vec<bool>,
    inbound: InboundColumns,
}

impl Swarm {
    /// The asking node has all `chunks`, the peers have none.
    pub fn new(peers: usize, chunks: usize) -> Swarm {
        let times = Times { p30_us: 10_000, p50_us: 10_000, p90_us: 20_000, p99_us: 40_000 };
        Swarm {
            me: Me {
                now_us: 1_000_000,
                age_us: 1_000_000,
                random_seed: 1,
                chunks: chunks as u32,
                chunk_bytes: 1 << 20,
                free_slots: 1,
                slots: 1,
                per_peer: 1,
                upload_times: times,
                download_times: times,
                download_mean_us: 10_000,
                ..Me::default()
            },
            peers: PeerColumns {
                id: (1..=peers as u64).collect(),
                zone: vec![0; peers],
                rack: vec![0; peers],
                relation: vec![relation::UNKNOWN; peers],
                labels: vec![],
                origin: vec![false; peers],
                inbound: vec![0; peers],
                age_ms: vec![0; peers],
                connected_ms: vec![1_000; peers],
                outstanding: vec![0; peers],
                incoming: vec![0; peers],
                sent: vec![0; peers],
                received: vec![0; peers],
                held: vec![0; peers],
                lacks: vec![0; peers],
                offers: vec![0; peers],
                send_time_us: vec![0; peers],
                receive_time_us: vec![0; peers],
                failures: vec![0; peers],
                rejected: vec![0; peers],
            },
            has: vec![vec![false; chunks]; peers],
            mine: vec![true; chunks],
            inbound: InboundColumns::default(),
        }
    }

    /// The peer in this row has these chunks, too. Rows and chunks that do not exist are ignored.
    pub fn gives(&mut self, peer: usize, chunks: impl IntoIterator<Item = usize>) -> &mut Swarm {
        for chunk in chunks {
            if let Some(bit) = self.has.get_mut(peer).and_then(|row| row.get_mut(chunk)) {
                *bit = true;
            }
        }
        self
    }

    /// The asking node does not have these chunks.
    pub fn lack(&mut self, chunks: impl IntoIterator<Item = usize>) -> &mut Swarm {
        for chunk in chunks {
            if let Some(bit) = self.mine.get_mut(chunk) {
                *bit = false;
            }
        }
        self
    }

    /// A transfer of this chunk from this peer runs into the asking node.
    pub fn receives(
        &mut self,
        peer: usize,
        chunk: usize,
        age_us: u64,
        started: bool,
    ) -> &mut Swarm {
        self.inbound.peer.push(peer as u32);
        self.inbound.chunk.push(chunk as u32);
        self.inbound.age_us.push(age_us);
        self.inbound.started.push(started);
        if let Some(incoming) = self.peers.incoming.get_mut(peer) {
            *incoming += 1;
        }
        self
    }

    /// What may be sent: the window is what the asking node has.
    pub fn offers(&self) -> OffersView {
        let window = self.window(true);
        OffersView {
            me: self.counted_me(),
            peers: self.counted_peers(),
            chunks: self.chunk_columns(&window),
            unavailable: self.bits(&window),
            more: vec![],
        }
    }

    /// What could be asked for: the window is what it lacks and what is not on its way.
    pub fn requests(&self) -> RequestsView {
        let coming = |chunk: &usize| self.inbound.chunk.contains(&(*chunk as u32));
        let mut window = self.window(false);
        window.retain(|chunk| !coming(chunk));
        RequestsView {
            me: self.counted_me(),
            peers: self.counted_peers(),
            chunks: self.chunk_columns(&window),
            available: self.bits(&window),
            more: vec![],
        }
    }

    /// What is slow: every transfer of [`Swarm::receives`].
    pub fn overdue(&self) -> OverdueView {
        let words = self.has.len().div_ceil(64);
        let mut bits = vec![0; words * self.inbound.peer.len()];
        for (row, chunk) in self.inbound.chunk.iter().enumerate() {
            for (peer, has) in self.has.iter().enumerate() {
                let has = has.get(*chunk as usize).copied().unwrap_or(false);
                bits[row * words + peer / 64] |= u64::from(has) << (peer % 64);
            }
        }
        OverdueView {
            me: self.counted_me(),
            peers: self.counted_peers(),
            inbound: self.inbound.clone(),
            alternatives: Holdings { words: words as u32, bits },
            more: vec![],
        }
    }

    /// Whom to know: nobody is connected yet.
    pub fn neighbours(&self, target: u32) -> NeighboursView {
        let peers = self.counted_peers();
        let permille = peers.held.iter().map(|held| held * 1000 / self.me.chunks.max(1)).collect();
        NeighboursView {
            me: self.counted_me(),
            peers: CandidateColumns {
                connected: vec![false; peers.id.len()],
                connected_ms: vec![0; peers.id.len()],
                id: peers.id,
                zone: peers.zone,
                rack: peers.rack,
                relation: peers.relation,
                labels: peers.labels,
                permille,
                failures: peers.failures,
            },
            target,
            more: vec![],
        }
    }

    fn window(&self, mine: bool) -> Vec<usize> {
        let chunks = (0..self.mine.len()).filter(|chunk| self.mine[*chunk] == mine);
        chunks.take(MAX_WINDOW).collect()
    }

    fn counted_me(&self) -> Me {
        let held = self.mine.iter().filter(|mine| **mine).count() as u32;
        Me { held, ..self.me.clone() }
    }

    fn counted_peers(&self) -> PeerColumns {
        let mut peers = self.peers.clone();
        for (row, has) in self.has.iter().enumerate() {
            let count = |wanted: (bool, bool)| {
                has.iter().zip(&self.mine).filter(|(its, mine)| (**its, **mine) == wanted).count()
            };
            peers.held[row] = has.iter().filter(|has| **has).count() as u32;
            peers.lacks[row] = count((false, true)) as u32;
            peers.offers[row] = count((true, false)) as u32;
        }
        peers
    }

    fn chunk_columns(&self, window: &[usize]) -> ChunkColumns {
        let holders = |chunk: &usize| self.has.iter().filter(|has| has[*chunk]).count() as u32;
        ChunkColumns {
            index: window.iter().map(|chunk| *chunk as u32).collect(),
            holders: window.iter().map(holders).collect(),
            in_flight: vec![0; window.len()],
            sent: vec![0; window.len()],
        }
    }

    fn bits(&self, window: &[usize]) -> Holdings {
        let words = window.len().div_ceil(64);
        let mut bits = vec![0; words * self.has.len()];
        for (peer, has) in self.has.iter().enumerate() {
            for (position, chunk) in window.iter().enumerate() {
                bits[peer * words + position / 64] |= u64::from(has[*chunk]) << (position % 64);
            }
        }
        Holdings { words: words as u32, bits }
    }
}
