//! Every column of every view by its name in the contract. What reads, writes or makes up views walks here,
//! so that a column is listed once.

use alloc::vec::Vec;

use crate::{
    CandidateColumns, ChunkColumns, Column, Holdings, InboundColumns, Me, PeerColumns, Question,
    Times,
};

/// One column or value of a view.
#[derive(Debug)]
pub enum Field<'a> {
    /// `u64`
    Number64(&'a mut u64),
    /// `u32`
    Number(&'a mut u32),
    /// A `u32` that is 0 or 1.
    Flag(&'a mut bool),
    /// A `list<u64>` of four quantiles.
    Times(&'a mut Times),
    /// `list<u64>`
    Column64(&'a mut Vec<u64>),
    /// `list<u32>`
    Column(&'a mut Vec<u32>),
    /// A `list<u32>` of 0 and 1.
    Flags(&'a mut Vec<bool>),
    /// A `list<u64>` of bits.
    Bits(&'a mut Vec<u64>),
    /// `list<column>`
    More(&'a mut Vec<Column>),
}

/// Calls `visit` with each field's name (`me.now-us`, `peers.id`, ...) in the contract's order.
pub fn fields(question: &mut Question, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
    match question {
        Question::Offers(view) => {
            me(&mut view.me, visit);
            peers(&mut view.peers, visit);
            chunks(&mut view.chunks, visit);
            let Holdings { words, bits } = &mut view.unavailable;
            visit("unavailable.words", Field::Number(words));
            visit("unavailable.bits", Field::Bits(bits));
            visit("more", Field::More(&mut view.more));
        }
        Question::Requests(view) => {
            me(&mut view.me, visit);
            peers(&mut view.peers, visit);
            chunks(&mut view.chunks, visit);
            let Holdings { words, bits } = &mut view.available;
            visit("available.words", Field::Number(words));
            visit("available.bits", Field::Bits(bits));
            visit("more", Field::More(&mut view.more));
        }
        Question::Overdue(view) => {
            me(&mut view.me, visit);
            peers(&mut view.peers, visit);
            inbound(&mut view.inbound, visit);
            let Holdings { words, bits } = &mut view.alternatives;
            visit("alternatives.words", Field::Number(words));
            visit("alternatives.bits", Field::Bits(bits));
            visit("more", Field::More(&mut view.more));
        }
        Question::Neighbours(view) => {
            me(&mut view.me, visit);
            candidates(&mut view.peers, visit);
            visit("target", Field::Number(&mut view.target));
            visit("more", Field::More(&mut view.more));
        }
    }
}

/// `"name" kind field` for each field.
macro_rules! each {
    ($visit:ident, $of:ident: $($name:literal $kind:ident $field:ident;)*) => {
        $($visit($name, Field::$kind(&mut $of.$field));)*
    };
}

fn me(me: &mut Me, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
    each! { visit, me:
        "me.now-us" Number64 now_us;
        "me.age-us" Number64 age_us;
        "me.random-seed" Number64 random_seed;
        "me.zone" Number64 zone;
        "me.rack" Number64 rack;
        "me.labels" Column64 labels;
        "me.origin" Flag origin;
        "me.first-pass" Flag first_pass;
        "me.chunks" Number chunks;
        "me.held" Number held;
        "me.chunk-bytes" Number chunk_bytes;
        "me.free-slots" Number free_slots;
        "me.slots" Number slots;
        "me.per-peer" Number per_peer;
        "me.upload-times-us" Times upload_times;
        "me.download-times-us" Times download_times;
        "me.download-mean-us" Number64 download_mean_us;
        "me.upload-rate" Number64 upload_rate;
        "me.download-rate" Number64 download_rate;
        "me.upload-cap" Number64 upload_cap;
        "me.download-cap" Number64 download_cap;
        "me.parameters" Column64 parameters;
    }
}

fn peers(peers: &mut PeerColumns, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
    each! { visit, peers:
        "peers.id" Column64 id;
        "peers.zone" Column64 zone;
        "peers.rack" Column64 rack;
        "peers.relation" Column relation;
        "peers.labels" Column64 labels;
        "peers.origin" Flags origin;
        "peers.inbound" Column inbound;
        "peers.age-ms" Column age_ms;
        "peers.connected-ms" Column connected_ms;
        "peers.outstanding" Column outstanding;
        "peers.incoming" Column incoming;
        "peers.sent" Column sent;
        "peers.received" Column received;
        "peers.held" Column held;
        "peers.lacks" Column lacks;
        "peers.offers" Column offers;
        "peers.send-time-us" Column64 send_time_us;
        "peers.receive-time-us" Column64 receive_time_us;
        "peers.failures" Column failures;
        "peers.rejected" Column rejected;
    }
}

fn chunks(chunks: &mut ChunkColumns, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
    each! { visit, chunks:
        "chunks.index" Column index;
        "chunks.holders" Column holders;
        "chunks.in-flight" Column in_flight;
        "chunks.sent" Column sent;
    }
}

fn inbound(inbound: &mut InboundColumns, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
    each! { visit, inbound:
        "inbound.peer" Column peer;
        "inbound.chunk" Column chunk;
        "inbound.age-us" Column64 age_us;
        "inbound.started" Flags started;
    }
}

fn candidates(peers: &mut CandidateColumns, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
    each! { visit, peers:
        "peers.id" Column64 id;
        "peers.zone" Column64 zone;
        "peers.rack" Column64 rack;
        "peers.relation" Column relation;
        "peers.labels" Column64 labels;
        "peers.connected" Flags connected;
        "peers.permille" Column permille;
        "peers.connected-ms" Column connected_ms;
        "peers.failures" Column failures;
    }
}
