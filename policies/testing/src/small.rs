//! Small views to start from: nobody is busy, nothing is slow, one slot is free. A test changes the columns
//! that it is about.

use samara_policy::{
    CandidateColumns, ChunkColumns, Holdings, InboundColumns, Me, NeighboursView, OffersView,
    OverdueView, PeerColumns, RequestsView, Times,
};

/// Microseconds that a chunk takes here.
pub const CHUNK_US: u64 = 100_000;

/// A node that has had half of its 100 chunks.
pub fn me() -> Me {
    let times = Times { p30_us: CHUNK_US, p50_us: CHUNK_US, p90_us: CHUNK_US, p99_us: CHUNK_US };
    Me {
        random_seed: 7,
        chunks: 100,
        held: 50,
        chunk_bytes: 4 << 20,
        free_slots: 1,
        slots: 4,
        per_peer: 1,
        upload_times: times,
        download_times: times,
        download_mean_us: CHUNK_US,
        ..Me::default()
    }
}

/// Peers that are all alike.
pub fn peers(count: usize) -> PeerColumns {
    PeerColumns {
        id: (1..=count as u64).collect(),
        zone: vec![0; count],
        rack: vec![0; count],
        relation: vec![0; count],
        labels: vec![],
        origin: vec![false; count],
        inbound: vec![0; count],
        age_ms: vec![0; count],
        connected_ms: vec![1_000; count],
        outstanding: vec![0; count],
        incoming: vec![0; count],
        sent: vec![0; count],
        received: vec![0; count],
        held: vec![50; count],
        lacks: vec![10; count],
        offers: vec![10; count],
        send_time_us: vec![0; count],
        receive_time_us: vec![0; count],
        failures: vec![0; count],
        rejected: vec![0; count],
    }
}

/// Chunks with so many holders; index = position.
pub fn chunks(holders: &[u32]) -> ChunkColumns {
    ChunkColumns {
        index: (0..holders.len() as u32).collect(),
        holders: holders.to_vec(),
        in_flight: vec![0; holders.len()],
        sent: vec![0; holders.len()],
    }
}

/// Per row the positions whose bit is set.
pub fn holdings(columns: usize, rows: &[&[u32]]) -> Holdings {
    let words = columns.div_ceil(64);
    let mut bits = vec![0; words * rows.len()];
    for (row, positions) in rows.iter().enumerate() {
        for position in *positions {
            bits[row * words + *position as usize / 64] |= 1 << (position % 64);
        }
    }
    Holdings { words: words as u32, bits }
}

/// Chunks with so many holders, and per peer the positions that it must not be offered.
pub fn offers(holders: &[u32], unavailable: &[&[u32]]) -> OffersView {
    OffersView {
        me: me(),
        peers: peers(unavailable.len()),
        chunks: chunks(holders),
        unavailable: holdings(holders.len(), unavailable),
        more: vec![],
    }
}

/// Chunks with so many holders, and per peer the positions that it has.
pub fn requests(holders: &[u32], available: &[&[u32]]) -> RequestsView {
    RequestsView {
        me: me(),
        peers: peers(available.len()),
        chunks: chunks(holders),
        available: holdings(holders.len(), available),
        more: vec![],
    }
}

/// Transfers as (row of the source, age in microseconds, begun), and per transfer the rows of who else has
/// its chunk.
pub fn overdue(
    count: usize,
    transfers: &[(u32, u64, bool)],
    alternatives: &[&[u32]],
) -> OverdueView {
    OverdueView {
        me: me(),
        peers: peers(count),
        inbound: InboundColumns {
            peer: transfers.iter().map(|one| one.0).collect(),
            chunk: (0..transfers.len() as u32).collect(),
            age_us: transfers.iter().map(|one| one.1).collect(),
            started: transfers.iter().map(|one| one.2).collect(),
        },
        alternatives: holdings(count, alternatives),
        more: vec![],
    }
}

/// Candidates with and without a connection, and how many connections to have.
pub fn neighbours(connected: &[bool], target: u32) -> NeighboursView {
    let count = connected.len();
    NeighboursView {
        me: me(),
        peers: CandidateColumns {
            id: (1..=count as u64).collect(),
            zone: vec![0; count],
            rack: vec![0; count],
            relation: vec![0; count],
            labels: vec![],
            connected: connected.to_vec(),
            permille: vec![500; count],
            connected_ms: connected.iter().map(|connected| u32::from(*connected) * 1_000).collect(),
            failures: vec![0; count],
        },
        target,
        more: vec![],
    }
}
