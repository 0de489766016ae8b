//! What one question costs the engine: builds the `offers` view of 64 neighbours and 1,024 chunks again and
//! again and prints the median time. Run it before and after a change of `swarm/views.rs`:
//!
//! ```text
//! cargo run --release -p samara-engine --example view_cost
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use samara_engine::swarm::{LinkKey, ManifestFacts, Swarm, SwarmConfig, SwarmInput, SwarmOutput};
use samara_model::{ChunkSet, ContentId, HaveSummary, LabelNumbers, PeerId, PeerMessage, Time};
use samara_policy::{
    Answer, NeighboursAnswer, OffersAnswer, OverdueAnswer, Question, Random, RequestsAnswer,
};

const PEERS: u64 = 64;
const CHUNKS: u32 = 1024;
const QUESTIONS: usize = 20_000;

fn main() {
    let mut swarm =
        Swarm::new(SwarmConfig::default(), PeerId([0; 32]), ContentId([9; 32]), false, 1);
    let mut out = Vec::new();
    let mut now = Time(1_000_000);
    let mut random = Random::new(7);
    let mut some = |share: u32| {
        let mut set = ChunkSet::empty(CHUNKS);
        (0..CHUNKS).filter(|_| random.below(100) < share).for_each(|chunk| {
            set.insert(chunk);
        });
        set
    };
    let have = some(50);
    let facts = ManifestFacts { bytes: Arc::from(&b"manifest"[..]), chunk_bytes: 65536, have };
    swarm.handle(now, SwarmInput::ManifestLoaded(facts), &mut out);
    for link in 1..=PEERS {
        let (peer, address) = (PeerId([link as u8; 32]), SocketAddr::from(([10, 0, 0, 1], 7000)));
        let link = LinkKey(link);
        let labels = LabelNumbers::default();
        let connected = SwarmInput::PeerConnected { link, peer, address, labels, resumed: false };
        swarm.handle(now, connected, &mut out);
        let message = PeerMessage::Open {
            channel: 0,
            content: ContentId([9; 32]),
            manifest_bytes: Some(8),
            have: HaveSummary::Some(some(50).to_bytes()),
            origin: false,
            wants_haves: true,
            reply: false,
        };
        swarm.handle(now, SwarmInput::MessageReceived { link, message }, &mut out);
    }
    // Some transfers, so that there are times to show.
    for chunk in 0..40 {
        let link = LinkKey(1 + u64::from(chunk) % PEERS);
        swarm.handle(now, SwarmInput::ChunkStarted { link, chunk }, &mut out);
        now = Time(now.0 + 1000);
        swarm.handle(now, SwarmInput::ChunkStored { link, chunk }, &mut out);
    }
    let mut times = Vec::with_capacity(QUESTIONS);
    for question in 0..QUESTIONS {
        answer_all(&mut swarm, now, &mut out);
        now = Time(now.0 + 20);
        let slots = SwarmInput::SlotsLeased { upload: 4, download: 0 };
        let start = Instant::now();
        swarm.handle(now, slots, &mut out);
        let took = start.elapsed();
        if out.iter().any(|output| matches!(output, SwarmOutput::AskPolicy { .. })) {
            times.push(took.as_nanos() as u64);
        }
        assert!(question < 10 || !times.is_empty(), "nothing was asked");
    }
    times.sort_unstable();
    println!(
        "{} questions of {PEERS} peers x {CHUNKS} chunks: median {} ns, p90 {} ns",
        times.len(),
        times[times.len() / 2],
        times[times.len() * 9 / 10]
    );
}

/// Answers every open question with nothing.
fn answer_all(swarm: &mut Swarm, now: Time, out: &mut Vec<SwarmOutput>) {
    while !out.is_empty() {
        for output in core::mem::take(out) {
            if let SwarmOutput::AskPolicy { token, question, .. }
            | SwarmOutput::AskBuiltIn { token, question } = output
            {
                let answer = match *question {
                    Question::Neighbours(_) => Answer::Neighbours(NeighboursAnswer::default()),
                    Question::Offers(_) => Answer::Offers(OffersAnswer::default()),
                    Question::Requests(_) => Answer::Requests(RequestsAnswer::default()),
                    Question::Overdue(_) => Answer::Overdue(OverdueAnswer::default()),
                };
                swarm.handle(now, SwarmInput::PolicyAnswered { token, answer }, out);
            }
        }
    }
}
