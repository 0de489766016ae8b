//! Views drawn from a random seed. [`Views::usual`] are such as an engine makes; [`Views::wild`] are what
//! no engine should make, and what a policy must survive all the same.

use samara_policy::{
    CandidateColumns, ChunkColumns, Holdings, InboundColumns, Me, NeighboursView, OffersView,
    OverdueView, PeerColumns, Random, RequestsView, Times,
};

/// A source of views.
#[derive(Debug, Clone)]
pub struct Views {
    random: Random,
    wild: bool,
}

impl Views {
    /// Columns of equal length, numbers of a size that occurs.
    pub fn usual(seed: u64) -> Views {
        Views { random: Random::new(seed), wild: false }
    }

    /// Missing and short columns, numbers at the end of their range, bits outside of the window.
    pub fn wild(seed: u64) -> Views {
        Views { random: Random::new(seed), wild: true }
    }

    /// A view for `offers` of at most 80 peers and 1,024 chunks.
    pub fn offers(&mut self) -> OffersView {
        let (peers, chunks) = (self.below(81), self.window());
        self.offers_of(peers, chunks)
    }

    /// A view for `offers` of this size.
    pub fn offers_of(&mut self, peers: u32, chunks: u32) -> OffersView {
        let first_pass = self.one_in(4);
        let me = Me { first_pass, origin: first_pass, ..self.me(chunks) };
        OffersView {
            me,
            peers: self.peers(peers),
            chunks: self.chunks(chunks, peers),
            unavailable: self.holdings(peers, chunks),
            more: vec![],
        }
    }

    /// A view for `requests` of at most 80 peers and 1,024 chunks.
    pub fn requests(&mut self) -> RequestsView {
        let (peers, chunks) = (self.below(81), self.window());
        self.requests_of(peers, chunks)
    }

    /// A view for `requests` of this size.
    pub fn requests_of(&mut self, peers: u32, chunks: u32) -> RequestsView {
        RequestsView {
            me: self.me(chunks),
            peers: self.peers(peers),
            chunks: self.chunks(chunks, peers),
            available: self.holdings(peers, chunks),
            more: vec![],
        }
    }

    /// A view for `overdue` of at most 80 peers and 64 transfers.
    pub fn overdue(&mut self) -> OverdueView {
        let (peers, transfers) = (1 + self.below(80), self.below(65));
        let usual = 1 + u64::from(self.below(400_000));
        OverdueView {
            me: Me { download_mean_us: usual, ..self.me(1_000) },
            peers: self.peers(peers),
            inbound: InboundColumns {
                peer: self.numbers(transfers, peers),
                chunk: self.numbers(transfers, 1_000),
                age_us: self.big_numbers(transfers, 20 * usual as u32),
                started: self.flags(transfers),
            },
            alternatives: self.holdings(transfers, peers),
            more: vec![],
        }
    }

    /// A view for `neighbours` of at most 200 candidates.
    pub fn neighbours(&mut self) -> NeighboursView {
        let peers = self.below(201);
        NeighboursView {
            me: self.me(1_000),
            target: self.below(80),
            peers: CandidateColumns {
                id: self.big_numbers(peers, u32::MAX),
                zone: self.big_numbers(peers, 3),
                rack: self.big_numbers(peers, 5),
                relation: self.numbers(peers, 5),
                labels: self.big_numbers(peers, 4),
                connected: self.flags(peers),
                permille: self.numbers(peers, 1_001),
                connected_ms: self.numbers(peers, 100_000),
                failures: self.numbers(peers, 4),
            },
            more: vec![],
        }
    }

    fn me(&mut self, chunks: u32) -> Me {
        let mean = u64::from(self.below(100_000));
        let times = Times { p30_us: mean / 2, p50_us: mean, p90_us: 2 * mean, p99_us: 4 * mean };
        Me {
            now_us: self.random.next_u64() >> 20,
            age_us: u64::from(self.below(60_000_000)),
            random_seed: self.random.next_u64(),
            zone: 1 + u64::from(self.below(2)),
            rack: 1 + u64::from(self.below(4)),
            chunks,
            held: chunks / 2,
            chunk_bytes: 65_536,
            free_slots: self.below(9),
            slots: 8,
            per_peer: 1 + self.below(3),
            upload_times: times,
            download_times: times,
            download_mean_us: mean,
            ..Me::default()
        }
    }

    fn peers(&mut self, count: u32) -> PeerColumns {
        PeerColumns {
            id: self.big_numbers(count, u32::MAX),
            zone: self.big_numbers(count, 3),
            rack: self.big_numbers(count, 5),
            relation: self.numbers(count, 5),
            labels: self.big_numbers(count, 4),
            origin: self.numbers(count, 20).iter().map(|number| *number == 0).collect(),
            inbound: self.numbers(count, 5),
            age_ms: self.numbers(count, 2_000),
            connected_ms: self.numbers(count, 100_000),
            outstanding: self.numbers(count, 3),
            incoming: self.numbers(count, 4),
            sent: self.numbers(count, 50),
            received: self.numbers(count, 50),
            held: self.numbers(count, 1_000),
            lacks: self.numbers(count, 300),
            offers: self.numbers(count, 300),
            send_time_us: self.big_numbers(count, 400_000),
            receive_time_us: self.big_numbers(count, 400_000),
            failures: self.numbers(count, 3),
            rejected: self.numbers(count, 2),
        }
    }

    fn chunks(&mut self, count: u32, peers: u32) -> ChunkColumns {
        let spread = [1, 3, peers + 1][self.below(3) as usize];
        ChunkColumns {
            index: (0..count).map(|position| position * 3 + self.below(3)).collect(),
            holders: self.numbers(count, spread),
            in_flight: self.numbers(count, 2),
            sent: self.numbers(count, 4),
        }
    }

    /// Bits of which none, few, half, most or all are set.
    fn holdings(&mut self, rows: u32, columns: u32) -> Holdings {
        let words = columns.div_ceil(64);
        let density = self.below(5);
        let mut word = || {
            let (a, b) = (self.random.next_u64(), self.random.next_u64());
            [0, a & b, a, a | b, u64::MAX][density as usize]
        };
        let bits = (0..rows * words).map(|_| word()).collect();
        let words = if self.wild && self.one_in(4) { self.below(3) } else { words };
        Holdings { words, bits }
    }

    fn window(&mut self) -> u32 {
        [0, 1, 63, 64, 65, 200, 1_000, 1_024][self.below(8) as usize]
    }

    fn numbers(&mut self, count: u32, end: u32) -> Vec<u32> {
        let end = if self.wild && self.one_in(4) { u32::MAX } else { end };
        (0..self.length(count)).map(|_| self.below(end)).collect()
    }

    fn big_numbers(&mut self, count: u32, end: u32) -> Vec<u64> {
        let wild = self.wild && self.one_in(4);
        let number = |views: &mut Views| match wild {
            true => views.random.next_u64(),
            false => u64::from(views.below(end)),
        };
        (0..self.length(count)).map(|_| number(self)).collect()
    }

    fn flags(&mut self, count: u32) -> Vec<bool> {
        (0..self.length(count)).map(|_| self.one_in(2)).collect()
    }

    fn length(&mut self, count: u32) -> u32 {
        if self.wild && self.one_in(4) { self.below(count + 1) } else { count }
    }

    fn one_in(&mut self, of: u32) -> bool {
        self.below(of) == 0
    }

    fn below(&mut self, end: u32) -> u32 {
        self.random.below(end)
    }
}
