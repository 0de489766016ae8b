//! Whether two policies decide the same.

use samara_policy::Answer;

/// The same decisions in the same order. Reason codes do not count: they are each policy's own.
pub fn agree(one: &Answer, other: &Answer) -> bool {
    match (one, other) {
        (Answer::Neighbours(a), Answer::Neighbours(b)) => {
            let rows = |list: &[samara_policy::Connection]| -> Vec<u32> {
                list.iter().map(|one| one.peer).collect()
            };
            rows(&a.connect) == rows(&b.connect) && rows(&a.drop) == rows(&b.drop)
        }
        (Answer::Offers(a), Answer::Offers(b)) => {
            let same = |(a, b): (&samara_policy::Offer, &samara_policy::Offer)| {
                a.peer == b.peer && a.push == b.push && a.chunks == b.chunks
            };
            a.offers.len() == b.offers.len() && a.offers.iter().zip(&b.offers).all(same)
        }
        (Answer::Requests(a), Answer::Requests(b)) => {
            let same = |(a, b): (&samara_policy::Request, &samara_policy::Request)| {
                a.peer == b.peer && a.chunk == b.chunk
            };
            a.requests.len() == b.requests.len() && a.requests.iter().zip(&b.requests).all(same)
        }
        (Answer::Overdue(a), Answer::Overdue(b)) => {
            let same =
                |(a, b): (&samara_policy::OverdueDecision, &samara_policy::OverdueDecision)| {
                    a.transfer == b.transfer && a.action == b.action
                };
            a.decisions.len() == b.decisions.len() && a.decisions.iter().zip(&b.decisions).all(same)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use samara_policy::{Request, RequestsAnswer};

    #[test]
    fn reasons_do_not_count_and_order_does() {
        let request = |peer, reason| Request { peer, chunk: Some(3), reason };
        let answer = |requests| Answer::Requests(RequestsAnswer { requests });
        let one = answer(vec![request(1, 5), request(2, 5)]);
        assert!(agree(&one, &answer(vec![request(1, 6), request(2, 7)])));
        assert!(!agree(&one, &answer(vec![request(2, 5), request(1, 5)])));
        assert!(!agree(&one, &answer(vec![request(1, 5)])));
        assert!(!agree(&one, &Answer::Offers(samara_policy::OffersAnswer::default())));
    }
}
