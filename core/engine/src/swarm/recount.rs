//! What is counted as things happen is what a recount gives, whatever happens in whatever order.

use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use proptest::prelude::*;
use samara_model::{
    ChunkIndex, ChunkSet, ContentId, DeclineReason, HaveSummary, PeerId, PeerMessage, Time,
};
use samara_policy::Policy;
use samara_policy_balanced::Balanced;

use super::*;

const CONTENT: ContentId = ContentId([9; 32]);
const CHUNKS: u32 = 70;

/// A swarm with the built-in policy, which is told anything at all.
struct Told {
    swarm: Swarm,
    now: Time,
}

fn set(chunk: ChunkIndex) -> HaveSummary {
    let mut set = ChunkSet::empty(CHUNKS);
    (0..CHUNKS).filter(|other| other * 7 % (chunk + 3) < 2).for_each(|other| {
        set.insert(other);
    });
    HaveSummary::Some(set.to_bytes())
}

fn open(have: HaveSummary) -> PeerMessage {
    PeerMessage::Open {
        channel: 0,
        content: CONTENT,
        manifest_bytes: Some(1),
        have,
        origin: false,
        wants_haves: true,
        reply: false,
    }
}

impl Told {
    fn new(here: ChunkIndex) -> Told {
        let swarm = Swarm::new(SwarmConfig::default(), PeerId([1; 32]), CONTENT, here == 0, 3);
        let mut told = Told { swarm, now: Time::ZERO };
        let HaveSummary::Some(bytes) = set(here) else { unreachable!("it is a set") };
        let have = ChunkSet::from_bytes(CHUNKS, &bytes).expect("of this length");
        let facts = ManifestFacts { bytes: vec![1].into(), chunk_bytes: 65536, have };
        told.tell(SwarmInput::ManifestLoaded(facts));
        told
    }

    fn tell(&mut self, input: SwarmInput) {
        self.now = self.now + Duration::from_millis(3);
        let mut todo = vec![input];
        while let Some(input) = todo.pop() {
            let mut out = Vec::new();
            self.swarm.handle(self.now, input, &mut out);
            self.recount();
            todo.extend(out.into_iter().filter_map(|output| match output {
                SwarmOutput::AskPolicy { token, question, .. }
                | SwarmOutput::AskBuiltIn { token, question } => {
                    let answer = Balanced.answer(&question);
                    Some(SwarmInput::PolicyAnswered { token, answer })
                }
                _ => None,
            }));
        }
    }

    fn say(&mut self, link: LinkKey, message: PeerMessage) {
        self.tell(SwarmInput::MessageReceived { link, message });
    }

    /// Something that may happen, by numbers.
    fn happen(&mut self, what: u8, link: u8, chunk: ChunkIndex) {
        let (number, link) = (link, LinkKey(u64::from(link)));
        let (channel, inbound) = (0, chunk as u16 % 8);
        match what {
            0 => self.tell(SwarmInput::PeerConnected {
                link,
                peer: PeerId([number + 2; 32]),
                address: SocketAddr::from(([10, 0, 0, number], 7300)),
                labels: Default::default(),
                resumed: false,
            }),
            1 => self.say(link, open(set(chunk))),
            2 => self.say(link, open(HaveSummary::Nothing)),
            3 => self.tell(SwarmInput::PeerDisconnected { link }),
            4 => self.say(link, PeerMessage::Have { channel, chunks: vec![chunk], inbound }),
            5 => self.say(link, PeerMessage::HaveSet { channel, have: set(chunk), inbound }),
            6 => self.say(link, PeerMessage::Withdraw { channel, chunks: vec![chunk] }),
            7 => self.say(link, PeerMessage::Withdraw { channel, chunks: vec![] }),
            8 => self.say(link, PeerMessage::Request { channel, chunk: Some(chunk), inbound }),
            9 => self.say(link, PeerMessage::Accept { channel, chunk, inbound }),
            10 => {
                let reason =
                    if chunk.is_multiple_of(2) { DeclineReason::Have } else { DeclineReason::Busy };
                self.say(link, PeerMessage::Decline { channel, reason, inbound });
            }
            11 | 12 => {
                let chunks = vec![chunk, (chunk + 1) % CHUNKS, (chunk + 9) % CHUNKS];
                self.say(link, PeerMessage::Offer { channel, chunks, inbound });
            }
            13 => self.say(link, PeerMessage::Refuse { channel, chunk: Some(chunk) }),
            14 => self.say(link, PeerMessage::Cancel { channel, chunk }),
            15 => self.tell(SwarmInput::ChunkStarted { link, chunk }),
            16 | 17 => {
                let reserved = self.swarm.under_way.from(link).first().and_then(|one| one.chunk);
                let chunk = reserved.unwrap_or(chunk);
                self.tell(SwarmInput::ChunkStored { link, chunk });
            }
            18 => self.tell(SwarmInput::ChunkRejected { link, chunk }),
            19 => {
                let sent = self.swarm.under_way.to(link).iter().find_map(|one| one.chunk());
                let chunk = sent.unwrap_or(chunk);
                self.tell(SwarmInput::ChunkSent { link, chunk });
            }
            20 => self.tell(SwarmInput::ServeFailed { link, chunk }),
            21 => self.tell(SwarmInput::OwnChunkVerified { link, chunk, good: false }),
            22 => self.now = self.now + Duration::from_secs(u64::from(chunk % 4)),
            _ => self.tell(SwarmInput::ChunkDiscarded { link, chunk }),
        }
    }

    fn recount(&self) {
        let swarm = &self.swarm;
        let chunks = swarm.chunks.as_ref().expect("the manifest is here");
        for (link, one) in swarm.neighbours.iter() {
            assert!(one.has.is_true(&chunks.have), "what {link:?} has in common with this peer");
        }
        for chunk in 0..CHUNKS {
            let at = chunk as usize;
            let holders = swarm.neighbours.values().filter(|one| one.has.contains(chunk)).count();
            assert_eq!(usize::from(chunks.holders[at]), holders, "holders of {chunk}");
            let out = swarm.under_way.outgoing();
            let sending = out.iter().filter(|one| one.chunk() == Some(chunk)).count();
            assert_eq!(usize::from(chunks.sending[at]), sending, "transfers of {chunk}");
            let incoming = swarm.under_way.incoming();
            let coming = incoming.iter().filter(|one| one.chunk == Some(chunk)).count();
            assert_eq!(usize::from(chunks.coming[at]), coming, "reservations of {chunk}");
        }
        let known = |link: LinkKey| swarm.neighbours.contains_key(&link);
        let (out, into) = (swarm.under_way.outgoing(), swarm.under_way.incoming());
        assert!(out.iter().all(|one| known(one.link)) && out.is_sorted_by_key(|one| one.link));
        assert!(into.iter().all(|one| known(one.link)) && into.is_sorted_by_key(|one| one.link));
    }
}

proptest! {
    #[test]
    fn counts_are_what_a_recount_gives(
        here in 0u32..20,
        steps in proptest::collection::vec((0u8..24, 0u8..6, 0u32..CHUNKS), 0..250),
    ) {
        let mut told = Told::new(here);
        for link in 0..4 {
            told.happen(0, link, 0);
            told.happen(1, link, u32::from(link) * 5);
        }
        for (what, link, chunk) in steps {
            told.happen(what, link, chunk);
        }
    }
}
