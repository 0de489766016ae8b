//! What every policy keeps, whatever it is shown: answers name rows and positions that are there and nothing
//! twice, they fill no more than the free slots, and the same view gives the same answer.

use std::collections::BTreeSet;

use samara_policy::{
    Answer, Description, MAX_CANDIDATES, MAX_LABELS, MAX_PARAMETERS, Me, NeighboursAnswer,
    NeighboursView, OffersAnswer, OffersView, OverdueAction, OverdueAnswer, OverdueView, Policy,
    Question, Random, RequestsAnswer, RequestsView,
};

use crate::views::Views;

/// Chunks that one request slot, which is a source, can be asked for at once.
const PER_SOURCE: usize = 8;

/// Asks the policy about views of `seed`, usual and wild, and panics where an answer breaks a rule.
pub fn check(policy: &dyn Policy, seed: u64) {
    let description = policy.describe();
    check_description(&description);
    for question in questions(&description, seed) {
        let answer = policy.answer(&question);
        check_answer(&question, &answer);
        assert_eq!(answer, policy.answer(&question), "the same view, another answer");
    }
    check_answers_to_nothing(policy);
}

/// Usual and wild questions to each hook, with parameters set in every way.
pub fn questions(description: &Description, seed: u64) -> Vec<Question> {
    let views = [Views::usual(seed), Views::wild(seed)];
    views.into_iter().flat_map(|views| of_each_hook(views, description, seed)).collect()
}

fn of_each_hook(mut views: Views, description: &Description, seed: u64) -> [Question; 4] {
    let mut random = Random::new(seed);
    let mut offers = views.offers();
    set_parameters(&mut offers.me, description, &mut random);
    let mut requests = views.requests();
    set_parameters(&mut requests.me, description, &mut random);
    let mut overdue = views.overdue();
    set_parameters(&mut overdue.me, description, &mut random);
    let mut neighbours = views.neighbours();
    set_parameters(&mut neighbours.me, description, &mut random);
    [
        Question::Offers(offers),
        Question::Requests(requests),
        Question::Overdue(overdue),
        Question::Neighbours(neighbours),
    ]
}

/// None, the defaults, the ends of the ranges, or what no host hands over.
fn set_parameters(me: &mut Me, description: &Description, random: &mut Random) {
    let what = random.below(5);
    let parameters = description.parameters.iter().map(|one| match what {
        1 => one.default,
        2 => one.min,
        3 => one.max,
        _ => random.next_u64(),
    });
    me.parameters = if what == 0 { vec![] } else { parameters.collect() };
}

fn check_description(description: &Description) {
    let name = &description.name;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    assert!(!name.is_empty() && name.len() <= 64 && name.chars().all(good), "name {name:?}");
    assert!(description.version.len() <= 64);
    assert!(description.labels.len() <= MAX_LABELS);
    assert!(description.parameters.len() <= MAX_PARAMETERS);
    let names: BTreeSet<_> = description.parameters.iter().map(|one| &one.name).collect();
    assert_eq!(names.len(), description.parameters.len(), "two parameters of one name");
    for one in &description.parameters {
        assert!((one.min..=one.max).contains(&one.default), "default of {}", one.name);
        assert!(!one.help.is_empty(), "help of {}", one.name);
    }
    assert_ne!(description.hooks.bits(), 0, "no hook is called");
}

fn check_answers_to_nothing(policy: &dyn Policy) {
    assert_eq!(policy.offers(&OffersView::default()), OffersAnswer::default());
    assert_eq!(policy.requests(&RequestsView::default()), RequestsAnswer::default());
    assert_eq!(policy.overdue(&OverdueView::default()), OverdueAnswer::default());
    assert_eq!(policy.neighbours(&NeighboursView::default()), NeighboursAnswer::default());
}

fn check_answer(question: &Question, answer: &Answer) {
    match (question, answer) {
        (Question::Offers(view), Answer::Offers(answer)) => check_offers(view, answer),
        (Question::Requests(view), Answer::Requests(answer)) => check_requests(view, answer),
        (Question::Overdue(view), Answer::Overdue(answer)) => check_overdue(view, answer),
        (Question::Neighbours(view), Answer::Neighbours(answer)) => check_neighbours(view, answer),
        _ => panic!("an answer to another hook"),
    }
}

fn check_offers(view: &OffersView, answer: &OffersAnswer) {
    assert!(answer.offers.len() <= view.me.free_slots as usize);
    let mut pushed = BTreeSet::new();
    for offer in &answer.offers {
        assert!(offer.peer < view.peers.len(), "no such peer");
        assert!(
            (1..=MAX_CANDIDATES).contains(&offer.chunks.len()),
            "{} chunks",
            offer.chunks.len()
        );
        let chunks: BTreeSet<u32> = offer.chunks.iter().copied().collect();
        assert_eq!(chunks.len(), offer.chunks.len(), "a chunk twice in one offer");
        for chunk in chunks {
            assert!((chunk as usize) < view.chunks.holders.len(), "no such chunk");
            assert!(!view.unavailable.get(offer.peer, chunk), "the peer has it");
        }
        assert!(!offer.push || pushed.insert((offer.peer, offer.chunks[0])), "pushed twice");
    }
}

fn check_requests(view: &RequestsView, answer: &RequestsAnswer) {
    let sources: BTreeSet<u32> = answer.requests.iter().map(|one| one.peer).collect();
    assert!(sources.len() <= view.me.free_slots as usize);
    assert!(answer.requests.len() <= view.me.free_slots as usize * PER_SOURCE);
    let mut asked = BTreeSet::new();
    for request in &answer.requests {
        assert!(request.peer < view.peers.len(), "no such peer");
        let Some(chunk) = request.chunk else { continue };
        assert!(asked.insert(chunk), "asked for twice");
        assert!((chunk as usize) < view.chunks.index.len(), "no such chunk");
        assert!(view.available.get(request.peer, chunk), "the peer does not have it");
    }
}

fn check_overdue(view: &OverdueView, answer: &OverdueAnswer) {
    let mut named = BTreeSet::new();
    for decision in &answer.decisions {
        assert!((decision.transfer as usize) < view.inbound.chunk.len(), "no such transfer");
        assert!(named.insert(decision.transfer), "decided twice");
        if let OverdueAction::Duplicate(other) = decision.action {
            assert!(other < view.peers.len(), "no such peer");
            assert!(view.alternatives.get(decision.transfer, other), "that peer cannot be asked");
        }
    }
}

fn check_neighbours(view: &NeighboursView, answer: &NeighboursAnswer) {
    let mut named = BTreeSet::new();
    for (rows, connected) in [(&answer.connect, false), (&answer.drop, true)] {
        for one in rows {
            assert!(one.peer < view.peers.len(), "no such candidate");
            assert!(named.insert(one.peer), "named twice");
            let is = view.peers.connected.get(one.peer as usize).copied().unwrap_or_default();
            assert_eq!(is, connected, "connects a neighbour, or drops who is none");
        }
    }
}
