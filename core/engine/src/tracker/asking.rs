//! Handouts that a policy decides: its hook `neighbours` is asked for each requester, with candidates from the
//! registry. What it leaves undecided, or says too late, is handed out as without a policy.

use alloc::vec::Vec;
use core::time::Duration;

use samara_model::{ContentId, PeerHint, PeerId, Place, Release, Time};
use samara_policy::{CandidateColumns, Me, NeighboursAnswer, NeighboursView, Question};

use crate::swarm::{PolicyFacts, label_numbers, number_of, relation_between};

/// Candidates of one question.
pub(super) const MAX_ROWS: usize = 256;
/// Most of them that stand in the requester's rack: a random few of a thousand would show none.
pub(super) const MAX_MATES: usize = 64;
/// Handouts that wait for answers at a time; beyond that nobody is asked.
const MAX_PENDING: usize = 64;
/// Contents of one announcement that are asked about.
const MAX_ASKED: usize = 8;
/// After this time an answer is late, as for the other hooks.
pub(super) const DEADLINE: Duration = Duration::from_millis(50);

/// Handouts under way, and whether there is a policy to ask.
#[derive(Debug, Default)]
pub(super) struct Asking {
    policy: PolicyFacts,
    pending: Vec<Pending>,
}

/// A handout that waits for answers.
#[derive(Debug)]
pub(super) struct Pending {
    pub requester: PeerHint,
    pub link: u64,
    /// Of the announcement.
    pub token: u32,
    pub refused: Vec<Release>,
    /// Those that are decided.
    pub neighbours: Vec<(ContentId, Vec<PeerHint>)>,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    token: u64,
    content: ContentId,
    rows: Vec<PeerHint>,
}

/// What a question was about.
pub(super) struct Asked {
    /// Good until the next handout is added or done.
    pending: usize,
    pub requester: PeerId,
    pub content: ContentId,
    pub rows: Vec<PeerHint>,
}

impl Asking {
    /// Another policy, or none. Questions that are open stay so: any answer is taken.
    pub fn ask_from_now_on(&mut self, policy: PolicyFacts) {
        self.policy = policy;
    }

    /// How many contents of the next announcement may be asked about.
    pub fn room(&self) -> usize {
        let asks = self.policy.at_tracker && self.pending.len() < MAX_PENDING;
        if asks { MAX_ASKED } else { 0 }
    }

    /// Keeps a handout until all its questions are closed.
    pub fn wait(&mut self, pending: Pending) {
        self.pending.push(pending);
    }

    /// The question about `rows` for this requester; its answer comes with `token`.
    pub fn question(
        &self,
        now: Time,
        random_seed: u64,
        target: u32,
        requester: &PeerHint,
        rows: &[PeerHint],
    ) -> Question {
        let labels = &self.policy.labels;
        let Place { zone, rack, .. } = requester.place;
        let mut peers = CandidateColumns::default();
        for hint in rows {
            peers.id.push(number_of(&hint.peer));
            peers.zone.push(hint.place.zone);
            peers.rack.push(hint.place.rack);
            peers.relation.push(relation_between(&requester.place, &hint.place));
            peers.labels.extend(label_numbers(hint.place, labels));
            peers.connected.push(false);
            peers.permille.push(u32::from(hint.permille));
            peers.connected_ms.push(0);
            peers.failures.push(0);
        }
        let me = Me {
            now_us: now.0,
            random_seed,
            zone,
            rack,
            labels: label_numbers(requester.place, labels).collect(),
            parameters: self.policy.parameters.clone(),
            ..Me::default()
        };
        Question::Neighbours(NeighboursView { me, peers, target, more: Vec::new() })
    }

    /// Closes a question; `None` when it is not open (any more).
    pub fn close(&mut self, token: u64) -> Option<Asked> {
        for (pending, one) in self.pending.iter_mut().enumerate() {
            if let Some(at) = one.open.iter().position(|open| open.token == token) {
                let Open { content, rows, .. } = one.open.swap_remove(at);
                return Some(Asked { pending, requester: one.requester.peer, content, rows });
            }
        }
        None
    }

    /// Notes what is handed out for a question that was just closed; the handout, when it was its last.
    pub fn decided(&mut self, asked: Asked, hints: Vec<PeerHint>) -> Option<Pending> {
        let pending = self.pending.get_mut(asked.pending)?;
        pending.neighbours.push((asked.content, hints));
        (!pending.is_open()).then(|| self.pending.remove(asked.pending))
    }
}

