//! Views, lent to the guest: columns of numbers are borrowed as they are, yes and no become 1 and 0.

use samara_policy::{
    CandidateColumns, ChunkColumns, Column, Holdings, Me, NeighboursView, OffersView, OverdueView,
    PeerColumns, RequestsView, Times,
};

use crate::bindings::exports::samara::policy::strategy as wit;

pub(super) fn with_offers<T>(view: &OffersView, call: impl FnOnce(wit::OffersView<'_>) -> T) -> T {
    let (flags, more) = (PeerFlags::of(&view.peers), columns(&view.more));
    call(wit::OffersView {
        me: me(&view.me, &MeTimes::of(&view.me)),
        peers: peers(&view.peers, &flags),
        chunks: chunks(&view.chunks),
        unavailable: holdings(&view.unavailable),
        more: &more,
    })
}

pub(super) fn with_requests<T>(
    view: &RequestsView,
    call: impl FnOnce(wit::RequestsView<'_>) -> T,
) -> T {
    let (flags, more) = (PeerFlags::of(&view.peers), columns(&view.more));
    call(wit::RequestsView {
        me: me(&view.me, &MeTimes::of(&view.me)),
        peers: peers(&view.peers, &flags),
        chunks: chunks(&view.chunks),
        available: holdings(&view.available),
        more: &more,
    })
}

pub(super) fn with_overdue<T>(
    view: &OverdueView,
    call: impl FnOnce(wit::OverdueView<'_>) -> T,
) -> T {
    let (flags, more) = (PeerFlags::of(&view.peers), columns(&view.more));
    let started = numbers(&view.inbound.started);
    call(wit::OverdueView {
        me: me(&view.me, &MeTimes::of(&view.me)),
        peers: peers(&view.peers, &flags),
        inbound: wit::InboundColumns {
            peer: &view.inbound.peer,
            chunk: &view.inbound.chunk,
            age_us: &view.inbound.age_us,
            started: &started,
        },
        alternatives: holdings(&view.alternatives),
        more: &more,
    })
}

pub(super) fn with_neighbours<T>(
    view: &NeighboursView,
    call: impl FnOnce(wit::NeighboursView<'_>) -> T,
) -> T {
    let (connected, more) = (numbers(&view.peers.connected), columns(&view.more));
    call(wit::NeighboursView {
        me: me(&view.me, &MeTimes::of(&view.me)),
        peers: candidates(&view.peers, &connected),
        target: view.target,
        more: &more,
    })
}

struct MeTimes {
    upload: [u64; 4],
    download: [u64; 4],
}

impl MeTimes {
    fn of(me: &Me) -> MeTimes {
        MeTimes { upload: times(&me.upload_times), download: times(&me.download_times) }
    }
}

fn times(times: &Times) -> [u64; 4] {
    [times.p30_us, times.p50_us, times.p90_us, times.p99_us]
}

fn me<'a>(me: &'a Me, times: &'a MeTimes) -> wit::Me<'a> {
    wit::Me {
        now_us: me.now_us,
        age_us: me.age_us,
        random_seed: me.random_seed,
        zone: me.zone,
        rack: me.rack,
        labels: &me.labels,
        origin: me.origin.into(),
        first_pass: me.first_pass.into(),
        chunks: me.chunks,
        held: me.held,
        chunk_bytes: me.chunk_bytes,
        free_slots: me.free_slots,
        slots: me.slots,
        per_peer: me.per_peer,
        upload_times_us: &times.upload,
        download_times_us: &times.download,
        download_mean_us: me.download_mean_us,
        upload_rate: me.upload_rate,
        download_rate: me.download_rate,
        upload_cap: me.upload_cap,
        download_cap: me.download_cap,
        parameters: &me.parameters,
    }
}

struct PeerFlags {
    origin: Vec<u32>,
}

impl PeerFlags {
    fn of(peers: &PeerColumns) -> PeerFlags {
        PeerFlags { origin: numbers(&peers.origin) }
    }
}

fn peers<'a>(peers: &'a PeerColumns, flags: &'a PeerFlags) -> wit::PeerColumns<'a> {
    wit::PeerColumns {
        id: &peers.id,
        zone: &peers.zone,
        rack: &peers.rack,
        relation: &peers.relation,
        labels: &peers.labels,
        origin: &flags.origin,
        inbound: &peers.inbound,
        age_ms: &peers.age_ms,
        connected_ms: &peers.connected_ms,
        outstanding: &peers.outstanding,
        incoming: &peers.incoming,
        sent: &peers.sent,
        received: &peers.received,
        held: &peers.held,
        lacks: &peers.lacks,
        offers: &peers.offers,
        send_time_us: &peers.send_time_us,
        receive_time_us: &peers.receive_time_us,
        failures: &peers.failures,
        rejected: &peers.rejected,
    }
}

fn candidates<'a>(peers: &'a CandidateColumns, connected: &'a [u32]) -> wit::CandidateColumns<'a> {
    wit::CandidateColumns {
        id: &peers.id,
        zone: &peers.zone,
        rack: &peers.rack,
        relation: &peers.relation,
        labels: &peers.labels,
        connected,
        permille: &peers.permille,
        connected_ms: &peers.connected_ms,
        failures: &peers.failures,
    }
}

fn chunks(chunks: &ChunkColumns) -> wit::ChunkColumns<'_> {
    wit::ChunkColumns {
        index: &chunks.index,
        holders: &chunks.holders,
        in_flight: &chunks.in_flight,
        sent: &chunks.sent,
    }
}

fn holdings(holdings: &Holdings) -> wit::Holdings<'_> {
    wit::Holdings { words: holdings.words, bits: &holdings.bits }
}

fn columns(more: &[Column]) -> Vec<wit::ColumnParam<'_>> {
    more.iter().map(|one| wit::ColumnParam { id: one.id, values: &one.values }).collect()
}

fn numbers(flags: &[bool]) -> Vec<u32> {
    flags.iter().map(|flag| u32::from(*flag)).collect()
}
