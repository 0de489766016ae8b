//! Whether an answer names only what its question showed.

use alloc::format;
use alloc::string::String;

use crate::{Answer, OverdueAction, Question};

/// The first decision that the engine would drop because it names what was not shown, or what the view says
/// cannot be; `None` when all hold. Slots and budgets are not looked at.
pub fn stray(question: &Question, answer: &Answer) -> Option<String> {
    match (question, answer) {
        (Question::Offers(view), Answer::Offers(answer)) => {
            answer.offers.iter().enumerate().find_map(|(row, offer)| {
                let peer = offer.peer;
                if peer >= view.peers.len() {
                    return Some(format!("offer {row} is for peer {peer} of {}", view.peers.len()));
                }
                let shown = view.chunks.index.len() as u32;
                let wrong = |chunk: &&u32| **chunk >= shown || view.unavailable.get(peer, **chunk);
                let chunk = offer.chunks.iter().find(wrong)?;
                Some(format!("offer {row} has chunk {chunk}, which peer {peer} does not lack"))
            })
        }
        (Question::Requests(view), Answer::Requests(answer)) => {
            answer.requests.iter().enumerate().find_map(|(row, request)| {
                let peer = request.peer;
                if peer >= view.peers.len() {
                    let peers = view.peers.len();
                    return Some(format!("request {row} is to peer {peer} of {peers}"));
                }
                let chunk = request.chunk.filter(|chunk| !view.available.get(peer, *chunk))?;
                Some(format!("request {row} is for chunk {chunk}, which peer {peer} does not have"))
            })
        }
        (Question::Overdue(view), Answer::Overdue(answer)) => {
            answer.decisions.iter().enumerate().find_map(|(row, decision)| {
                let transfer = decision.transfer;
                if transfer as usize >= view.inbound.chunk.len() {
                    return Some(format!("decision {row} is about transfer {transfer}"));
                }
                match decision.action {
                    OverdueAction::Duplicate(other) if !view.alternatives.get(transfer, other) => {
                        Some(format!("decision {row} asks peer {other}, which is no alternative"))
                    }
                    _ => None,
                }
            })
        }
        (Question::Neighbours(view), Answer::Neighbours(answer)) => {
            let mut named = answer.connect.iter().chain(&answer.drop);
            let peers = view.peers.len();
            named
                .find(|one| one.peer >= peers)
                .map(|one| format!("a connection is to peer {} of {peers}", one.peer))
        }
        _ => Some(String::from("the answer is of another hook")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hook;
    use crate::testing::scenario;
    use crate::{Description, Offer, OffersAnswer, Policy};
    use alloc::vec;

    struct Default;

    impl Policy for Default {
        fn describe(&self) -> Description {
            Description::new("default", "1")
        }
    }

    #[test]
    fn the_default_answers_name_only_what_was_shown() {
        for hook in Hook::ALL {
            for seed in 0..20 {
                let question = scenario(hook, 12, 90, seed);
                assert_eq!(stray(&question, &Default.answer(&question)), None);
            }
        }
    }

    #[test]
    fn a_chunk_that_the_peer_has_is_told() {
        let question = scenario(Hook::Offers, 3, 64, 1);
        let Question::Offers(view) = &question else { return };
        let has = (0..64).find(|chunk| view.unavailable.get(1, *chunk)).expect("one of 64");
        let offer = |peer, chunk| {
            let offer = Offer { peer, push: false, chunks: vec![chunk], reason: 0 };
            Answer::Offers(OffersAnswer { offers: vec![offer] })
        };
        assert!(stray(&question, &offer(1, has)).expect("it has it").contains("does not lack"));
        assert!(stray(&question, &offer(3, 0)).expect("no such peer").contains("peer 3 of 3"));
        assert!(stray(&question, &offer(0, 64)).is_some());
    }
}
