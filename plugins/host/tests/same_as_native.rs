//! A module answers exactly as the same code compiled natively.

mod support;

use std::cell::RefCell;

use proptest::prelude::*;
use samara_policy::Hook;
use samara_policy::testing::{golden, random_question, scenario};
use samara_policy::{Column, Policy, Question};
use samara_policy_balanced::Balanced;
use samara_policy_host::{Host, Instance, Limits};
use samara_policy_mirror::Mirror;

/// Without a deadline: a slow machine must not change an answer.
fn instance_of(folder: &str) -> Instance {
    let host = Host::new(Limits::for_simulation()).expect("a host");
    host.load(&support::built(folder)).expect("a policy").instance()
}

fn check(policy: &dyn Policy, instance: &mut Instance, question: &Question) {
    let answer = instance.answer(question).expect("an answer");
    assert_eq!(answer, policy.answer(question));
}

#[test]
fn balanced_answers_golden_views_and_scenarios_as_it_does_natively() {
    let mut instance = instance_of("policies/balanced");
    for golden in golden().expect("golden views") {
        check(&Balanced, &mut instance, &golden.case.question);
    }
    for hook in Hook::ALL {
        for peers in [1, 16, 64, 256] {
            check(&Balanced, &mut instance, &scenario(hook, peers, 1024, 1));
        }
    }
}

#[test]
fn balanced_answers_anything_as_it_does_natively() {
    let mut instance = instance_of("policies/balanced");
    for seed in 0..2_000 {
        for hook in Hook::ALL {
            check(&Balanced, &mut instance, &random_question(hook, seed));
        }
    }
}

#[test]
fn every_column_arrives_as_it_left_and_every_answer_comes_back() {
    let instance = RefCell::new(instance_of("plugins/host/guests/mirror"));
    let mut runner = proptest::test_runner::TestRunner::default();
    let more = proptest::collection::vec((any::<u32>(), any::<Vec<u64>>()), 0..4);
    let inputs = (any::<u64>(), 0..4usize, more);
    let ran = runner.run(&inputs, |(seed, hook, more)| {
        let mut question = random_question(Hook::ALL[hook], seed);
        let more = more.into_iter().map(|(id, values)| Column { id, values }).collect();
        *more_of(&mut question) = more;
        check(&Mirror, &mut instance.borrow_mut(), &question);
        Ok(())
    });
    ran.expect("every answer is the same");
}

#[test]
fn a_module_describes_itself_as_it_does_natively() {
    let host = Host::new(Limits::default()).expect("a host");
    for (folder, policy) in
        [("policies/balanced", &Balanced as &dyn Policy), ("plugins/host/guests/mirror", &Mirror)]
    {
        let module = host.load(&support::built(folder)).expect("a policy");
        assert_eq!(*module.description(), policy.describe());
        assert!(module.size() < 100 << 10, "{folder} has {} bytes", module.size());
    }
}

fn more_of(question: &mut Question) -> &mut Vec<Column> {
    match question {
        Question::Neighbours(view) => &mut view.more,
        Question::Offers(view) => &mut view.more,
        Question::Requests(view) => &mut view.more,
        Question::Overdue(view) => &mut view.more,
    }
}