impl Pending {
    /// A handout of which nothing is open.
    pub fn new(requester: PeerHint, link: u64, token: u32, refused: Vec<Release>) -> Pending {
        Pending { requester, link, token, refused, neighbours: Vec::new(), open: Vec::new() }
    }

    /// One more question.
    pub fn opens(&mut self, token: u64, content: ContentId, rows: Vec<PeerHint>) {
        self.open.push(Open { token, content, rows });
    }

    /// Hints that it has, and may get when each open question brings `handout`.
    pub fn most_hints(&self, handout: usize) -> usize {
        let decided: usize = self.neighbours.iter().map(|(_, hints)| hints.len()).sum();
        decided + self.open.len() * handout
    }

    /// Whether it waits for something.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }
}

/// The rows that an answer connects to, each once, at most `wanted`.
pub(super) fn chosen(answer: &NeighboursAnswer, rows: &[PeerHint], wanted: usize) -> Vec<PeerHint> {
    let mut hints: Vec<PeerHint> = Vec::new();
    for row in &answer.connect {
        let Some(hint) = rows.get(row.peer as usize) else { continue };
        if hints.len() == wanted {
            break;
        }
        if hints.iter().all(|other| other.peer != hint.peer) {
            hints.push(*hint);
        }
    }
    hints
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use core::net::SocketAddr;

    use proptest::prelude::*;
    use samara_model::{Holding, PeerMessage};
    use samara_policy::{Answer, Connection, relation};

    use super::*;
    use crate::tracker::{Tracker, TrackerConfig, TrackerInput, TrackerOutput};

    const RACKS: u16 = 10;

    fn peer(node: u16) -> PeerId {
        let mut id = [3; 32];
        id[..2].copy_from_slice(&node.to_be_bytes());
        PeerId(id)
    }

    fn content(n: u8) -> ContentId {
        ContentId([n; 32])
    }

    fn announced(node: u16, contents: u8) -> TrackerInput {
        let [high, low] = node.to_be_bytes();
        let holding = |n| Holding { content: content(n), permille: 0, fetching: true };
        TrackerInput::Announced {
            from: peer(node),
            link: u64::from(node),
            address: SocketAddr::from(([10, 0, high, low], 7000)),
            place: Place { zone: 7, rack: u64::from(node % RACKS) + 1, host: 0 },
            holdings: (0..contents).map(holding).collect(),
            releases: vec![],
            token: 5,
        }
    }

    /// A tracker that knows `peers` peers, and asks its policy from then on.
    fn tracker(peers: u16) -> Tracker {
        let mut tracker = Tracker::new(TrackerConfig::default(), 1);
        for node in 0..peers {
            let outputs = tell(&mut tracker, announced(node, 1));
            assert!(questions(&outputs).is_empty(), "the built-in policy is not asked");
        }
        let labels = vec!["tier".into(), "rack".into()];
        let facts = PolicyFacts { at_tracker: true, labels, ..PolicyFacts::default() };
        tell(&mut tracker, TrackerInput::PolicyChanged { facts });
        tracker
    }

    fn tell(tracker: &mut Tracker, input: TrackerInput) -> Vec<TrackerOutput> {
        let mut outputs = Vec::new();
        tracker.handle(Time::ZERO, input, &mut outputs);
        outputs
    }

    fn questions(outputs: &[TrackerOutput]) -> Vec<(u64, NeighboursView)> {
        let asked = outputs.iter().filter_map(|output| match output {
            TrackerOutput::AskPolicy { token, question, .. } => match &**question {
                Question::Neighbours(view) => Some((*token, view.clone())),
                other => panic!("a tracker asks about neighbours only: {other:?}"),
            },
            _ => None,
        });
        asked.collect()
    }

    fn answer(rows: &[u32]) -> Option<Answer> {
        let connect = rows.iter().map(|row| Connection { peer: *row, reason: 0 }).collect();
        Some(Answer::Neighbours(NeighboursAnswer { connect, drop: vec![] }))
    }

    fn handout(outputs: &[TrackerOutput]) -> Option<Vec<(ContentId, Vec<PeerHint>)>> {
        outputs.iter().find_map(|output| match output {
            TrackerOutput::Send { message: PeerMessage::Handout { neighbours, .. }, .. } => {
                Some(neighbours.clone())
            }
            _ => None,
        })
    }

    #[test]
    fn the_policy_sees_all_rack_mates_and_its_choice_is_handed_out() {
        let mut tracker = tracker(600);
        let outputs = tell(&mut tracker, announced(4, 1));
        assert_eq!(handout(&outputs), None, "it waits for the policy");
        let asked = questions(&outputs);
        let [(token, view)] = &asked[..] else { panic!("one question: {asked:?}") };
        assert_eq!((view.peers.len() as usize, view.target), (MAX_ROWS, 50));
        let mates: Vec<u32> =
            (0..view.peers.len()).filter(|row| view.peers.rack[*row as usize] == 5).collect();
        assert_eq!(mates.len(), 59, "all but itself");
        assert_eq!(view.me.labels, [0, 5]);
        assert_eq!(view.peers.labels.len(), 2 * MAX_ROWS);
        assert!(!view.peers.id.contains(&number_of(&peer(4))));
        let near = view.peers.relation[mates[7] as usize];
        assert_eq!(near, relation::RACK);
        let wanted = [mates[7], 200, mates[3], 200, 9999];
        let decided = TrackerInput::PolicyAnswered { token: *token, answer: answer(&wanted) };
        let handed = handout(&tell(&mut tracker, decided.clone())).expect("the handout");
        let ids: Vec<u64> = handed[0].1.iter().map(|hint| number_of(&hint.peer)).collect();
        let named = [mates[7], 200, mates[3]].map(|row| view.peers.id[row as usize]);
        assert_eq!(ids, named, "in its order, each once, and nobody who was not shown");
        assert_eq!(tell(&mut tracker, decided), [], "twice is once too often");
    }

    #[test]
    fn what_the_policy_leaves_undecided_is_handed_out_as_without_one() {
        let mut tracker = tracker(100);
        for lost in [None, answer(&[]), answer(&[4000]), Some(Answer::Offers(Default::default()))] {
            let asked = questions(&tell(&mut tracker, announced(1, 1)));
            let decided = TrackerInput::PolicyAnswered { token: asked[0].0, answer: lost };
            let handed = handout(&tell(&mut tracker, decided)).expect("the handout");
            assert_eq!(handed[0].1.len(), 50);
        }
        // A timer ends the waiting, and a late answer changes nothing.
        let asked = questions(&tell(&mut tracker, announced(1, 1)));
        let late = tell(&mut tracker, TrackerInput::TimerFired { token: asked[0].0 });
        assert_eq!(handout(&late).expect("the handout")[0].1.len(), 50);
        let decided = TrackerInput::PolicyAnswered { token: asked[0].0, answer: answer(&[1]) };
        assert_eq!(tell(&mut tracker, decided), []);
    }

    #[test]
    fn nobody_waits_for_ever_however_many_ask() {
        let mut tracker = tracker(300);
        let mut open = vec![];
        let mut done = 0;
        for node in 0..100 {
            let outputs = tell(&mut tracker, announced(node, 12));
            done += usize::from(handout(&outputs).is_some());
            open.extend(questions(&outputs).into_iter().map(|(token, _)| token));
        }
        assert_eq!(done, 100 - MAX_PENDING, "the others are not asked about");
        for token in open.into_iter().rev() {
            let outputs = tell(&mut tracker, TrackerInput::TimerFired { token });
            if let Some(handed) = handout(&outputs) {
                assert_eq!(handed.len(), 12);
                done += 1;
            }
        }
        assert_eq!(done, 100);
    }

    proptest! {
        #[test]
        fn any_answer_hands_out_candidates_each_once(
            rows in proptest::collection::vec(0u32..400, 0..600)
        ) {
            let mut tracker = tracker(120);
            let asked = questions(&tell(&mut tracker, announced(2, 1)));
            let decided = TrackerInput::PolicyAnswered { token: asked[0].0, answer: answer(&rows) };
            let handed = handout(&tell(&mut tracker, decided)).expect("the handout");
            let mut ids: Vec<PeerId> = handed[0].1.iter().map(|hint| hint.peer).collect();
            prop_assert!((1..=50).contains(&ids.len()));
            prop_assert!(!ids.contains(&peer(2)));
            let all = ids.len();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), all);
        }
    }
}
