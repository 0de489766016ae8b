//! Between the SDK's types and the contract's: which hook, with which view.

mod answer;
mod view;

use samara_policy::{Answer, Question};
use wasmtime::Store;

use crate::bindings::Policy;
use crate::instance::{Budget, Failed};

/// Calls the hook that the question is for.
pub(crate) fn ask(
    policy: &Policy,
    store: &mut Store<Budget>,
    question: &Question,
) -> Result<Answer, Failed> {
    let strategy = policy.samara_policy_strategy();
    Ok(match question {
        Question::Neighbours(seen) => view::with_neighbours(seen, |seen| {
            let said = strategy.call_neighbours(store, seen)?;
            Ok::<_, Failed>(Answer::Neighbours(answer::neighbours(said)?))
        })?,
        Question::Offers(seen) => view::with_offers(seen, |seen| {
            let said = strategy.call_offers(store, seen)?;
            Ok::<_, Failed>(Answer::Offers(answer::offers(said)?))
        })?,
        Question::Requests(seen) => view::with_requests(seen, |seen| {
            let said = strategy.call_requests(store, seen)?;
            Ok::<_, Failed>(Answer::Requests(answer::requests(said)?))
        })?,
        Question::Overdue(seen) => view::with_overdue(seen, |seen| {
            let said = strategy.call_overdue(store, seen)?;
            Ok::<_, Failed>(Answer::Overdue(answer::overdue(said)?))
        })?,
    })
}
