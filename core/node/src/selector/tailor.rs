//! Fits a question to a policy that it was not made for: the one that is tried beside the active one, the
//! built-in one in its place, or one that became active while the question was under way.

use samara_policy::{Description, Me, Question, column};

/// Gives the question the parameters of the policy, the labels that it named, and no columns that it did not
/// ask for. `shown` are the labels that the question has; what it does not have is 0.
pub fn tailor(question: &mut Question, shown: &[String], policy: &Description, parameters: &[u64]) {
    if let Question::Offers(view) = question
        && !policy.columns.contains(&column::SITES)
    {
        view.more.clear();
    }
    let wanted = &policy.labels;
    let (me, columns) = parts(question);
    if me.parameters != parameters {
        me.parameters = parameters.to_vec();
    }
    if shown == *wanted && me.labels.len() == wanted.len() {
        return;
    }
    // A question of before the labels changed names none that could be told apart.
    let stride = me.labels.len();
    let places: Vec<Option<usize>> = wanted
        .iter()
        .map(|key| shown.iter().position(|one| one == key).filter(|_| stride == shown.len()))
        .collect();
    let pick = |row: &[u64]| -> Vec<u64> {
        places.iter().map(|place| place.and_then(|at| row.get(at).copied()).unwrap_or(0)).collect()
    };
    me.labels = pick(&me.labels);
    let rows = columns.rows;
    let mut picked = Vec::with_capacity(rows * wanted.len());
    for row in 0..rows {
        let from = columns.labels.get(row * stride..(row + 1) * stride).unwrap_or(&[]);
        picked.extend(pick(from));
    }
    *columns.labels = picked;
}

struct Columns<'a> {
    rows: usize,
    labels: &'a mut Vec<u64>,
}

fn parts(question: &mut Question) -> (&mut Me, Columns<'_>) {
    match question {
        Question::Neighbours(view) => {
            let rows = view.peers.id.len();
            (&mut view.me, Columns { rows, labels: &mut view.peers.labels })
        }
        Question::Offers(view) => {
            let rows = view.peers.id.len();
            (&mut view.me, Columns { rows, labels: &mut view.peers.labels })
        }
        Question::Requests(view) => {
            let rows = view.peers.id.len();
            (&mut view.me, Columns { rows, labels: &mut view.peers.labels })
        }
        Question::Overdue(view) => {
            let rows = view.peers.id.len();
            (&mut view.me, Columns { rows, labels: &mut view.peers.labels })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use samara_policy::{Column, OffersView, PeerColumns, Policy};
    use samara_policy_balanced::Balanced;

    fn question() -> Question {
        Question::Offers(OffersView {
            me: Me { labels: vec![1, 2], parameters: vec![9], ..Me::default() },
            peers: PeerColumns {
                id: vec![5, 6],
                labels: vec![10, 20, 11, 21],
                ..PeerColumns::default()
            },
            ..OffersView::default()
        })
    }

    fn labels(keys: &[&str]) -> Vec<String> {
        keys.iter().map(ToString::to_string).collect()
    }

    /// A policy that wants to see these labels.
    fn policy(keys: &[&str]) -> Description {
        Description { labels: labels(keys), ..Balanced.describe() }
    }

    #[test]
    fn who_did_not_ask_for_sites_sees_none() {
        let sites = vec![Column { id: column::SITES, values: vec![0, 1] }];
        let asked = || {
            let Question::Offers(view) = question() else { panic!("offers") };
            Question::Offers(OffersView { more: sites.clone(), ..view })
        };
        let seen_by = |columns: &[u32]| {
            let policy = Description { columns: columns.to_vec(), ..Balanced.describe() };
            let mut question = asked();
            tailor(&mut question, &[], &policy, &[]);
            let Question::Offers(view) = question else { panic!("offers") };
            view.more
        };
        assert_eq!(seen_by(&[column::SITES]), sites);
        assert_eq!(seen_by(&[]), []);
    }

    #[test]
    fn labels_are_picked_by_name_and_parameters_replaced() {
        let mut asked = question();
        tailor(&mut asked, &labels(&["a", "b"]), &policy(&["b", "c", "a"]), &[3, 4]);
        let Question::Offers(view) = &asked else { panic!("offers") };
        assert_eq!(view.me.labels, [2, 0, 1]);
        assert_eq!(view.peers.labels, [20, 0, 10, 21, 0, 11]);
        assert_eq!(view.me.parameters, [3, 4]);
        let mut same = question();
        tailor(&mut same, &labels(&["a", "b"]), &policy(&["a", "b"]), &[9]);
        assert_eq!(same, question());
    }

    #[test]
    fn labels_of_an_older_question_are_unknown() {
        let mut asked = question();
        tailor(&mut asked, &labels(&["a", "b", "c"]), &policy(&["a"]), &[]);
        let Question::Offers(view) = &asked else { panic!("offers") };
        assert_eq!((&view.me.labels, &view.peers.labels), (&vec![0], &vec![0, 0]));
    }
}
