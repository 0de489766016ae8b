//! A swarm on a bench, for tests of what it shows its policy.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use samara_model::{
    ChunkSet, ContentId, HaveSummary, LabelNumbers, Labels, PeerId, PeerMessage, Time,
};
use samara_policy::{
    Answer, NeighboursAnswer, NeighboursView, OffersAnswer, OffersView, OverdueAnswer, OverdueView,
    Question, RequestsAnswer, RequestsView,
};

use super::{LinkKey, ManifestFacts, PolicyFacts, Swarm, SwarmConfig, SwarmInput, SwarmOutput};

pub(super) const CONTENT: ContentId = ContentId([9; 32]);
pub(super) const ONE: LinkKey = LinkKey(1);
pub(super) const TWO: LinkKey = LinkKey(2);

/// A swarm whose questions are kept and answered with nothing, unless a test answers.
pub(super) struct Bench {
    pub(super) swarm: Swarm,
    pub(super) now: Time,
    pub(super) asked: Vec<(u64, Question)>,
    /// Questions to the built-in policy, as nobody answered in time.
    pub(super) late: Vec<(u64, Question)>,
}

pub(super) fn number(value: &str) -> u64 {
    value.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte))
}

pub(super) fn numbers(labels: &[&str]) -> LabelNumbers {
    let mut all = Labels::default();
    for label in labels {
        all.add(label.parse().expect("a label")).expect("room");
    }
    LabelNumbers::new(&all, number)
}

pub(super) fn peer(link: LinkKey) -> PeerId {
    PeerId([link.0 as u8; 32])
}

pub(super) fn address(link: LinkKey) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, link.0 as u8], 7000))
}

pub(super) fn set(universe: u32, chunks: &[u32]) -> ChunkSet {
    let mut set = ChunkSet::empty(universe);
    chunks.iter().for_each(|chunk| {
        set.insert(*chunk);
    });
    set
}

pub(super) fn first_word(bits: &[u64]) -> u64 {
    bits.first().copied().unwrap_or(0)
}

impl Bench {
    pub(super) fn new(config: SwarmConfig, chunks: u32, have: &[u32]) -> Bench {
        let swarm = Swarm::new(config, PeerId([99; 32]), CONTENT, false, 5)
            .with_labels(numbers(&["zone=z1", "rack=r1", "tier=gold"]));
        let mut bench = Bench { swarm, now: Time(1_000_000), asked: vec![], late: vec![] };
        let have = set(chunks, have);
        let facts = ManifestFacts { bytes: Arc::from(&b"m"[..]), chunk_bytes: 65536, have };
        bench.give(SwarmInput::ManifestLoaded(facts));
        bench
    }

    pub(super) fn give(&mut self, input: SwarmInput) {
        let mut out = Vec::new();
        self.swarm.handle(self.now, input, &mut out);
        for output in out {
            match output {
                SwarmOutput::AskPolicy { token, question, .. } => {
                    self.asked.push((token, *question))
                }
                SwarmOutput::AskBuiltIn { token, question } => self.late.push((token, *question)),
                _ => {}
            }
        }
    }

    pub(super) fn wait(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
    }

    pub(super) fn connect(&mut self, link: LinkKey, labels: &[&str], origin: bool, have: &[u32]) {
        let (labels, chunks) = (numbers(labels), self.swarm.progress().expect("a manifest").1);
        self.give(SwarmInput::PeerConnected {
            link,
            peer: peer(link),
            address: address(link),
            labels,
            resumed: false,
        });
        let have = HaveSummary::Some(set(chunks, have).to_bytes());
        let open = PeerMessage::Open {
            channel: 0,
            content: CONTENT,
            manifest_bytes: Some(1),
            have,
            origin,
            wants_haves: true,
            reply: false,
        };
        self.say(link, open);
    }

    pub(super) fn say(&mut self, link: LinkKey, message: PeerMessage) {
        self.give(SwarmInput::MessageReceived { link, message });
    }

    /// A chunk comes from a neighbour, unasked, within so many milliseconds.
    pub(super) fn receive(&mut self, link: LinkKey, chunk: u32, millis: u64) {
        self.give(SwarmInput::ChunkStarted { link, chunk });
        self.wait(millis);
        self.give(SwarmInput::ChunkStored { link, chunk });
    }

    /// Answers what is open with nothing, and asks anew.
    pub(super) fn ask_again(&mut self) {
        for _ in 0..8 {
            let asked = core::mem::take(&mut self.asked);
            for (token, question) in asked.into_iter().chain(core::mem::take(&mut self.late)) {
                let answer = match question {
                    Question::Neighbours(_) => Answer::Neighbours(NeighboursAnswer::default()),
                    Question::Offers(_) => Answer::Offers(OffersAnswer::default()),
                    Question::Requests(_) => Answer::Requests(RequestsAnswer::default()),
                    Question::Overdue(_) => Answer::Overdue(OverdueAnswer::default()),
                };
                self.give(SwarmInput::PolicyAnswered { token, answer });
            }
        }
        self.asked.clear();
        self.give(SwarmInput::SlotsLeased { upload: 4, download: 6 });
    }

    pub(super) fn offers(&mut self) -> (u64, OffersView) {
        self.ask_again();
        let found = self.asked.iter().rev().find_map(|(token, question)| match question {
            Question::Offers(view) => Some((*token, view.clone())),
            _ => None,
        });
        found.expect("offers were asked for")
    }

    pub(super) fn requests(&self) -> RequestsView {
        let found = self.asked.iter().rev().find_map(|(_, question)| match question {
            Question::Requests(view) => Some(view.clone()),
            _ => None,
        });
        found.expect("requests were asked for")
    }

    pub(super) fn overdue(&self) -> OverdueView {
        let found = self.asked.iter().rev().find_map(|(_, question)| match question {
            Question::Overdue(view) => Some(view.clone()),
            _ => None,
        });
        found.expect("what is overdue was asked about")
    }

    pub(super) fn neighbours(&self) -> NeighboursView {
        let found = self.asked.iter().rev().find_map(|(_, question)| match question {
            Question::Neighbours(view) => Some(view.clone()),
            _ => None,
        });
        found.expect("neighbours were asked for")
    }
}

pub(super) fn facts() -> PolicyFacts {
    PolicyFacts {
        labels: vec!["tier".into(), "rack".into()],
        parameters: vec![11, 12],
        generation: 3,
        ..PolicyFacts::default()
    }
}
