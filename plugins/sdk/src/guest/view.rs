//! The contract's views, field by field in its order.

use alloc::vec::Vec;

use super::list::{Column, List};

#[repr(C)]
struct Me {
    now_us: u64,
    age_us: u64,
    random_seed: u64,
    zone: u64,
    rack: u64,
    labels: List<u64>,
    origin: u32,
    first_pass: u32,
    chunks: u32,
    held: u32,
    chunk_bytes: u32,
    free_slots: u32,
    slots: u32,
    per_peer: u32,
    upload_times_us: List<u64>,
    download_times_us: List<u64>,
    download_mean_us: u64,
    upload_rate: u64,
    download_rate: u64,
    upload_cap: u64,
    download_cap: u64,
    parameters: List<u64>,
}

#[repr(C)]
struct PeerColumns {
    id: List<u64>,
    zone: List<u64>,
    rack: List<u64>,
    relation: List<u32>,
    labels: List<u64>,
    origin: List<u32>,
    inbound: List<u32>,
    age_ms: List<u32>,
    connected_ms: List<u32>,
    outstanding: List<u32>,
    incoming: List<u32>,
    sent: List<u32>,
    received: List<u32>,
    held: List<u32>,
    lacks: List<u32>,
    offers: List<u32>,
    send_time_us: List<u64>,
    receive_time_us: List<u64>,
    failures: List<u32>,
    rejected: List<u32>,
}

#[repr(C)]
struct ChunkColumns {
    index: List<u32>,
    holders: List<u32>,
    in_flight: List<u32>,
    sent: List<u32>,
}

#[repr(C)]
struct Holdings {
    words: u32,
    bits: List<u64>,
}

/// View of `offers`.
#[repr(C)]
pub struct OffersView {
    me: Me,
    peers: PeerColumns,
    chunks: ChunkColumns,
    unavailable: Holdings,
    more: List<Column>,
}

/// View of `requests`.
#[repr(C)]
pub struct RequestsView {
    me: Me,
    peers: PeerColumns,
    chunks: ChunkColumns,
    available: Holdings,
    more: List<Column>,
}

#[repr(C)]
struct InboundColumns {
    peer: List<u32>,
    chunk: List<u32>,
    age_us: List<u64>,
    started: List<u32>,
}

/// View of `overdue`.
#[repr(C)]
pub struct OverdueView {
    me: Me,
    peers: PeerColumns,
    inbound: InboundColumns,
    alternatives: Holdings,
    more: List<Column>,
}

#[repr(C)]
struct CandidateColumns {
    id: List<u64>,
    zone: List<u64>,
    rack: List<u64>,
    relation: List<u32>,
    labels: List<u64>,
    connected: List<u32>,
    permille: List<u32>,
    connected_ms: List<u32>,
    failures: List<u32>,
}

/// View of `neighbours`.
#[repr(C)]
pub struct NeighboursView {
    me: Me,
    peers: CandidateColumns,
    target: u32,
    more: List<Column>,
}

impl From<OffersView> for crate::OffersView {
    fn from(view: OffersView) -> Self {
        crate::OffersView {
            me: view.me.into(),
            peers: view.peers.into(),
            chunks: view.chunks.into(),
            unavailable: view.unavailable.into(),
            more: columns(view.more),
        }
    }
}

impl From<RequestsView> for crate::RequestsView {
    fn from(view: RequestsView) -> Self {
        crate::RequestsView {
            me: view.me.into(),
            peers: view.peers.into(),
            chunks: view.chunks.into(),
            available: view.available.into(),
            more: columns(view.more),
        }
    }
}

impl From<OverdueView> for crate::OverdueView {
    fn from(view: OverdueView) -> Self {
        crate::OverdueView {
            me: view.me.into(),
            peers: view.peers.into(),
            inbound: crate::InboundColumns {
                peer: view.inbound.peer.into(),
                chunk: view.inbound.chunk.into(),
                age_us: view.inbound.age_us.into(),
                started: view.inbound.started.into(),
            },
            alternatives: view.alternatives.into(),
            more: columns(view.more),
        }
    }
}

impl From<NeighboursView> for crate::NeighboursView {
    fn from(view: NeighboursView) -> Self {
        crate::NeighboursView {
            me: view.me.into(),
            peers: view.peers.into(),
            target: view.target,
            more: columns(view.more),
        }
    }
}

impl From<Me> for crate::Me {
    fn from(me: Me) -> Self {
        crate::Me {
            now_us: me.now_us,
            age_us: me.age_us,
            random_seed: me.random_seed,
            zone: me.zone,
            rack: me.rack,
            labels: me.labels.into(),
            origin: me.origin != 0,
            first_pass: me.first_pass != 0,
            chunks: me.chunks,
            held: me.held,
            chunk_bytes: me.chunk_bytes,
            free_slots: me.free_slots,
            slots: me.slots,
            per_peer: me.per_peer,
            upload_times: times(me.upload_times_us),
            download_times: times(me.download_times_us),
            download_mean_us: me.download_mean_us,
            upload_rate: me.upload_rate,
            download_rate: me.download_rate,
            upload_cap: me.upload_cap,
            download_cap: me.download_cap,
            parameters: me.parameters.into(),
        }
    }
}

fn times(list: List<u64>) -> crate::Times {
    let times = Vec::from(list);
    let at = |place: usize| times.get(place).copied().unwrap_or(0);
    crate::Times { p30_us: at(0), p50_us: at(1), p90_us: at(2), p99_us: at(3) }
}

impl From<PeerColumns> for crate::PeerColumns {
    fn from(peers: PeerColumns) -> Self {
        crate::PeerColumns {
            id: peers.id.into(),
            zone: peers.zone.into(),
            rack: peers.rack.into(),
            relation: peers.relation.into(),
            labels: peers.labels.into(),
            origin: peers.origin.into(),
            inbound: peers.inbound.into(),
            age_ms: peers.age_ms.into(),
            connected_ms: peers.connected_ms.into(),
            outstanding: peers.outstanding.into(),
            incoming: peers.incoming.into(),
            sent: peers.sent.into(),
            received: peers.received.into(),
            held: peers.held.into(),
            lacks: peers.lacks.into(),
            offers: peers.offers.into(),
            send_time_us: peers.send_time_us.into(),
            receive_time_us: peers.receive_time_us.into(),
            failures: peers.failures.into(),
            rejected: peers.rejected.into(),
        }
    }
}

impl From<CandidateColumns> for crate::CandidateColumns {
    fn from(peers: CandidateColumns) -> Self {
        crate::CandidateColumns {
            id: peers.id.into(),
            zone: peers.zone.into(),
            rack: peers.rack.into(),
            relation: peers.relation.into(),
            labels: peers.labels.into(),
            connected: peers.connected.into(),
            permille: peers.permille.into(),
            connected_ms: peers.connected_ms.into(),
            failures: peers.failures.into(),
        }
    }
}

impl From<ChunkColumns> for crate::ChunkColumns {
    fn from(chunks: ChunkColumns) -> Self {
        crate::ChunkColumns {
            index: chunks.index.into(),
            holders: chunks.holders.into(),
            in_flight: chunks.in_flight.into(),
            sent: chunks.sent.into(),
        }
    }
}

impl From<Holdings> for crate::Holdings {
    fn from(holdings: Holdings) -> Self {
        crate::Holdings { words: holdings.words, bits: holdings.bits.into() }
    }
}

fn columns(more: List<Column>) -> Vec<crate::Column> {
    let column = |column: Column| crate::Column { id: column.id, values: column.values.into() };
    Vec::from(more).into_iter().map(column).collect()
}
